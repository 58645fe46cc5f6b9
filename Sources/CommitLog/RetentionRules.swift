internal import Integrity
internal import LogFormat
internal import Quantities

/// Which segments of a stream may go: arithmetic over what the manifest says, and nothing else.
struct RetentionRules {
  /// What is known of a segment.
  struct Segment: Equatable {
    var segmentID: UInt64
    var baseOffset: Offset
    /// Offset behind its last record.
    var nextOffset: Offset
    /// When its last record was appended.
    var lastTime: Timestamp
    var recordCount: UInt64
    /// Where its frames end.
    var byteCount: UInt64
    /// Whether it takes no more records.
    var hasEnded: Bool
  }

  /// Segments that go for one reason, one behind the other.
  struct Removal: Equatable {
    var cause: RecordRemoval.Cause
    var segments: [Segment]
    /// The first offset behind them.
    var nextOffset: Offset { segments.last?.nextOffset ?? .zero }
  }

  /// What keeps the first segment that is beyond a bound and stays.
  enum Obstacle: Equatable {
    /// A hold, by name.
    case hold(String)
    /// A cursor, by name.
    case cursor(String)
  }

  struct Plan: Equatable {
    var removals: [Removal] = []
    /// What the next segment waits for, beyond its bound.
    var obstacle: Obstacle?
    /// Nanoseconds until the next one is too old; `nil` where none will be.
    var nextDue: UInt64?
    /// Segments whose records say times that have not come.
    var futureSegmentIDs: [UInt64] = []
    /// Whether all records of the segment that takes the appends are too old.
    var isActiveTooOld = false
  }

  let policy: RetentionPolicy
  let now: Timestamp
  /// Where the cursors of the policy stand.
  var cursors: [(name: String, offset: Offset)] = []
  var holds: [ManifestEdit.Hold] = []

  /// Decides.
  ///
  /// - Parameter segments: All of the stream, ascending.
  func plan(_ segments: [Segment]) -> Plan {
    var plan = Plan()
    var (bytes, records) = (UInt64(0), UInt64(0))
    for segment in segments {
      bytes &+= segment.byteCount
      records &+= segment.recordCount
      if segment.lastTime > now, segment.recordCount > 0 {
        plan.futureSegmentIDs.append(segment.segmentID)
      }
    }
    // Segments without records go with the next that has some.
    var empty: [Segment] = []
    for segment in segments {
      bytes &-= segment.byteCount
      records &-= segment.recordCount
      if segment.recordCount == 0, segment.hasEnded {
        empty.append(segment)
        continue
      }
      guard let cause = cause(segment, newerByteCount: bytes, newerRecordCount: records) else {
        plan.nextDue = timeLeft(segment)
        return plan
      }
      if let obstacle = obstacle(segment) {
        plan.obstacle = obstacle
        return plan
      }
      guard segment.hasEnded else {
        plan.isActiveTooOld = cause == .age && segment.recordCount > 0
        return plan
      }
      if plan.removals.last?.cause == cause {
        plan.removals[plan.removals.count - 1].segments += empty + [segment]
      } else {
        plan.removals.append(Removal(cause: cause, segments: empty + [segment]))
      }
      empty = []
    }
    return plan
  }

  private func cause(_ segment: Segment, newerByteCount: UInt64, newerRecordCount: UInt64)
    -> RecordRemoval.Cause?
  {
    if timeLeft(segment) == 0 { return .age }
    if policy.maximumByteCount > 0, newerByteCount >= policy.maximumByteCount { return .byteCount }
    if policy.maximumRecordCount > 0, newerRecordCount >= policy.maximumRecordCount {
      return .recordCount
    }
    let isAcknowledged = cursors.allSatisfy { segment.nextOffset <= $0.offset }
    return policy.acknowledgement.removes && !cursors.isEmpty && isAcknowledged
      ? .acknowledged : nil
  }

  /// Nanoseconds until the segment is too old; `nil` where age does not count.
  private func timeLeft(_ segment: Segment) -> UInt64? {
    guard policy.maximumAgeNanoseconds > 0 else { return nil }
    let (age, isOver) = now.rawValue.subtractingReportingOverflow(segment.lastTime.rawValue)
    // The far past is too old, whatever the bound.
    if isOver, now > segment.lastTime { return 0 }
    let past = isOver ? 0 : UInt64(max(0, age))
    return policy.maximumAgeNanoseconds - min(past, policy.maximumAgeNanoseconds)
  }

  private func obstacle(_ segment: Segment) -> Obstacle? {
    let offsets = segment.baseOffset..<max(segment.baseOffset, segment.nextOffset)
    for hold in holds where offsets.overlaps(hold.firstOffset..<hold.nextOffset) {
      return .hold(hold.name)
    }
    guard policy.acknowledgement.protects else { return nil }
    return cursors.first { $0.offset < segment.nextOffset }.map { .cursor($0.name) }
  }
}
