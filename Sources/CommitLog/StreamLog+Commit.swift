internal import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

/// What the committer of a stream keeps between groups; only touched while `committing` is held.
struct CommitterState: Sendable {
  /// Sequence and place of the next recovery slot, and when the last one was written.
  var slotSequence: UInt64 = 0
  var slotIndex = 0
  var slotPosition: UInt64 = 0
  var slotTime: UInt64 = 0
  var slotSegmentID: UInt64 = 0
  /// A segment that ended and whose end the manifest does not know yet.
  var pendingEnd: ManifestEdit.SegmentEnd?
  /// Class `memory`: segments that were left and not yet synced, oldest first.
  var unsyncedDepartures: [WriterState.Departure] = []
  /// Wall minus monotonic time at the last group; `nil` before the first.
  var clockDifference: Int64?
  /// Class `async`: when the oldest bytes not yet durable were noticed; 0 for none.
  var pendingSince: UInt64 = 0
}

extension StreamLog {
  /// Waits until the record at an offset is durable: it survives power loss.
  ///
  /// The calling thread carries out the group commit itself when nobody else is at it.
  /// - Throws: `.streamFailed` when it will never be, `.closed`.
  public func waitUntilDurable(_ offset: Offset) throws(AppendError) {
    while watermarks.durable.load(ordering: .acquiring) <= offset.rawValue {
      try refuseWhenStopped()
      if !helpCommit() { awaitDurable(offset) }
    }
  }

