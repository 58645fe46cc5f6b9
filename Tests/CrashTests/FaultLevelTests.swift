import CommitLog
import Foundation
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CrashScenarios

/// One test at least for each level of faults that the engine must survive, small enough for every run.
/// The sweeps of `simulate` and `damage` go through the same levels in full.
@Suite struct FaultLevelTests {
  /// A machine that stopped, and what it had promised.
  struct Cut {
    let image: SimulatedFileSystem
    let promises: Ledger
    let bootHash: UInt64
    let number: Int
  }

  /// Takes an image at every so many operations of some work.
  static func cuts(
    of session: Session, every stride: Int, _ plan: CrashPlan, during work: () throws -> Void
  ) rethrows -> [Cut] {
    nonisolated(unsafe) var cuts: [Cut] = []
    // The observer runs on the thread that works.
    nonisolated(unsafe) let observed = session
    observed.disk.observeOperations { operation in
      guard operation.number % stride == 0 else { return }
      cuts.append(
        Cut(
          image: observed.disk.crashImage(plan, seed: UInt64(operation.number)),
          promises: observed.promises, bootHash: observed.bootHash, number: operation.number))
    }
    try work()
    observed.disk.observeOperations(nil)
    return cuts
  }

  static func cuts(ofScenario name: String, every stride: Int, _ plan: CrashPlan) throws -> [Cut] {
    let scenario = try #require(Scenario.named(name))
    let session = Session(disk: CrashRun.makeDisk(), seed: 20_260_101)
    let cuts = try cuts(of: session, every: stride, plan) { try scenario.run(in: session) }
    session.abandon()
    return cuts
  }

  /// The process started on what a crash left, not yet at work.
  static func restarted(_ cut: Cut, after crash: Crash, generation: UInt64 = 1) -> Session {
    let session = Session(
      disk: cut.image, seed: UInt64(cut.number),
      bootHash: crash == .powerCut ? cut.bootHash + 1 : cut.bootHash, generation: generation)
    session.ledger = cut.promises.after(crash)
    cut.image.byteCapacity = 1 << 40
    return session
  }

  /// Every cut opens, keeps its promises, and can be worked on.
  static func expectSurvival(_ cuts: [Cut], of crash: Crash) throws {
    #expect(cuts.count > 10)
    for cut in cuts {
      let session = restarted(cut, after: crash)
      var choices = RandomChoices(seed: UInt64(cut.number))
      do {
        try session.reopen(after: crash)
        try session.goOn(&choices)
      } catch {
        Issue.record("cut at operation \(cut.number): \(error)")
      }
      session.abandon()
    }
  }

  /// A stream of small segments on a fresh machine.
  static func session(_ durability: Durability = .disk, records: Int) throws -> Session {
    let session = Session(disk: CrashRun.makeDisk(), seed: 4)
    try session.create()
    try session.createStream("d", durability, rollAfter: 20)
    for _ in 0..<records { try session.append("d", 1, acknowledged: true) }
    return session
  }

  // MARK: Crashes

  @Test(arguments: ["singles", "mapped-rolls", "removal"])
  func `F0: a process killed at any operation keeps all that was acknowledged`(
    _ scenario: String
  ) throws {
    try Self.expectSurvival(
      Self.cuts(ofScenario: scenario, every: 6, .processKill), of: .processDeath)
  }

  @Test(.timeLimit(.minutes(15)))
  func `F0: the program killed in real processes keeps all that was acknowledged`() throws {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let programs = ["simulate", "piperoll"].map { folder.appendingPathComponent($0) }
    guard programs.allSatisfy({ FileManager.default.isExecutableFile(atPath: $0.path) }) else {
      print("skipped: no programs beside the tests")
      return
    }
    let process = Process()
    process.executableURL = programs[0]
    process.arguments = ["kill", "--rounds", "6", "--program", programs[1].path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0 && text.contains(" 0 missing, 0 foreign"), "\(text)")
  }

  @Test(arguments: ["rolls", "reopenings"])
  func `F1: power cut on an ordered file system keeps all that was acknowledged`(
    _ scenario: String
  ) throws {
    try Self.expectSurvival(Self.cuts(ofScenario: scenario, every: 6, .ordered), of: .powerCut)
  }

  @Test(arguments: [1, 8, 512, 4_096])
  func `F2: power cut that keeps any subset of unsynced pages, torn, loses nothing acknowledged`(
    _ granularity: Int
  ) throws {
    let plan = CrashPlan(tearGranularity: granularity, showsStaleBytes: false)
    for scenario in ["batches", "two-streams"] {
      try Self.expectSurvival(Self.cuts(ofScenario: scenario, every: 9, plan), of: .powerCut)
    }
  }

