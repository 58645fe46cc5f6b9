import Integrity
import LogFormat
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct RetentionRulesTests {
  private static let second: Int64 = 1_000_000_000

  /// Five segments of ten records, 1,000 bytes and ten seconds each; the last takes the appends.
  private static let segments = (0..<5 as Range<UInt64>).map { index in
    RetentionRules.Segment(
      segmentID: index + 1, baseOffset: Offset(rawValue: 10 * index),
      nextOffset: Offset(rawValue: 10 * index + 10),
      lastTime: Timestamp(rawValue: Int64(index + 1) * 10 * second), recordCount: 10,
      byteCount: 1_000, hasEnded: index < 4)
  }

  private func plan(
    _ change: (inout RetentionPolicy) -> Void, now: Int64 = 50, cursors: [UInt64] = [],
    holds: [Range<UInt64>] = [], _ segments: [RetentionRules.Segment] = segments
  ) -> RetentionRules.Plan {
    var policy = RetentionPolicy()
    change(&policy)
    var rules = RetentionRules(
      policy: policy, now: Timestamp(rawValue: now * Self.second))
    rules.cursors = cursors.enumerated().map { ("c\($0.offset)", Offset(rawValue: $0.element)) }
    rules.holds = holds.enumerated().map { index, range in
      ManifestEdit.Hold(
        name: "h\(index)", reason: "", streamID: 1,
        firstOffset: Offset(rawValue: range.lowerBound),
        nextOffset: Offset(rawValue: range.upperBound), time: Timestamp(rawValue: 0))
    }
    return rules.plan(segments)
  }

  private func removed(_ plan: RetentionRules.Plan) -> [RecordRemoval.Cause: Int] {
    Dictionary(uniqueKeysWithValues: plan.removals.map { ($0.cause, $0.segments.count) })
  }

  @Test func `without bounds nothing goes`() {
    #expect(plan { _ in } == RetentionRules.Plan())
  }

  @Test(arguments: [(0, 4), (1_000, 4), (1_001, 3), (3_999, 1), (4_000, 1), (4_001, 0)])
  func `bytes that are kept are those of the newest records`(_ bound: UInt64, _ count: Int) {
    let plan = plan { $0.maximumByteCount = max(1, bound) }
    #expect(removed(plan)[.byteCount] ?? 0 == count)
    #expect(!plan.isActiveTooOld)
  }

  @Test(arguments: [(1, 4), (10, 4), (11, 3), (40, 1), (41, 0)])
  func `records that are kept are the newest`(_ bound: UInt64, _ count: Int) {
    #expect(removed(plan { $0.maximumRecordCount = bound })[.recordCount] ?? 0 == count)
  }

  @Test func `a segment goes when its last record is too old`() {
    let age: (inout RetentionPolicy) -> Void = { $0.maximumAgeNanoseconds = 30 * 1_000_000_000 }
    let now = plan(age)
    #expect(removed(now) == [.age: 2])
    #expect(now.nextDue == 10 * 1_000_000_000)
    #expect(removed(plan(age, now: 39)) == [:])
    #expect(plan(age, now: 39).nextDue == 1_000_000_000)
    let late = plan(age, now: 80)
    #expect(removed(late) == [.age: 4] && late.isActiveTooOld)
    #expect(!plan(age, now: 79).isActiveTooOld)
    // A time before all of them, and the ends of the range.
    #expect(plan(age, now: 0).futureSegmentIDs == [1, 2, 3, 4, 5])
    for time in [Int64.min, .max] {
      var segments = Self.segments
      segments[0].lastTime = Timestamp(rawValue: time)
      #expect(removed(plan(age, segments)) == (time == .min ? [.age: 2] : [:]))
    }
  }

  @Test func `what goes for different reasons is told apart`() {
    let plan = plan {
      $0.maximumAgeNanoseconds = 40 * 1_000_000_000
      $0.maximumRecordCount = 20
    }
    #expect(plan.removals.map(\.cause) == [.age, .recordCount])
    #expect(plan.removals.map(\.nextOffset.rawValue) == [10, 30])
  }

  @Test func `cursors remove, protect, or both`() {
    #expect(
      removed(plan({ $0.acknowledgement = .removes }, cursors: [25, 40])) == [.acknowledged: 2])
    #expect(removed(plan({ $0.acknowledgement = .removes }, cursors: [])) == [:])
    let protected = plan(
      {
        $0.acknowledgement = .protects
        $0.maximumRecordCount = 1
      }, cursors: [25, 40])
    #expect(removed(protected) == [.recordCount: 2] && protected.obstacle == .cursor("c0"))
    let decided = plan(
      {
        $0.acknowledgement = .decides
        $0.maximumByteCount = 3_500
      }, cursors: [10])
    #expect(removed(decided) == [.byteCount: 1])
    // One that only removes does not protect.
    let removing = plan(
      {
        $0.acknowledgement = .removes
        $0.maximumRecordCount = 1
      }, cursors: [5])
    #expect(removed(removing) == [.recordCount: 4])
  }

  @Test(
    arguments: [
      (0..<1, 0), (9..<10, 0), (10..<11, 1), (39..<1_000, 3), (40..<41, 4), (50..<60, 4),
    ] as [(Range<UInt64>, Int)])
  func `a hold keeps its records and all behind them`(_ range: Range<UInt64>, _ count: Int) {
    let plan = plan({ $0.maximumRecordCount = 1 }, holds: [1_000..<1_001, range])
    #expect(removed(plan)[.recordCount] ?? 0 == count)
    #expect(plan.obstacle == (count < 4 ? .hold("h1") : nil))
  }

  @Test func `segments without records go with those behind them`() {
    var segments = Self.segments
    segments[0].recordCount = 0
    segments[0].lastTime = Timestamp(rawValue: .max)
    segments[4].recordCount = 0
    let age: (inout RetentionPolicy) -> Void = { $0.maximumAgeNanoseconds = 45 * 1_000_000_000 }
    #expect(removed(plan(age, segments)) == [:])
    let later = plan(age, now: 65, segments)
    #expect(removed(later) == [.age: 2] && later.futureSegmentIDs.isEmpty)
    #expect(later.removals.first?.nextOffset.rawValue == 20)
  }
}

