internal import LogFormat
internal import PlatformIO
public import Quantities

extension Store {
  /// What keeps records from going, by name.
  public var holds: [RetentionHold] {
    let state = core.manifest.state
    return state.sortedHolds.map { RetentionHold($0, state) }
  }

  /// Keeps records from going, durably: nothing removes, redacts or erases them until the hold is released.
  /// Placing the same hold again changes nothing.
  ///
  /// - Parameters:
  ///   - name: By which it is released; 1 to 255 bytes.
  ///   - reason: Why: a case, a person, a letter; at most 1,024 bytes.
  ///   - stream: The stream; `nil` for all, those to come too.
  ///   - offsets: The records; all where left out.
  /// - Throws: ``RetentionError``: `.invalid`, `.otherHold`, `.open`, `.fileSystem`.
  @discardableResult
  public func placeHold(
    _ name: String, reason: String, on stream: StreamName? = nil,
    offsets: Range<Offset> = .zero ..< .maximum
  ) throws(RetentionError) -> RetentionHold {
    guard (1...FormatLimits.nameByteCountLimit).contains(name.utf8.count) else {
      throw .invalid("the name of a hold has 1 to \(FormatLimits.nameByteCountLimit) bytes")
    }
    guard UInt64(reason.utf8.count) <= ManifestEdit.Hold.reasonByteCountLimit else {
      throw .invalid("a reason has at most \(ManifestEdit.Hold.reasonByteCountLimit) bytes")
    }
    guard !offsets.isEmpty else { throw .invalid("a hold needs at least one offset") }
    do throws(OpenError) { try refuseWhenClosed() } catch { throw .open(error) }
    return try core.holding.withLock { _ throws(RetentionError) in
      let state = core.manifest.state
      var streamID: UInt64 = 0
      if let stream {
        guard let id = state.streamID(named: stream.text) else {
          throw .open(.streamNotFound(name: stream.text))
        }
        streamID = id
      }
      let hold = ManifestEdit.Hold(
        name: name, reason: reason, streamID: streamID, firstOffset: offsets.lowerBound,
        nextOffset: offsets.upperBound, time: core.time.now())
      if let known = state.holds[ManifestState.NameBytes(text: name)] {
        var same = hold
        same.time = known.time
        guard same == known else { throw .otherHold(name: name) }
        return RetentionHold(known, state)
      }
      try apply([.hold(hold)])
      return RetentionHold(hold, state)
    }
  }

  /// Ends a hold, durably.
  ///
  /// - Returns: What was held.
  /// - Throws: ``RetentionError``: `.noHold`, `.fileSystem`.
  @discardableResult
  public func releaseHold(_ name: String) throws(RetentionError) -> RetentionHold {
    do throws(OpenError) { try refuseWhenClosed() } catch { throw .open(error) }
    let hold = try core.holding.withLock { _ throws(RetentionError) in
      let state = core.manifest.state
      guard let hold = state.holds[ManifestState.NameBytes(text: name)] else {
        throw .noHold(name: name)
      }
      try apply([.holdReleased(name: name)])
      return RetentionHold(hold, state)
    }
    core.keepSoon()
    return hold
  }

  private func apply(_ edits: [ManifestEdit]) throws(RetentionError) {
    do throws(ManifestFailure) { try core.manifest.apply(edits, durably: true) } catch {
      throw .fileSystem(error.cause)
    }
  }

  /// The stream of cursors.
  func cursorLog(creating: Bool) throws(OpenError) -> StreamLog? {
    let name = try StreamName(StoreCursors.streamName)
    if core.manifest.state.streamID(named: name.text) != nil { return try anyStream(name) }
    guard creating else { return nil }
    var options = StreamOptions()
    options.evidence = .chain
    options.firstSegmentByteCount = StreamOptions.segmentByteCountMinimum
    options.segmentByteCount = 1 << 20
    return try createAnyStream(name, options: options)
  }
}