  @Test func `F3: power cuts during and after recovery, again and again, lose nothing`() throws {
    var cuts = try Self.cuts(ofScenario: "rolls", every: 40, .random)
    for generation in 1...UInt64(3) {
      var next: [Cut] = []
      for cut in cuts {
        let session = Self.restarted(cut, after: .powerCut, generation: generation)
        next += try Self.cuts(of: session, every: 5, .random) {
          try session.reopen(after: .powerCut)
          try session.append("d", 2, acknowledged: true)
        }
        session.abandon()
      }
      // Every generation would be several times as large as the one before.
      let stride = max(1, next.count / 24)
      cuts = next.enumerated().filter { $0.offset % stride == 0 }.map(\.element)
    }
    try Self.expectSurvival(cuts, of: .powerCut)
  }

  @Test func `F3: the crash sweep cuts recoveries and counts states that differ`() throws {
    let scenario = try #require(Scenario.named("reopenings"))
    var plan = CrashRun.Plan(scenario, seed: 5, density: 0.05)
    plan.failureLimit = 1
    let tally = CrashRun(plan).run()
    #expect(tally.failures.isEmpty, "\(tally.failures)")
    #expect(tally.states > 0 && tally.nestedStates > 0)
    #expect(tally.digests.count > tally.states / 4 && tally.digests.count <= tally.allStates)
  }

  @Test func `F4: unwritten pages that show bytes of removed segments are no records`() throws {
    try Self.expectSurvival(
      Self.cuts(ofScenario: "removal", every: 5, .random(tearGranularity: nil)), of: .powerCut)
  }

  // MARK: Failing operations

  @Test func `F5: every operation that fails gives a typed error and takes nothing back`() throws {
    for name in ["creation", "removal"] {
      let scenario = try #require(Scenario.named(name))
      let tally = try FaultSweep(seed: 3, stride: 197, scenarios: [scenario]).run()
      #expect(tally.failures.isEmpty, "\(tally.failures)")
      #expect(tally.states > 5)
    }
  }

  @Test(arguments: [CrashPlan.processKill, .loseAll, .random])
  func `F6: a failed sync whose pages are dropped takes nothing acknowledged`(
    _ plan: CrashPlan
  ) throws {
    let crash: Crash = if case .processKill = plan.survival { .processDeath } else { .powerCut }
    let session = try Self.session(records: 5)
    session.isTolerant = true
    let cuts = try Self.cuts(of: session, every: 2, plan) {
      for kind in [FileSystemError.Operation.writeDurably, .synchronizeData] {
        session.disk.faultPlan = .failing(
          kind, paths: .matching { $0.contains("/s/") }, dropsDirtyPages: true)
        for _ in 0..<4 {
          try session.append("d", 3, size: 700)
          try session.flush("d")
        }
        session.disk.faultPlan = .none
        try session.append("d", 2, acknowledged: true)
      }
    }
    session.abandon()
    try Self.expectSurvival(cuts, of: crash)
  }

  @Test func `F7: a full disk is a typed error, and the store goes on when there is room`() throws {
    try Self.expectSurvival(
      Self.cuts(ofScenario: "disk-full", every: 6, .processKill), of: .processDeath)
  }

