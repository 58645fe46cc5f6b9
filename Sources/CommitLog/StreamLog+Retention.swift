internal import Integrity
internal import LogFormat
public import PlatformIO
public import Quantities

/// What a policy removes, or would.
public struct RetentionReport: Hashable, Sendable {
  /// Records that go together.
  public struct Removal: Hashable, Sendable {
    /// Their offsets.
    public let offsets: Range<Offset>
    /// Which bound they are beyond: `age`, `bytes`, `records` or `acknowledged`.
    public let bound: String
    /// Whole segments that they are.
    public let segmentCount: Int
    /// Records, without offsets that have none.
    public let recordCount: UInt64
    /// Bytes of their frames.
    public let byteCount: UInt64
  }

  /// The stream.
  public let stream: String
  /// What goes, oldest first.
  public internal(set) var removals: [Removal] = []
  /// What records beyond a bound wait for: a hold or a cursor, by name, or a reader with a lease.
  public internal(set) var waitsFor: String?
  /// Nanoseconds until the oldest records are too old; `nil` where age removes none.
  public internal(set) var nextDueNanoseconds: UInt64?
  /// Segments whose records say append times that have not come, because the clock was set back: retention takes
  /// them for as old as when it saw them first.
  public internal(set) var futureSegmentCount = 0
  /// Nanoseconds by which the wall clock ran ahead while the store was open; for a day that makes nothing older.
  public internal(set) var clockAheadNanoseconds: UInt64 = 0
  /// Latest event time of a producer that has not come yet. It keeps nothing: records grow old from their append.
  public internal(set) var futureEventTime: Timestamp?

  /// Records that go.
  public var recordCount: UInt64 { removals.reduce(0) { $0 + $1.recordCount } }
  /// Bytes that go.
  public var byteCount: UInt64 { removals.reduce(0) { $0 + $1.byteCount } }
}

/// Why a policy cannot be set or carried out.
public enum RetentionError: Error, Sendable, CustomStringConvertible {
  /// The stream is the engine's own.
  case reserved(stream: String)
  /// A setting contradicts another, or is out of range.
  case invalid(String)
  /// There is no hold of this name.
  case noHold(name: String)
  /// There is one already, and it says something else.
  case otherHold(name: String)
  /// Where the cursors stand cannot be told.
  case cursor(CursorError)
  /// Nothing can be removed now.
  case append(AppendError)
  /// The stream cannot be opened.
  case open(OpenError)
  /// The manifest cannot be written.
  case fileSystem(FileSystemError)

  public var description: String {
    switch self {
    case .reserved(let stream):
      "stream '\(escapedForTerminal(stream))' is the engine's own; it keeps what it needs"
    case .invalid(let reason): reason
    case .noHold(let name):
      "there is no hold '\(escapedForTerminal(name))'; see piperoll hold list STORE"
    case .otherHold(let name):
      "there is another hold '\(escapedForTerminal(name))'; release it first, or choose another name"
    case .cursor(let error): "\(error)"
    case .append(let error): "\(error)"
    case .open(let error): "\(error)"
    case .fileSystem(let error): "the manifest could not be written: \(error)"
    }
  }
}

extension StreamLog {
  /// How much is kept.
  public var retention: RetentionPolicy {
    RetentionPolicy(core.manifest.stream(definition.streamID)?.retention)
  }

  /// Says how much is kept, durably. It is carried out soon, and from then on.
  ///
  /// - Throws: ``RetentionError``: `.reserved`, `.invalid`, `.fileSystem`.
  public func setRetention(_ policy: RetentionPolicy) throws(RetentionError) {
    guard !definition.name.utf8.starts(with: StreamName.reservedPrefix.utf8) else {
      throw .reserved(stream: definition.name)
    }
    guard policy.cursorNames.count <= ManifestEdit.Retention.cursorCountLimit else {
      throw .invalid("at most \(ManifestEdit.Retention.cursorCountLimit) cursors have a say")
    }
    guard policy.acknowledgement == .ignored || !policy.cursorNames.isEmpty else {
      throw .invalid("no cursors are named whose acknowledgements are to count")
    }
    for name in policy.cursorNames where !StoreCursors.isValid(name) {
      throw .cursor(.invalidName(name))
    }
    do throws(ManifestFailure) {
      try core.manifest.apply(
        [.retention(policy.edit(ofStream: definition.streamID))], durably: true)
    } catch {
      throw .fileSystem(error.cause)
    }
    core.keepSoon()
  }