extension Store {
  /// A hold that covers a stream whose payloads can be erased, if there is one.
  package var holdOnErasableStreams: RetentionHold? {
    let state = core.manifest.state
    return state.sortedHolds.first { hold in
      state.streams.values.contains {
        $0.definition.erasableID != nil
          && (hold.streamID == 0 || hold.streamID == $0.definition.streamID)
      }
    }.map { RetentionHold($0, state) }
  }

  /// Why policies could not be carried out the last time they were due, by stream.
  public var retentionProblems: [(stream: String, error: RetentionError)] {
    let state = core.manifest.state
    return retentionFailures.withLock { $0 }.compactMap { id, error in
      state.streams[id].map { ($0.definition.name, error) }
    }
  }

  /// Carries out what is due; answers how long until something is.
  func retentionDue() -> UInt64? {
    let (now, _) = core.retentionClock.now()
    let state = core.manifest.state
    var next: UInt64?
    for (id, stream) in state.streams {
      let policy = RetentionPolicy(stream.retention)
      guard !policy.keepsEverything else { continue }
      var wait: UInt64?
      if let log = openLog(id) ?? openIfDue(stream, policy, now) {
        do throws(RetentionError) {
          wait = try log.keep(policy, now)
          retentionFailures.withLock { $0[id] = nil }
        } catch {
          retentionFailures.withLock { $0[id] = error }
          wait = Self.retryNanoseconds
        }
      } else {
        wait = Self.longestNanoseconds
      }
      if let wait { next = min(next ?? wait, wait) }
    }
    return next.map { min(max($0, Self.shortestNanoseconds), Self.longestNanoseconds) }
  }

  private static let shortestNanoseconds: UInt64 = 10_000_000
  private static let retryNanoseconds: UInt64 = 60_000_000_000
  private static let longestNanoseconds: UInt64 = 3_600_000_000_000

  /// Opens a stream where the manifest alone says that something may go.
  private func openIfDue(
    _ stream: ManifestState.Stream, _ policy: RetentionPolicy, _ now: Timestamp
  ) -> StreamLog? {
    let segments = stream.segments.map { segment in
      segment.end.map { RetentionRules.Segment(segment, $0) }
        ?? RetentionRules.Segment(
          segmentID: segment.id, baseOffset: segment.baseOffset,
          nextOffset: segment.durable?.nextOffset ?? segment.baseOffset,
          lastTime: segment.durable?.lastAppendTime ?? now,
          recordCount: segment.durable == nil ? 0 : 1, byteCount: 0, hasEnded: false)
    }
    let plan = RetentionRules(policy: policy, now: now).plan(segments)
    let mayGo =
      !plan.removals.isEmpty || plan.isActiveTooOld || policy.acknowledgement.removes
    guard mayGo else { return nil }
    // Where this fails whoever opens the stream learns why.
    return try? log(stream.definition.streamID)
  }
}

extension StreamLog {
  /// Carries out the policy, and ends the segment that takes the appends in time.
  fileprivate func keep(_ policy: RetentionPolicy, _ now: Timestamp) throws(RetentionError)
    -> UInt64?
  {
    let report = try applyRetention()
    var next = report.nextDueNanoseconds
    guard policy.maximumAgeNanoseconds > 0 else { return next }
    // Otherwise records would stay until there are enough for a segment.
    let span = max(policy.maximumAgeNanoseconds / 4, 1_000_000_000)
    let first = state.withLock { $0.progress.statistics }
    if first.recordCount > 0 {
      if now.rawValue &- first.firstAppendTime.rawValue > Int64(clamping: span) {
        state.withLock { $0.requestRoll() }
      }
      next = min(next ?? span, span)
    }
    return next
  }
}

extension RetentionHold {
  init(_ hold: ManifestEdit.Hold, _ state: ManifestState) {
    self.init(
      name: hold.name, reason: hold.reason,
      stream: hold.streamID == 0 ? nil : state.streams[hold.streamID]?.definition.name,
      offsets: hold.firstOffset..<hold.nextOffset, time: hold.time)
  }
}
