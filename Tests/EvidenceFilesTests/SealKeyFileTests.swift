import ByteCoding
import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import Quantities
import SimulatedIO
import Synchronization
import Testing

@Suite struct SealKeyFileTests {
  private static let logID = SHA256.digest([1])
  private static let first = SealKey(SecretKey(from: { 7 }))
  private let schedule: SealSchedule

  init() throws { schedule = try #require(SealSchedule(startSeconds: 0, epochSeconds: 60)) }

  private func time(_ second: Int64) -> Timestamp { Timestamp(rawValue: second * 1_000_000_000) }

  private func chain(_ count: UInt64) -> HashChain {
    HashChain(count: count, head: SHA256.digest([UInt8(truncatingIfNeeded: count)]))
  }

  private func disk() throws -> SimulatedFileSystem {
    let disk = SimulatedFileSystem(directories: ["/seal"])
    try SealKeyFile.create("key", in: "/seal", key: Self.first, fileSystem: disk)
    return disk
  }

  private func open(_ disk: SimulatedFileSystem, after last: EpochSeal? = nil)
    throws(SealKeyFileError) -> SealKeyFile
  {
    try SealKeyFile(
      opening: "key", in: "/seal", schedule: schedule, after: last, fileSystem: disk)
  }

  private func error(_ body: () throws(SealKeyFileError) -> Void) -> SealKeyFileError? {
    do throws(SealKeyFileError) {
      try body()
      return nil
    } catch {
      return error
    }
  }

  /// Epochs, of the first ones, whose keys stand somewhere in a file.
  private func epochs(in bytes: [UInt8]) -> [UInt64] {
    var secret = [UInt8](repeating: 0, count: 32)
    for place in stride(from: 0, to: 32, by: 8) { secret[place] = 7 }
    return (0..<20 as Range<UInt64>).filter { _ in
      defer { secret = SHA256.digest(Array("piperoll next seal key v1\n".utf8) + secret).bytes }
      return bytes.firstRange(of: secret) != nil
    }
  }

  @Test func `a writer seals epoch by epoch, and each earlier key is gone`() throws {
    let disk = try disk()
    var seals: [EpochSeal] = []
    for second in [0, 30, 59, 60, 200, 600] as [Int64] {
      do {
        let file = try open(disk, after: seals.last)
        seals.append(
          try file.seal(chain(UInt64(second)), of: Self.logID, at: time(second)))
        #expect(file.epoch == UInt64(second / 60) && file.path == "/seal/key")
      }
      #expect(try epochs(in: disk.readFile("/seal/key")) == [UInt64(second / 60)])
    }
    var verifier = SealVerifier(
      key: Self.first, logID: Self.logID, schedule: schedule, now: 1_000_000_000_000)
    for seal in seals { try verifier.verify(seal, covering: nil) }
    try verifier.finish()
    #expect(seals.count == 6)
    // Without a seal as well.
    let file = try open(disk)
    try file.advance(at: time(700))
    try file.advance(at: time(650))
    #expect(file.epoch == 11)
    #expect(try epochs(in: disk.readFile("/seal/key")) == [11])
  }

  @Test func `a clock that went back or far ahead seals nothing`() throws {
    let disk = try disk()
    let last: EpochSeal
    do {
      let file = try open(disk)
      last = try file.seal(chain(1), of: Self.logID, at: time(130))
      for second in [129, 119, 0, -1] as [Int64] {
        #expect(
          error { () throws(SealKeyFileError) in
            _ = try file.seal(chain(2), of: Self.logID, at: time(second))
          } == .clockWentBack(path: "/seal/key", epoch: 2))
      }
      let far = time(60 * Int64(SealKeyFile.epochJumpLimit) + 180)
      #expect(
        error { () throws(SealKeyFileError) in
          _ = try file.seal(chain(2), of: Self.logID, at: far)
        }
          == .clockJumped(path: "/seal/key", from: 2, to: SealKeyFile.epochJumpLimit + 3))
      _ = try file.seal(chain(2), of: Self.logID, at: time(130))
    }
    let file = try open(disk, after: last)
    #expect(
      error { () throws(SealKeyFileError) in
        _ = try file.seal(chain(2), of: Self.logID, at: time(125))
      } == .clockWentBack(path: "/seal/key", epoch: 2))
  }

  @Test func `a seal key file is made once, opened once, and never made by opening`() throws {
    let disk = try disk()
    #expect(
      error { () throws(SealKeyFileError) in
        try SealKeyFile.create("key", in: "/seal", key: Self.first, fileSystem: disk)
      } == .alreadyExists(path: "/seal/key"))
    do {
      let file = try open(disk)
      #expect(
        error { () throws(SealKeyFileError) in _ = try open(disk) }
          == .locked(path: "/seal/key"))
      #expect(file.epoch == 0)
    }
    let bytes = try disk.readFile("/seal/key")
    for bit in 0..<80 * 8 {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      try disk.replaceFile("/seal/key", with: other)
      #expect(
        error { () throws(SealKeyFileError) in _ = try open(disk) }
          == .damaged(path: "/seal/key"))
    }
    for count in [0, 512, 1_023, 1_025, 9_999] {
      try disk.replaceFile(
        "/seal/key", with: Array((bytes + [UInt8](repeating: 0, count: 9_999)).prefix(count)))
      #expect(
        error { () throws(SealKeyFileError) in _ = try open(disk) }
          == .damaged(path: "/seal/key"))
    }
    try disk.removeFile("/seal/key")
    guard case .fileSystem(let found) = error({ () throws(SealKeyFileError) in _ = try open(disk) })
    else {
      Issue.record("opened")
      return
    }
    #expect(found.reason == .notFound && !disk.exists("/seal/key"))
    try disk.placeDirectory(at: "/seal/key")
    #expect(error { () throws(SealKeyFileError) in _ = try open(disk) } != nil)
  }

  /// Goes through some epochs; tells the last that was sealed in.
  private func work(_ file: SealKeyFile, _ shown: borrowing Mutex<UInt64>) throws {
    for second in [30, 61, 62, 190, 250] as [Int64] {
      let seal = try file.seal(chain(UInt64(second)), of: Self.logID, at: time(second))
      shown.withLock { $0 = seal.epoch }
    }
  }

  private func check(_ disk: SimulatedFileSystem, shown: UInt64, _ comment: Comment) throws {
    let epoch: UInt64
    do {
      let file = try open(disk)
      epoch = file.epoch
      #expect(epoch >= shown, comment)
      #expect(try epochs(in: disk.readFile("/seal/key")) == [epoch], comment)
      let seal = try file.seal(chain(255), of: Self.logID, at: time(280))
      #expect(Self.first.advanced(to: 4).isValid(seal), comment)
    }
    #expect(try open(disk.crashImage(.loseAll, seed: 1)).epoch == 4, comment)
  }

  @Test func `wherever the power goes no epoch comes back in which a seal was shown`() throws {
    let disk = try disk()
    let file = try open(disk)
    let shown = Mutex<UInt64>(0)
    let images = Mutex<[(SimulatedFileSystem, UInt64, Int)]>([])
    disk.observeOperations { operation in
      var some = [CrashPlan.processKill, .loseAll, .keepAll].map { disk.crashImage($0, seed: 1) }
      for seed in 0..<6 as Range<UInt64> {
        for granularity in [512, 1] {
          some.append(
            disk.crashImage(
              .random(tearGranularity: granularity), seed: UInt64(operation.number) * 100 + seed))
        }
      }
      let now = shown.withLock { $0 }
      images.withLock { images in images += some.map { ($0, now, operation.number) } }
    }
    try work(file, shown)
    disk.observeOperations(nil)
    let all = images.withLock { $0 }
    #expect(all.count >= 90)
    for (image, shown, number) in all {
      try check(image, shown: shown, "before operation \(number)")
    }
  }

  @Test func `whatever fails, no epoch comes back and the next attempt goes on`() throws {
    var failedCount = 0
    for number in 1..<14 {
      for form in [FaultPlan.Form.lost, .kept, .partial()] {
        for drops in [false, true] {
          let disk = try disk()
          let shown = Mutex<UInt64>(0)
          disk.faultPlan = .failing(
            operation: disk.operationCount + number, form: form, dropsDirtyPages: drops)
          do {
            guard let file = try? open(disk) else {
              disk.faultPlan = .none
              try check(disk, shown: 0, "\(number) \(form), opened again")
              failedCount += 1
              continue
            }
            let isDone = (try? work(file, shown)) != nil
            disk.faultPlan = .none
            let cut = disk.crashImage(.loseAll, seed: 1)
            try check(cut, shown: shown.withLock { $0 }, "\(number) \(form), cut")
            if !isDone {
              failedCount += 1
              let seal = try file.seal(chain(9), of: Self.logID, at: time(260))
              #expect(Self.first.advanced(to: 4).isValid(seal))
            }
            #expect(try epochs(in: disk.readFile("/seal/key")) == [4])
          }
          try check(
            disk.crashImage(.loseAll, seed: 1), shown: 4, "\(number) \(form), at the end")
        }
      }
    }
    #expect(failedCount >= 40)
  }
}