  /// What the policy would remove now; changes nothing.
  ///
  /// - Throws: ``RetentionError``.
  public func planRetention() throws(RetentionError) -> RetentionReport {
    var (report, plan) = try retentionPlan()
    report.removals = plan.removals.map { RetentionReport.Removal($0) }
    return report
  }

  /// Carries out the policy: a store with threads does it by itself.
  ///
  /// - Returns: What went.
  /// - Throws: ``RetentionError``. What went before it is gone.
  @discardableResult
  public func applyRetention() throws(RetentionError) -> RetentionReport {
    var (report, plan) = try retentionPlan()
    if plan.isActiveTooOld {
      do throws(AppendError) { try endSegment() } catch { throw .append(error) }
      (report, plan) = try retentionPlan()
    }
    try date(plan.futureSegmentIDs)
    let policy = retention
    for removal in plan.removals {
      // What a cursor allows to go must not be wanted again after a crash.
      if policy.acknowledgement != .ignored {
        do throws(CursorError) { try core.cursors.synchronize() } catch { throw .cursor(error) }
      }
      let outcome: (removed: Int, heldBack: Int)
      do throws(AppendError) {
        outcome = try removeSegments(
          before: removal.nextOffset, cause: removal.cause, reason: policy.reason(removal.cause))
      } catch {
        throw .append(error)
      }
      let gone = removal.segments.prefix(outcome.removed)
      if !gone.isEmpty {
        report.removals.append(
          .init(RetentionRules.Removal(cause: removal.cause, segments: Array(gone))))
      }
      guard outcome.heldBack == 0, gone.count == removal.segments.count else {
        report.waitsFor = report.waitsFor ?? "a reader, or the end of a group of chain and tree"
        break
      }
    }
    return report
  }

  private func retentionPlan() throws(RetentionError) -> (RetentionReport, RetentionRules.Plan) {
    let policy = retention
    let (now, ahead) = core.retentionClock.now()
    let state = core.manifest.state
    var rules = RetentionRules(policy: policy, now: now)
    rules.holds = state.holds(ofStream: definition.streamID)
    if policy.acknowledgement != .ignored {
      do throws(CursorError) {
        rules.cursors = try core.cursors.offsets(
          policy.cursorNames, ofStream: definition.streamID)
      } catch {
        throw .cursor(error)
      }
    }
    let known = state.streams[definition.streamID]?.segments ?? []
    let plan = rules.plan(known.map { retained($0) })
    var report = RetentionReport(stream: definition.name)
    report.waitsFor =
      switch plan.obstacle {
      case .hold(let name): "hold '\(name)'"
      case .cursor(let name): "cursor '\(name)'"
      case nil: nil
      }
    report.nextDueNanoseconds = plan.nextDue
    report.futureSegmentCount = plan.futureSegmentIDs.count
    report.clockAheadNanoseconds = ahead
    let latest = self.state.withLock { $0.progress.statistics }
    if latest.eventTimeCount > 0, latest.latestEventTime > now {
      report.futureEventTime = latest.latestEventTime
    }
    return (report, plan)
  }