  /// Sleeps until something may have become durable: there was nothing to commit, so the record is still
  /// to be appended.
  private func awaitDurable(_ offset: Offset) {
    watermarks.cell.whileWaiting {
      let ticket = watermarks.cell.ticket
      if watermarks.durable.load(ordering: .acquiring) <= offset.rawValue {
        watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 10_000_000)
      }
    }
  }

  /// Appends a record that is nothing but a value and waits until it is durable.
  ///
  /// The calling thread carries out the commit, or joins the one under way; the committer's thread is
  /// not woken for it.
  public func appendDurably(_ value: RawSpan) throws(AppendError) -> Offset {
    let offset = try append(value, signalling: false)
    try waitUntilDurable(offset)
    return offset
  }

  /// Has the next segment made ready in the background now, before the first append needs it.
  public func prepareAhead() { prepareSuccessorSoon() }

  /// Waits until a record is what its class promises to those who are told of it: `memory` visible,
  /// otherwise durable.
  public func waitUntilAcknowledged(_ offset: Offset) throws(AppendError) {
    guard definition.durability == .memory else { return try waitUntilDurable(offset) }
    while watermarks.visible.load(ordering: .acquiring) <= offset.rawValue {
      try refuseWhenStopped()
      watermarks.cell.whileWaiting {
        let ticket = watermarks.cell.ticket
        if watermarks.visible.load(ordering: .acquiring) <= offset.rawValue {
          watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 100_000_000)
        }
      }
    }
  }

  /// Makes everything appended so far durable, in any class.
  public func flush() throws(AppendError) {
    let end = logEndOffset
    guard end.rawValue > 0 else { return }
    try waitUntilDurable(Offset(rawValue: end.rawValue - 1))
  }

  func refuseWhenStopped() throws(AppendError) {
    try state.withLock { state throws(AppendError) in
      if state.failure != nil || state.isClosed { throw Self.refusal(state) }
    }
  }

  /// Commits a group when nobody else is at it; otherwise waits until the one who is has finished.
  ///
  /// - Returns: False when there was nothing to commit.
  @discardableResult
  func helpCommit() -> Bool {
    let done = watermarks.cell.whileWaiting { () -> Bool? in
      let ticket = watermarks.cell.ticket
      let done = committing.withLockIfAvailable { committer in
        commitOnce(&committer, durably: true)
      }
      if done == nil {
        watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 10_000_000)
      }
      return done
    }
    // Others may have found the lock taken just before it was released.
    watermarks.notify()
    return done ?? true
  }

  /// Carries out one group commit; false when there was nothing to do.
  func commitOnce(_ committer: inout CommitterState, durably: Bool) -> Bool {
    noteClockStep(&committer)
    do throws(CommitFailure) {
      return definition.durability == .disk
        ? try commitStaged(&committer) : try commitMapped(&committer, durably: durably)
    } catch {
      stop(error.cause)
      return false
    }
  }

  /// Notices that the wall clock was set, so that the log can say so.
  private func noteClockStep(_ committer: inout CommitterState) {
    let now = core.clock.difference()
    if let before = committer.clockDifference {
      let step = now &- before
      if step.magnitude >= AppendClock.stepNanoseconds.magnitude {
        state.withLock { $0.pendingClockStep &+= step }
      }
    }
    committer.clockDifference = now
  }

  /// Ends the stream for good: nothing is acknowledged any more.
  func stop(_ cause: FileSystemError) {
    let offset = definition.durability == .memory ? visibleOffset : durableOffset
    state.withLock { state in
      if state.failure == nil {
        state.failure = StreamFailure(
          stream: definition.name, durableOffset: offset, cause: cause)
      }
    }
    watermarks.abandonObservers()
  }

  // MARK: Class disk

  private func takeGroup() -> [StagingBuffer] {
    state.withLock { state in
      state.isSignalled = false
      if let buffer = state.staging, state.position > buffer.startPosition { state.closeBuffer() }
      let group = state.closedBuffers
      state.closedBuffers = []
      return group
    }
  }

  private func commitStaged(_ committer: inout CommitterState) throws(CommitFailure) -> Bool {
    guard failure == nil else { return false }
    let group = takeGroup()
    guard !group.isEmpty else { return false }
    awaitClaims(of: group)
    var written = 0
    do throws(CommitFailure) {
      while written < group.count {
        written = try commitRun(group, from: written, &committer)
      }
    } catch {
      guard error.isSegmentFault else { throw error }
      try rescue(Array(group[written...]), after: error.cause, &committer)
    }
    return true
  }

  /// Writes and syncs the buffers of one segment, from `start` on; returns the index after them.
  func commitRun(
    _ group: [StagingBuffer], from start: Int, _ committer: inout CommitterState
  ) throws(CommitFailure) -> Int {
    let segment = group[start].segment
    var end = start + 1
    while end < group.count, group[end].segment === segment { end += 1 }
    let last = group[end - 1]
    guard let mark = last.mark else { return end }
    if let header = group[start].header {
      try activate(segment, header, &committer)
    }
    do throws(FileSystemError) {
      let slotDue = isSlotDue(&committer, segment: segment, position: mark.position)
      if slotDue { try writeSlot(&committer, segment: segment, flags: []) }
      let alone = end - start == 1 && !slotDue && group[start].header == nil
      for index in start..<end { try group[index].write(durably: alone) }
      // Everything above is proven by this one sync and by nothing else.
      if !alone && core.faults.syncsBeforeAcknowledging { try segment.synchronize() }
    } catch {
      throw CommitFailure(cause: error, isSegmentFault: true)
    }
    // Read before the buffers are given back: others fill them from then on.
    let ended = last.end
    acknowledge(mark, recycling: group[start..<end])
    if let ended {
      committer.pendingEnd = ended
      finishSealed(segment, mark)
    }
    return end
  }

  /// The only place where records of class `disk` become durable and visible; called with what a
  /// successful sync proved.
  private func acknowledge(_ mark: SegmentMark, recycling buffers: ArraySlice<StagingBuffer>) {
    state.withLock { state in
      state.prove(mark)
      for buffer in buffers where buffer.isPooled { state.freeBuffers.append(buffer) }
    }
    durablePosition.store(mark.position, ordering: .releasing)
    watermarks.raiseDurable(to: mark.nextOffset.rawValue)
    watermarks.raiseVisible(to: mark.nextOffset.rawValue)
    if let evidence, evidence.awaited.load(ordering: .acquiring) != 0 { core.signalEvidence() }
  }

  private func awaitClaims(of group: [StagingBuffer]) {
    watermarks.cell.whileWaiting {
      while true {
        let ticket = watermarks.cell.ticket
        let open = state.withLock { _ in group.contains { $0.openClaimCount > 0 } }
        if !open { return }
        watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 10_000_000)
      }
    }
  }

  /// States in the manifest, durably, that a segment takes over; then gives it its header.
  private func activate(
    _ segment: SegmentFile, _ header: SegmentHeader, _ committer: inout CommitterState
  ) throws(CommitFailure) {
    var edits: [ManifestEdit] = []
    if let end = committer.pendingEnd { edits.append(.segmentEnded(end)) }
    let known = core.manifest.stream(segment.streamID)?.segments.last?.id
    let activation = ManifestEdit.SegmentActivation(
      streamID: segment.streamID, segmentID: segment.segmentID, baseOffset: header.baseOffset,
      baseAppendTime: header.baseAppendTime, previousSegmentID: header.previousSegmentID)
    // After a crash the manifest may know of a segment that never got its first group.
    if known != segment.segmentID { edits.append(.segmentActivated(activation)) }
    do throws(ManifestFailure) {
      if !edits.isEmpty { try core.manifest.apply(edits, durably: true) }
    } catch {
      throw CommitFailure(cause: error.cause, isSegmentFault: false)
    }
    if let end = committer.pendingEnd {
      segments.end(end)
      letGoSoon(of: end.segmentID)
    }
    committer.pendingEnd = nil
    do throws(FileSystemError) {
      for place in SegmentLayout.headerPositions {
        try segment.write(header.encoded(at: place), at: place)
      }
    } catch {
      throw CommitFailure(cause: error, isSegmentFault: true)
    }
    segments.append(activation, file: segment)
    watermarks.cell.store(activeSegmentID: segment.segmentID)
  }

  // MARK: Classes memory and async

  private func commitMapped(_ committer: inout CommitterState, durably: Bool)
    throws(CommitFailure) -> Bool
  {
    guard failure == nil else { return false }
    let (mark, segment, departed) = state.withLock { state in
      state.isSignalled = false
      if durably { state.emitMappedCommit() }
      let departed = state.departed
      state.departed = []
      return (state.mark(), state.segment, departed)
    }
    if segment.wasTruncated {
      throw CommitFailure(
        cause: FileSystemError(.map, segment.path, .unexpectedEnd), isSegmentFault: false)
    }
    for departure in departed { try leave(departure, durably: durably, &committer) }
    guard durably else { return !departed.isEmpty }
    // Positions of two segments say nothing about each other.
    let isElsewhere = state.withLock { $0.proven.segmentID } != segment.segmentID
    guard isElsewhere || mark.position > durablePosition.load(ordering: .relaxed) else {
      return !departed.isEmpty
    }
    awaitVisible(mark.nextOffset)
    try synchronizeDepartures(&committer)
    do throws(FileSystemError) {
      if isSlotDue(&committer, segment: segment, position: mark.position) {
        try writeSlot(&committer, segment: segment, flags: [])
      }
      if core.faults.syncsBeforeAcknowledging { try segment.synchronize() }
    } catch {
      throw CommitFailure(cause: error, isSegmentFault: true)
    }
    state.withLock { $0.prove(mark) }
    durablePosition.store(mark.position, ordering: .releasing)
    watermarks.raiseDurable(to: mark.nextOffset.rawValue)
    return true
  }

  private func awaitVisible(_ offset: Offset) {
    watermarks.cell.whileWaiting {
      while true {
        let ticket = watermarks.cell.ticket
        if watermarks.visible.load(ordering: .acquiring) >= offset.rawValue { return }
        watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 10_000_000)
      }
    }
  }

  /// Makes segments durable that class `memory` left without a sync: what is behind them must not
  /// count as durable before they do.
  private func synchronizeDepartures(_ committer: inout CommitterState) throws(CommitFailure) {
    guard !committer.unsyncedDepartures.isEmpty else { return }
    do throws(FileSystemError) {
      for departure in committer.unsyncedDepartures { try departure.file.synchronize() }
      // Their ends are in the manifest; a slot is written behind a sync of it.
      try core.manifest.writeSlot(clean: false)
    } catch {
      throw CommitFailure(cause: error, isSegmentFault: true)
    }
    for departure in committer.unsyncedDepartures { finishSealed(departure.file, departure.mark) }
    committer.unsyncedDepartures = []
  }

  /// Makes a segment that was left durable and states it in the manifest.
  private func leave(
    _ departure: WriterState.Departure, durably: Bool, _ committer: inout CommitterState
  ) throws(CommitFailure) {
    awaitVisible(departure.end.nextOffset)
    if durably { try synchronizeDepartures(&committer) }
    if durably || definition.durability == .async {
      do throws(FileSystemError) { try departure.file.synchronize() } catch {
        throw CommitFailure(cause: error, isSegmentFault: true)
      }
    }
    do throws(ManifestFailure) {
      // One that ended in an earlier opening may have been removed meanwhile.
      try core.manifest.apply(
        departure.wasEnded
          ? [.segmentActivated(departure.activation)]
          : [.segmentEnded(departure.end), .segmentActivated(departure.activation)],
        durably: durably || definition.durability == .async)
    } catch {
      throw CommitFailure(cause: error.cause, isSegmentFault: false)
    }
    segments.end(departure.end)
    segments.append(departure.activation, file: departure.successor)
    watermarks.cell.store(activeSegmentID: departure.successor.segmentID)
    if durably || definition.durability == .async {
      state.withLock { state in
        state.prove(leaving: departure.mark, to: departure.successor.segmentID)
      }
      durablePosition.store(
        UInt64(SegmentLayout.preambleByteCount), ordering: .releasing)
      watermarks.raiseDurable(to: departure.end.nextOffset.rawValue)
      if !departure.wasEnded { finishSealed(departure.file, departure.mark) }
    } else if !departure.wasEnded {
      committer.unsyncedDepartures.append(departure)
    }
  }

  // MARK: Recovery slots

  /// Whether the group that is about to be synced should carry a slot.
  private func isSlotDue(
    _ committer: inout CommitterState, segment: SegmentFile, position: UInt64
  ) -> Bool {
    let now = core.time.monotonicNanoseconds()
    if committer.slotSegmentID != segment.segmentID {
      committer.slotSegmentID = segment.segmentID
      committer.slotPosition = UInt64(SegmentLayout.preambleByteCount)
      committer.slotTime = now
      committer.slotSequence = 0
      committer.slotIndex = 0
    }
    let proven = state.withLock { $0.proven }
    guard proven.segmentID == segment.segmentID, proven.position > committer.slotPosition else {
      return false
    }
    return position - min(position, committer.slotPosition) >= core.options.slotByteCount
      || now - min(now, committer.slotTime) >= core.options.slotNanoseconds
  }

  /// Writes a recovery slot with what is proven now; the sync is the caller's.
  func writeSlot(
    _ committer: inout CommitterState, segment: SegmentFile, flags: RecoverySlot.Flags
  ) throws(FileSystemError) {
    let proven = state.withLock { $0.proven }
    committer.slotSequence += 1
    let place = SegmentLayout.slotPositions[committer.slotIndex]
    let slot = proven.slot(
      sequence: committer.slotSequence, bootHash: core.bootHash, epoch: core.shortEpoch,
      flags: flags)
    try segment.write(slot.encoded(salt: segment.salt, at: place), at: place)
    committer.slotIndex = 1 - committer.slotIndex
    committer.slotPosition = proven.position
    committer.slotTime = core.time.monotonicNanoseconds()
  }

  /// Gives a sealed segment its final slots and gives back the space behind its end; soon, not now.
  func finishSealed(_ segment: SegmentFile, _ mark: SegmentMark) {
    let core = core
    core.later {
      // A failure here costs nothing: the manifest knows the end.
      try? StreamLog.finish(segment, mark, core)
    }
    letGoSoon(of: segment.segmentID)
    if core.manifest.stream(definition.streamID)?.retention != nil { core.keepSoon() }
  }

  /// Has the file of a segment that ended closed when it is not needed.
  private func letGoSoon(of segmentID: UInt64) {
    let entry = segments.all.last { $0.id == segmentID }
    core.later { entry?.noteIfClosable() }
  }

  static func finish(_ segment: SegmentFile, _ mark: SegmentMark, _ core: StoreCore)
    throws(FileSystemError)
  {
    // The older one first: until it is on the disk the other says what is proven.
    for index in segment.newestSlot()?.index == 0 ? [1, 0] : [0, 1] {
      let place = SegmentLayout.slotPositions[index]
      let slot = mark.slot(
        sequence: UInt64(1) << 62 | UInt64(index), bootHash: core.bootHash,
        epoch: core.shortEpoch, flags: [.clean, .sealed])
      try segment.write(slot.encoded(salt: segment.salt, at: place), at: place)
      try segment.synchronize()
    }
    let page = UInt64(SegmentLayout.pageByteCount)
    let from = (mark.position + page - 1) / page * page
    if from + (64 << 10) < segment.byteCount {
      try? segment.fileSystem.punchHole(
        segment.handle, at: from, byteCount: segment.byteCount - from)
    }
  }
}

