import Glibc
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Synchronization
import Testing

@testable import CommitLog

@Suite struct StreamLogRetentionTests {
  private static let second: UInt64 = 1_000_000_000

  /// A stream that goes on to another segment after ten records; 100 of them, one a second.
  private func withRecords(
    _ durability: Durability = .disk, _ evidence: EvidenceClass = .tree,
    _ body: (Machine, Store, StreamLog) throws -> Void
  ) throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    var options = StreamLogCloseTests.rolling(durability)
    options.evidence = evidence
    let log = try store.createStream(StreamName("s"), options: options)
    for index in 0..<100 {
      try log.append(bytes("record \(index)"))
      machine.time.advance(byNanoseconds: Self.second)
    }
    try log.flush()
    try body(machine, store, log)
  }

  @Test(arguments: everyClass, [EvidenceClass.none, .chain, .tree])
  func `a policy is carried out and stands after a reopening`(
    _ durability: Durability, _ evidence: EvidenceClass
  ) throws {
    try withRecords(durability, evidence) { machine, store, log in
      #expect(log.retention.keepsEverything)
      #expect(try log.applyRetention().removals.isEmpty)
      var policy = RetentionPolicy()
      policy.maximumAgeNanoseconds = 45 * Self.second
      policy.maximumRecordCount = 75
      try log.setRetention(policy)
      let plan = try log.planRetention()
      #expect(plan.removals.map(\.bound) == ["age"] && plan.recordCount == 50)
      #expect(log.logStartOffset == .zero)
      let report = try log.applyRetention()
      #expect(report.removals == plan.removals)
      #expect(log.logStartOffset.rawValue == 50)
      #expect(try values(log).first == "record 50")
      #expect(try log.applyRetention().removals.isEmpty)
      store.close()
      let again = try machine.open()
      defer { again.close() }
      let reopened = try again.stream(StreamName("s"))
      #expect(reopened.retention == policy && reopened.logStartOffset.rawValue == 50)
      try reopened.setRetention(RetentionPolicy())
      #expect(reopened.retention.keepsEverything)
    }
  }

  @Test func `what goes is stated with its bound`() throws {
    try withRecords { _, store, log in
      var policy = RetentionPolicy()
      policy.maximumRecordCount = 30
      try log.setRetention(policy)
      try log.applyRetention()
      let evidence = try #require(try store.evidenceStream())
      var removals: [RecordRemoval] = []
      try StatementIndex.read(evidence, from: .zero, to: nil) { statement, _ in
        if case .removal(let removal) = statement.content { removals.append(removal) }
      }
      #expect(removals.map(\.cause) == [.recordCount])
      #expect(removals.first?.nextOffset == log.logStartOffset.rawValue)
      #expect(removals.first?.reason == "the policy keeps 30 records")
    }
  }

  @Test func `records of an idle stream grow too old as well`() throws {
    try withRecords { machine, store, log in
      var policy = RetentionPolicy()
      policy.maximumAgeNanoseconds = 1_000 * Self.second
      try log.setRetention(policy)
      machine.time.advance(byNanoseconds: 1_001 * Self.second)
      let report = try log.applyRetention()
      #expect(report.recordCount == 100)
      #expect(log.logStartOffset.rawValue >= 100)
      #expect(try values(log).isEmpty)
      // Nothing more happens, however often.
      let end = log.logEndOffset
      for _ in 0..<3 { #expect(try log.applyRetention().removals.isEmpty) }
      #expect(log.logEndOffset == end)
      try log.append(bytes("new"))
      try log.flush()
      #expect(try values(log) == ["new"])
    }
  }

  @Test func `holds keep records from retention, removal and redaction`() throws {
    try withRecords { machine, store, log in
      let name = try StreamName("s")
      let range = Offset(rawValue: 25)..<Offset(rawValue: 27)
      let hold = try store.placeHold("case", reason: "a letter", on: name, offsets: range)
      #expect(store.holds == [hold])
      #expect(try store.placeHold("case", reason: "a letter", on: name, offsets: range) == hold)
      #expect(throws: RetentionError.self) { try store.placeHold("case", reason: "other") }
      var policy = RetentionPolicy()
      policy.maximumRecordCount = 1
      try log.setRetention(policy)
      let report = try log.applyRetention()
      #expect(report.recordCount == 20 && report.waitsFor == "hold 'case'")
      let outcome = try log.removeSegments(before: Offset(rawValue: 60))
      #expect(outcome == (removed: 0, heldBack: 4))
      for offset in [UInt64(25), 26] {
        #expect(throws: RedactionError.self) {
          try store.redact(Offset(rawValue: offset), in: log)
        }
      }
      #expect(try store.redact(Offset(rawValue: 27), in: log) != nil)
      // A hold on all streams, those to come too.
      try store.placeHold("all", reason: "")
      #expect(throws: RedactionError.self) { try store.redact(Offset(rawValue: 28), in: log) }
      store.close()
      let again = try machine.open()
      defer { again.close() }
      #expect(again.holds.map(\.name) == ["all", "case"])
      let reopened = try again.stream(name)
      try again.releaseHold("all")
      #expect(throws: RetentionError.self) { try again.releaseHold("all") }
      #expect(try reopened.applyRetention().removals.isEmpty)
      #expect(try again.releaseHold("case").offsets == range)
      #expect(try reopened.applyRetention().recordCount > 60)
    }
  }

  @Test func `acknowledged records go, and those that are not stay`() throws {
    try withRecords { machine, store, log in
      var policy = RetentionPolicy()
      policy.acknowledgement = .decides
      policy.cursorNames = ["a", "b"]
      policy.maximumRecordCount = 10
      try log.setRetention(policy)
      #expect(try log.applyRetention().removals.isEmpty)
      try log.setCursor("a", to: Offset(rawValue: 45))
      #expect(try log.applyRetention().removals.isEmpty)
      try log.setCursor("b", to: Offset(rawValue: 30), isDurable: false)
      #expect(try log.applyRetention().recordCount == 30)
      #expect(try log.cursors().map(\.name) == ["a", "b"])
      #expect(throws: CursorError.self) { try log.setCursor("", to: .zero) }
      #expect(throws: CursorError.self) { try log.setCursor("a", to: Offset(rawValue: 101)) }
      // What let records go is not forgotten by a crash.
      var crashed = machine
      crashed.disk = machine.disk.crashImage(.loseAll)
      let again = try crashed.open()
      defer { again.close() }
      let reopened = try again.stream(StreamName("s"))
      #expect(try reopened.cursors().map(\.offset.rawValue) == [45, 30])
      try reopened.setCursor("b", to: nil)
      #expect(try reopened.cursors().map(\.name) == ["a"])
      #expect(try reopened.applyRetention().removals.isEmpty)
    }
  }

  @Test func `a policy that cannot be is refused`() throws {
    try withRecords { _, store, log in
      var policy = RetentionPolicy()
      policy.acknowledgement = .protects
      #expect(throws: RetentionError.self) { try log.setRetention(policy) }
      policy.cursorNames = [""]
      #expect(throws: RetentionError.self) { try log.setRetention(policy) }
      policy.cursorNames = (0..<257).map { "c\($0)" }
      #expect(throws: RetentionError.self) { try log.setRetention(policy) }
      let own = try #require(try store.evidenceStream())
      #expect(throws: RetentionError.self) { try own.setRetention(RetentionPolicy()) }
      #expect(throws: RetentionError.self) { try store.placeHold("", reason: "") }
      #expect(throws: RetentionError.self) {
        try store.placeHold("h", reason: "", on: StreamName("none"))
      }
      let long = String(repeating: "x", count: 1_025)
      #expect(throws: RetentionError.self) { try store.placeHold("h", reason: long) }
      #expect(throws: RetentionError.self) {
        try store.placeHold("h", reason: "", offsets: .zero ..< .zero)
      }
      #expect(log.retention.keepsEverything && store.holds.isEmpty)
    }
  }

  @Test func `a clock that was ahead pins records for no longer than the policy says`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    let log = try store.createStream(StreamName("s"), options: StreamLogCloseTests.rolling(.disk))
    let start = machine.time.now()
    machine.time.setWallClock(Timestamp(rawValue: start.rawValue + 365 * 86_400 * 1_000_000_000))
    for index in 0..<35 { try log.append(bytes("record \(index)")) }
    try log.flush()
    machine.time.setWallClock(start)
    var policy = RetentionPolicy()
    policy.maximumAgeNanoseconds = 100 * Self.second
    try log.setRetention(policy)
    let first = try log.applyRetention()
    #expect(first.removals.isEmpty && first.futureSegmentCount == 4)
    machine.time.advance(byNanoseconds: 99 * Self.second)
    #expect(try log.applyRetention().removals.isEmpty)
    machine.time.advance(byNanoseconds: 2 * Self.second)
    #expect(try log.applyRetention().recordCount == 30)
  }

  @Test func `a clock that is set ahead removes nothing for a day`() throws {
    try withRecords { machine, _, log in
      var policy = RetentionPolicy()
      policy.maximumAgeNanoseconds = 3_600 * Self.second
      try log.setRetention(policy)
      machine.time.setWallClock(Timestamp(rawValue: 1_900_000_000_000_000_000))
      let report = try log.applyRetention()
      #expect(report.removals.isEmpty && report.clockAheadNanoseconds > 0)
    }
  }

  @Test func `event times of the future are reported and keep nothing`() throws {
    try withRecords { machine, _, log in
      let future = Timestamp(rawValue: machine.time.now().rawValue + 1_000_000_000_000_000)
      _ = try log.append(copying: bytes("ahead"), eventTime: future)
      try log.flush()
      var policy = RetentionPolicy()
      policy.maximumRecordCount = 20
      try log.setRetention(policy)
      #expect(try log.applyRetention().futureEventTime == future)
    }
  }

  @Test(arguments: everyClass)
  func `wherever the power goes a policy loses nothing that it keeps`(_ durability: Durability)
    throws
  {
    try withRecords(durability) { machine, store, log in
      var policy = RetentionPolicy()
      policy.maximumRecordCount = 35
      policy.acknowledgement = .protects
      policy.cursorNames = ["a"]
      try log.setRetention(policy)
      let images = Mutex<[SimulatedFileSystem]>([])
      machine.disk.observeOperations { operation in
        let seed = UInt64(operation.number)
        let some = [CrashPlan.processKill, .loseAll, .keepAll, .random].map {
          machine.disk.crashImage($0, seed: seed)
        }
        images.withLock { $0 += some }
      }
      try log.setCursor("a", to: Offset(rawValue: 52), isDurable: false)
      #expect(try log.applyRetention().recordCount == 50)
      machine.disk.observeOperations(nil)
      let all = images.withLock { $0 }
      #expect(all.count >= 20)
      for image in all {
        var cut = machine
        cut.disk = image
        let again = try cut.open()
        defer { again.close() }
        let reopened = try again.stream(StreamName("s"))
        #expect(reopened.logStartOffset.rawValue == 0 || reopened.logStartOffset.rawValue == 50)
        if reopened.logStartOffset.rawValue == 50 {
          #expect(try reopened.cursors().first?.offset.rawValue == 52)
        }
        if durability == .disk { #expect(try values(reopened).last == "record 99") }
        try reopened.setCursor("a", to: Offset(rawValue: 52))
        _ = try reopened.applyRetention()
      }
    }
  }

  @Test func `threads carry out a policy by themselves`() throws {
    var machine = Machine()
    machine.options.execution = .threads
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    let log = try store.createStream(StreamName("s"), options: StreamLogCloseTests.rolling(.disk))
    var policy = RetentionPolicy()
    policy.maximumRecordCount = 20
    try log.setRetention(policy)
    for index in 0..<200 { try log.append(bytes("record \(index)")) }
    try log.flush()
    for _ in 0..<2_000 where log.logStartOffset.rawValue < 170 { usleep(5_000) }
    #expect(log.logStartOffset.rawValue >= 170)
    #expect(store.retentionProblems.isEmpty)
  }
}