@Suite struct RetentionClockTests {
  private static let day: UInt64 = 24 * 3_600 * 1_000_000_000

  @Test func `a step ahead counts after a day, one back at once`() {
    let time = ManualTime()
    let start = time.now()
    let clock = RetentionClock(time)
    time.advance(byNanoseconds: Self.day)
    #expect(clock.now().time.rawValue == start.rawValue + Int64(Self.day) && clock.now().ahead == 0)
    let year = Int64(365 * Self.day)
    time.setWallClock(Timestamp(rawValue: start.rawValue + year))
    #expect(clock.now().time.rawValue == start.rawValue + Int64(Self.day))
    #expect(clock.now().ahead == UInt64(year) - Self.day)
    time.advance(byNanoseconds: Self.day - 1)
    #expect(clock.now().time.rawValue == start.rawValue + 2 * Int64(Self.day) - 1)
    time.advance(byNanoseconds: 1)
    #expect(clock.now().time == time.now() && clock.now().ahead == 0)
    // Back again, further than ever.
    time.setWallClock(Timestamp(rawValue: 5))
    #expect(clock.now().time.rawValue == 5)
    time.advance(byNanoseconds: 10)
    #expect(clock.now().time.rawValue == 15)
  }

  @Test func `a step that is taken back counts for nothing`() {
    let time = ManualTime()
    let clock = RetentionClock(time)
    let start = time.now()
    time.setWallClock(Timestamp(rawValue: start.rawValue + Int64(9 * Self.day)))
    #expect(clock.now().ahead > 0)
    time.setWallClock(start)
    #expect(clock.now().ahead == 0)
    time.advance(byNanoseconds: 2 * Self.day)
    time.setWallClock(Timestamp(rawValue: start.rawValue + Int64(9 * Self.day)))
    #expect(clock.now().time.rawValue == start.rawValue + Int64(2 * Self.day))
  }

  @Test(arguments: [Int64.min, .min + 1, .max - 1, .max])
  func `the ends of time do no harm`(_ wall: Int64) {
    let time = ManualTime()
    let clock = RetentionClock(time)
    time.setWallClock(Timestamp(rawValue: wall))
    for _ in 0..<3 {
      #expect(clock.now().time <= max(time.now(), Timestamp(rawValue: 1_800_000_000_000_000_000)))
      time.advance(byNanoseconds: Self.day)
    }
  }
}