/// Why a commit failed, and whether a fresh segment may help.
struct CommitFailure: Error {
  let cause: FileSystemError
  let isSegmentFault: Bool
}

extension SegmentMark {
  /// The recovery slot that states this mark.
  func slot(sequence: UInt64, bootHash: UInt64, epoch: UInt32, flags: RecoverySlot.Flags)
    -> RecoverySlot
  {
    RecoverySlot(
      sequence: sequence, durablePosition: FilePosition(rawValue: position),
      nextOffset: nextOffset, appendTime: appendTime,
      indexPosition: FilePosition(rawValue: indexFramePosition),
      integrityPosition: FilePosition(rawValue: integrityPosition),
      statePosition: FilePosition(rawValue: statePosition), commitSequence: commitSequence,
      storedPosition: FilePosition(rawValue: position), bootHash: bootHash, epoch: epoch,
      flags: flags, statistics: statistics)
  }

  /// The manifest's statement that everything before this mark is durable.
  func durablePrefix(ofStream streamID: UInt64) -> ManifestEdit.DurablePrefix {
    ManifestEdit.DurablePrefix(
      streamID: streamID, segmentID: segmentID, position: FilePosition(rawValue: position),
      nextOffset: nextOffset, lastAppendTime: appendTime)
  }
}

extension WriterState {
  /// Ends a group of a mapped segment with a commit frame, where there is room for it.
  mutating func emitMappedCommit() {
    guard position > groupPosition, claims.isEmpty,
      position + UInt64(CommitFrame.byteCount + ControlFrame.byteCount) <= frameEnd
    else { return }
    if let step = takeClockStep() { emitMapped(step.encoded(salt: salt, at: position)) }
    commitSequence += 1
    let commit = CommitFrame(
      durablePosition: FilePosition(rawValue: provenPosition), sequence: commitSequence,
      nextOffset: nextOffset, appendTime: progress.lastAppendTime,
      // A sync between two commit frames, while claims were open, has proven a part of the group.
      groupPosition: FilePosition(rawValue: max(groupPosition, provenPosition)),
      epoch: settings.epoch)
    emitMapped(commit.encoded(salt: salt, at: position))
    groupPosition = position
  }
}