  /// A segment as the rules see it.
  private func retained(_ segment: ManifestState.Segment) -> RetentionRules.Segment {
    if let end = segment.end { return RetentionRules.Segment(segment, end) }
    return state.withLock { state in
      let isActive = state.segment.segmentID == segment.id
      return RetentionRules.Segment(
        segmentID: segment.id, baseOffset: segment.baseOffset,
        nextOffset: isActive ? state.nextOffset : segment.baseOffset,
        lastTime: isActive ? state.progress.lastAppendTime : segment.activation.baseAppendTime,
        recordCount: isActive ? state.progress.statistics.recordCount : 0,
        byteCount: isActive ? state.position : 0, hasEnded: false)
    }
  }

  /// Notes when segments were seen first whose records say times that have not come.
  private func date(_ ids: [UInt64]) throws(RetentionError) {
    guard !ids.isEmpty else { return }
    let now = core.retentionClock.now().time
    let known = core.manifest.stream(definition.streamID)?.segments ?? []
    let undated = known.filter { ids.contains($0.id) && $0.datedTime == nil && $0.end != nil }
    guard !undated.isEmpty else { return }
    do throws(ManifestFailure) {
      try core.manifest.apply(
        undated.map {
          .segmentDated(streamID: definition.streamID, segmentID: $0.id, time: now)
        }, durably: false)
    } catch {
      throw .fileSystem(error.cause)
    }
  }
}

extension RetentionRules.Segment {
  /// A segment that ended.
  init(_ segment: ManifestState.Segment, _ end: ManifestEdit.SegmentEnd) {
    self.init(
      segmentID: segment.id, baseOffset: segment.baseOffset, nextOffset: end.nextOffset,
      lastTime: segment.datedTime.map { min($0, end.lastAppendTime) } ?? end.lastAppendTime,
      recordCount: end.recordCount, byteCount: end.endPosition.rawValue, hasEnded: true)
  }
}

extension RetentionReport.Removal {
  init(_ removal: RetentionRules.Removal) {
    let segments = removal.segments
    let first = segments.first?.baseOffset ?? .zero
    self.init(
      offsets: first..<max(first, removal.nextOffset), bound: removal.cause.name,
      segmentCount: segments.count, recordCount: segments.reduce(0) { $0 + $1.recordCount },
      byteCount: segments.reduce(0) { $0 + $1.byteCount })
  }
}

extension RetentionPolicy {
  /// The policy in words, for whoever reads the statement.
  func reason(_ cause: RecordRemoval.Cause) -> String {
    switch cause {
    case .age: "the policy keeps records for \(maximumAgeNanoseconds / 1_000_000_000) s"
    case .byteCount: "the policy keeps \(maximumByteCount) bytes"
    case .recordCount: "the policy keeps \(maximumRecordCount) records"
    case .acknowledged: "the policy keeps what its \(cursorNames.count) cursors need"
    case .request, .compaction: ""
    }
  }
}

extension StreamLog {
  /// Moves a cursor of the stream: from where somebody will go on, whatever came before is not needed any more.
  ///
  /// - Parameters:
  ///   - name: 1 to 255 bytes.
  ///   - offset: The first record that is still needed; `nil` forgets the cursor.
  ///   - isDurable: Whether the call returns only when that survives power loss.
  /// - Throws: ``CursorError``.
  public func setCursor(_ name: String, to offset: Offset?, isDurable: Bool = true)
    throws(CursorError)
  {
    guard StoreCursors.isValid(name) else { throw .invalidName(name) }
    if let offset, offset > logEndOffset { throw .behindEnd(offset, logEnd: logEndOffset) }
    try core.cursors.set(
      StoreCursors.Key(streamID: definition.streamID, name: name), to: offset,
      isDurable: isDurable)
    if retention.acknowledgement != .ignored { core.keepSoon() }
  }

  /// Where the stream's cursors stand, by name.
  ///
  /// - Throws: ``CursorError``.
  public func cursors() throws(CursorError) -> [(name: String, offset: Offset)] {
    try core.cursors.cursors(ofStream: definition.streamID)
  }
}

extension StoreCursors {
  static func isValid(_ name: String) -> Bool {
    (1...FormatLimits.nameByteCountLimit).contains(name.utf8.count)
  }
}
