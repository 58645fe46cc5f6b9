import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct StoreSealerTests {
  private static let first = SealKey(SecretKey(from: { 7 }))
  private let rig: CheckpointRig
  private let schedule: SealSchedule
  private let clock = ManualTime(now: Timestamp(rawValue: 1_700_000_010_000_000_000))

  init() throws {
    rig = try CheckpointRig()
    schedule = try #require(
      SealSchedule(startSeconds: 1_700_000_000, epochSeconds: 60, graceSeconds: 60))
    try SealKeyFile.create("seal", in: "/keys", key: Self.first, fileSystem: rig.disk)
  }

  private func file() throws(SealKeyFileError) -> SealKeyFile {
    try SealKeyFile(opening: "seal", in: "/keys", schedule: schedule, fileSystem: rig.disk)
  }

  @Test func `a seal is of the chain as it is when all streams were stated`() throws {
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    try CheckpointRig.append(100, to: log)
    let sealer = StoreSealer(store, origin: CheckpointRig.origin)
    let file = try file()
    var verifier = SealVerifier(
      key: Self.first, logID: StoreSealer.logID(origin: CheckpointRig.origin),
      schedule: schedule, now: .max)
    var last: UInt64 = 0
    for epoch in 0..<3 as Range<UInt64> {
      let (seal, offset) = try #require(try sealer.seal(with: file, clock: clock))
      #expect(seal.epoch == epoch && seal.chain.count > last)
      #expect(seal.logID == SHA256.digest(Array(CheckpointRig.origin.utf8)))
      last = seal.chain.count
      try verifier.verify(seal, covering: nil)
      // What was stated is a record of the evidence stream.
      let evidence = try #require(try store.evidenceStream())
      var reader = try evidence.makeReader(from: .offset(offset))
      let record = try #require(try reader.next())
      let statement = try Statement(record.value.span.bytes)
      #expect(statement.content == .seal(seal) && statement.streamID == 0)
      #expect(record.type == Array("seal".utf8))
      clock.advance(byNanoseconds: 60_000_000_000)
      try CheckpointRig.append(5, to: log)
    }
    store.close()
    // Durable before it was given out.
    let crashed = try rig.crashed().open()
    #expect(try crashed.evidenceStream()?.logEndOffset.rawValue ?? 0 >= 6)
    crashed.close()
  }

  @Test func `a store that states nothing has nothing to seal`() throws {
    let store = try rig.open()
    defer { store.close() }
    let made = try StoreSealer(store, origin: "x").seal(with: file(), clock: clock)
    #expect(made == nil)
    #expect(try store.evidenceStream() == nil)
  }

  @Test func `no seal is made with a clock that the key does not follow`() throws {
    let store = try rig.open()
    defer { store.close() }
    try CheckpointRig.append(3, to: CheckpointRig.stream(store))
    let sealer = StoreSealer(store, origin: "x")
    let file = try file()
    clock.advance(byNanoseconds: 300_000_000_000)
    let made = try #require(try sealer.seal(with: file, clock: clock))
    clock.setWallClock(Timestamp(rawValue: 1_700_000_020_000_000_000))
    let before = try store.evidenceStream()?.logEndOffset
    do throws(SealingError) {
      _ = try sealer.seal(with: file, clock: clock)
      Issue.record("a seal of epoch \(made.seal.epoch) was followed by one of an earlier epoch")
    } catch {
      guard case .key(.clockWentBack) = error else { throw error }
      #expect("\(error)".contains("correct the clock"))
    }
    #expect(try store.evidenceStream()?.logEndOffset == before)
  }
}