  @Test func `F7: without descriptors or the right to write, opening says so and readers read`()
    throws
  {
    let session = try Self.session(records: 30)
    try session.close()
    let disk = session.disk
    let (options, environment) = (session.storeOptions, session.environment)
    disk.options.openHandleLimit = disk.openHandleCount + 2
    #expect(throws: OpenError.self) {
      try Store.open(at: Session.path, options: options, environment: environment)
    }
    disk.options.openHandleLimit = 1 << 20
    disk.isReadOnly = true
    #expect(throws: OpenError.self) {
      try Store.open(at: Session.path, options: options, environment: environment)
    }
    let store = try StoreReader.open(
      at: Session.path, options: options, environment: environment)
    var reader = try store.makeReader(of: StreamName("d"))
    #expect(try reader.records(max: 100).count == 30)
    disk.isReadOnly = false
    try session.open()
    session.abandon()
  }

  // MARK: Damage

  /// Paths of the segments of the stream, oldest first.
  static func segments(_ disk: SimulatedFileSystem) -> [String] {
    disk.paths.filter { $0.contains("/s/0") && $0.hasSuffix(".seg") }.sorted()
  }

  /// Reads a stream to its end, over damage.
  static func read(_ store: StoreReader) throws -> (offsets: [UInt64], damaged: [DamageReport]) {
    var reader = try store.makeReader(of: StreamName("d"))
    var offsets: [UInt64] = []
    var damaged: [DamageReport] = []
    while true {
      do throws(ReadError) {
        if try reader.read({ offsets.append($0.offset.rawValue) }) == 0 { break }
      } catch {
        guard case .damaged(let report) = error, damaged.count < 10 else { throw error }
        damaged.append(report)
      }
    }
    return (offsets, damaged)
  }

  @Test func `F8: a flipped bit of a sealed segment is named and costs one batch`() throws {
    let session = try Self.session(records: 70)
    try session.close()
    let path = try #require(Self.segments(session.disk).first)
    try session.disk.flipBit(path, byte: SegmentLayout.preambleByteCount + 200, bit: 3)
    let store = try StoreReader.open(
      at: Session.path, options: session.storeOptions, environment: session.environment)
    let (offsets, damaged) = try Self.read(store)
    let report = try #require(damaged.first)
    #expect(damaged.count == 1 && report.path == path)
    let lost = Set(0..<UInt64(70)).subtracting(offsets)
    #expect(lost == Set(report.firstOffset.rawValue..<report.nextOffset.rawValue))
    #expect(lost.count <= 1)
  }

  @Test func `F9: damage that a later durable group proves is reported, and cuts nothing`() throws {
    let session = try Self.session(records: 10)
    let image = session.disk.crashImage(.processKill)
    let path = try #require(Self.segments(image).first)
    // Inside the first frames; the others carry the position that was durable before them.
    try image.flipBit(path, byte: SegmentLayout.preambleByteCount + 80, bit: 5)
    var environment = session.environment
    environment.fileSystem = image
    let store = try Store.open(
      at: Session.path, options: session.storeOptions, environment: environment)
    let log = try store.stream(StreamName("d"))
    #expect(log.recovery.damaged.count == 1)
    #expect(log.logEndOffset.rawValue == 10)
    store.abandon()
    session.abandon()
  }

  // MARK: Others

  @Test func `F10: a second writer is refused, and the lock dies with its holder`() throws {
    let session = try Self.session(records: 3)
    let error = #expect(throws: OpenError.self) {
      try Store.open(
        at: Session.path, options: session.storeOptions, environment: session.environment)
    }
    guard case .locked = error else {
      Issue.record("wrong error: \(String(describing: error))")
      return
    }
    try session.restart(inOrder: false)
    try session.append("d", 1, acknowledged: true)
    session.abandon()
  }

  @Test func `F10: readers behind a removal get a typed error, others read on`() throws {
    let session = try Self.session(records: 70)
    let log = try #require(session.logs["d"])
    var late = try log.makeReader()
    var current = try log.makeReader(from: .offset(Offset(rawValue: 50)))
    try session.remove("d", before: 45)
    #expect(log.logStartOffset.rawValue == 40)
    let error = #expect(throws: ReadError.self) { _ = try late.read { _ in } }
    guard case .expired = error else {
      Issue.record("wrong error: \(String(describing: error))")
      return
    }
    #expect(try current.records(max: 100).count == 20)
    session.abandon()
  }

  @Test func `F10: a clock that jumps leaves offsets and the append clock ascending`() throws {
    let session = try Self.session(records: 5)
    let now = session.time.now().rawValue
    for jump in [-86_400, 315_360_000, -315_360_000, 0] as [Int64] {
      session.time.setWallClock(Timestamp(rawValue: now + jump * 1_000_000_000))
      try session.append("d", 3, acknowledged: true)
    }
    var reader = try #require(session.logs["d"]).makeReader()
    let records = try reader.records(max: 100)
    #expect(records.map(\.offset.rawValue) == Array(0..<17))
    #expect(zip(records, records.dropFirst()).allSatisfy { $0.appendTime <= $1.appendTime })
    session.abandon()
  }

  @Test func `F11: hostile files in place of our own are typed errors`() throws {
    let session = try Self.session(records: 30)
    try session.close()
    let disk = session.disk.crashImage(.keepAll)
    let random = SeededRandom(seed: 11)
    for path in disk.paths.sorted() where !path.hasSuffix("/lock") {
      for form in 0..<4 {
        let image = disk.crashImage(.keepAll)
        guard (try? image.readFile(path)) != nil else { continue }
        switch form {
        case 0: try image.replaceFile(path, with: (0..<9_000).map { _ in UInt8(random.below(256)) })
        case 1: try image.placeSpecialFile(.fifo, at: path)
        case 2: try image.placeSpecialFile(.symbolicLink(to: "/etc/passwd"), at: path)
        default: try image.truncate(path, to: 1 << 22)
        }
        var environment = session.environment
        environment.fileSystem = image
        do throws(OpenError) {
          let store = try Store.open(
            at: Session.path, options: session.storeOptions, environment: environment)
          _ = try? store.stream(StreamName("d"))
          store.abandon()
        } catch {
          #expect(!error.description.isEmpty)
        }
        let report = try? StoreVerification.run(
          at: Session.path, options: session.storeOptions, environment: environment)
        #expect(report?.findings.count ?? 0 < 100)
      }
    }
  }
}
