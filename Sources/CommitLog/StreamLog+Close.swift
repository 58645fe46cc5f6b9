internal import Integrity
internal import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

extension StreamLog {
  /// Ends the segment when its first record is older than the stream allows; answers how long until
  /// that has to be looked at again.
  func rollIfDue() -> UInt64? {
    guard definition.rollNanoseconds > 0 else { return nil }
    let now = core.time.now()
    state.withLock { state in
      if state.isOlderThanRoll(than: now) { state.requestRoll() }
    }
    return max(definition.rollNanoseconds / 4, 10_000_000)
  }

  /// Commits when the stream's class says it is time; answers how long until it is.
  func commitIfDue(_ now: UInt64) -> UInt64? {
    // A commit without a sync that was under way has taken the signal, not the wish.
    let durable = watermarks.durable.load(ordering: .acquiring)
    let isSignalled = state.withLock { state in
      if durable >= state.awaitedDurable { state.awaitedDurable = 0 }
      return state.isSignalled || state.awaitedDurable != 0 && state.nextOffset.rawValue > durable
    }
    guard isSignalled else { return nil }
    var wait: UInt64?
    let done: Void? = committing.withLockIfAvailable { committer in
      if definition.durability == .async {
        if committer.pendingSince == 0 { committer.pendingSince = now }
        let due = committer.pendingSince + definition.maxDelayNanoseconds / 2
        let (pending, hasLeft) = state.withLock { ($0.unsyncedByteCount, !$0.departed.isEmpty) }
        // A segment that was left must be known to the manifest soon, or nobody finds the next one.
        if now < due, pending < definition.maxByteCount / 2, !hasLeft {
          wait = due - now
          return
        }
        committer.pendingSince = 0
      }
      let isAwaited = state.withLock { $0.awaitedDurable != 0 }
      _ = commitOnce(&committer, durably: definition.durability != .memory || isAwaited)
    }
    if done == nil { return 1_000_000 }
    watermarks.notify()
    return wait
  }

  /// Makes everything durable, marks the segment as closed in order, and refuses what comes later.
  ///
  /// - Returns: Whether the stream ended in order.
  func close() -> Bool {
    let wasFailed = state.withLock { state -> Bool in
      state.isClosing = true
      return state.failure != nil
    }
    defer {
      state.withLock { $0.isClosed = true }
      watermarks.abandonObservers()
    }
    defer { abandonEvidence() }
    guard !wasFailed else { return false }
    func commitAll(_ committer: inout CommitterState) -> Bool {
      while commitOnce(&committer, durably: true) {}
      return failure == nil
    }
    guard committing.withLock({ commitAll(&$0) }) else { return false }
    closeEvidence()
    return committing.withLock { committer in
      commitAll(&committer) && closeSegment(&committer)
    }
  }

  private func closeSegment(_ committer: inout CommitterState) -> Bool {
    let (segment, proven, isStarted) = state.withLock { state in
      (
        state.segment, state.proven,
        state.endedBefore == nil
          && (state.position > UInt64(SegmentLayout.preambleByteCount)
            || state.settings.isMapped)
      )
    }
    if let end = committer.pendingEnd {
      guard (try? core.manifest.apply([.segmentEnded(end)], durably: true)) != nil else {
        return false
      }
      committer.pendingEnd = nil
    }
    guard isStarted, proven.segmentID == segment.segmentID else { return true }
    do throws(FileSystemError) {
      if committer.slotSegmentID != segment.segmentID {
        committer.slotSegmentID = segment.segmentID
        committer.slotSequence = 0
        committer.slotIndex = 0
      }
      try writeSlot(&committer, segment: segment, flags: .clean)
      try segment.synchronize()
    } catch {
      return false
    }
    // The slot may be lost with the records it speaks of. The manifest is synced when the store closes.
    let state = ManifestEdit.segmentDurable(proven.durablePrefix(ofStream: segment.streamID))
    return (try? core.manifest.apply([state], durably: false)) != nil
  }

  /// Removes whole sealed segments whose records all lie before an offset.
  ///
  /// The log start offset moves at once and durably; files go when no reader needs them. In a stream with
  /// evidence it is stated first what goes, and what is left of it in chain and tree, so that proofs and
  /// checkpoints of before keep holding. The stream of such statements itself removes nothing.
  ///
  /// - Parameters:
  ///   - offset: Records before it may go.
  ///   - reason: Why, for whoever reads the statement: at most 1,024 bytes.
  /// - Returns: How many segments were removed, and how many a reader with a lease still holds back.
  @discardableResult
  public func removeSegments(before offset: Offset, reason: String = "") throws(AppendError) -> (
    removed: Int, heldBack: Int
  ) {
    guard forkGeneration.isCurrent else { throw .forked }
    if state.withLock({ $0.isClosing }) { throw .closed }
    guard definition.name != Statement.streamName else { return (0, 0) }
    return try removing.withLock { _ throws(AppendError) in
      try removeInTurn(before: offset, reason: reason)
    }
  }

  private func removeInTurn(before offset: Offset, reason: String) throws(AppendError) -> (
    removed: Int, heldBack: Int
  ) {
    // What is not covered stays. Where that fails, what is covered may go all the same.
    if hasEvidence, logStartOffset < min(offset, logEndOffset) { _ = try? durableEvidence() }
    let bound = min(offset, heldBackOffset)
    let wanted = removableSegments.filter { $0.end.map { $0.nextOffset <= offset } ?? false }
    let eligible = wanted.filter { $0.end.map { $0.nextOffset <= bound } ?? false }
    guard let newest = eligible.last, let end = newest.end else { return (0, wanted.count) }
    try stateRemoval(to: end.nextOffset, reason: reason)
    var edits: [ManifestEdit] = [
      .logStart(streamID: definition.streamID, offset: end.nextOffset)
    ]
    for segment in eligible {
      edits.append(.segmentDropped(streamID: definition.streamID, segmentID: segment.id))
      // The intent has the next opening remove what a crash leaves of the file.
      edits.append(.segmentIntent(streamID: definition.streamID, segmentID: segment.id))
    }
    do throws(ManifestFailure) { try core.manifest.apply(edits, durably: true) } catch {
      guard error.cause.reason != .closed else { throw .closed }
      throw .full(path: core.directory.path, cause: error.cause)
    }
    watermarks.raiseLogStart(to: end.nextOffset.rawValue)
    let ids = Set(eligible.map(\.id))
    // Buffers that wait to be filled must not keep the files of the segments they were last used for.
    state.withLock { state in
      for buffer in state.freeBuffers { buffer.segment = state.segment }
    }
    let gone = segments.remove { ids.contains($0.id) }.filter { removeFile(of: $0) }
    // What a power cut brings back would be nobody's: the intents go when it is durable.
    if (try? synchronizeRemoval()) != nil {
      try? core.manifest.apply(
        gone.map { .segmentDropped(streamID: definition.streamID, segmentID: $0.id) },
        durably: false)
    }
    core.manifest.provideBallast()
    return (eligible.count, wanted.count - eligible.count)
  }

  /// Makes durable that files have left their places.
  private func synchronizeRemoval() throws(FileSystemError) {
    try core.fileSystem.synchronize(core.directory.directory(ofStream: definition.streamID))
    // A file that moved is certain to be in its new place only when both directories were synced.
    if recycles { try core.fileSystem.synchronize(core.directory.spare) }
  }

  /// Whether files of removed segments may be used again.
  private var recycles: Bool {
    definition.durability == .disk && core.options.spareSegmentCount > 0
  }

  /// States that the records before an offset go.
  private func stateRemoval(to next: Offset, reason: String) throws(AppendError) {
    guard core.faults.keepsStatements else { return }
    do throws(EvidenceError) {
      try core.statements.stateRemoval(
        of: self, from: logStartOffset, to: next, cause: .request, reason: reason)
    } catch {
      switch error {
      case .append(let error): throw error
      default: throw .unstated(error)
      }
    }
  }

  /// Segments that no recovery will need.
  ///
  /// Readers of this process learn of a mapped segment's end before the manifest does. The newest
  /// segment of the manifest stays in any case: recovery finds a successor that the manifest does not
  /// know yet by its number. Where there are producers, it takes them from the newest segment that is
  /// known to hold their table.
  private var removableSegments: [SegmentEntry] {
    let known = core.manifest.stream(definition.streamID)?.segments ?? []
    let (proven, hasProducers) = state.withLock { ($0.proven, !$0.producers.isEmpty) }
    var kept = known.count - 1
    // A segment begins with the table, so its first durable frame proves it.
    let start = UInt64(SegmentLayout.preambleByteCount)
    while hasProducers, kept > 0 {
      let segment = known[kept]
      let durable =
        segment.end?.endPosition.rawValue ?? (proven.segmentID == segment.id ? proven.position : 0)
      if durable > start { break }
      kept -= 1
    }
    if definition.evidence != .none { kept = min(kept, evidencedSegmentCount(known)) }
    let ids = Set(known[..<max(0, kept)].lazy.filter { $0.end != nil }.map(\.id))
    return segments.all.filter { ids.contains($0.id) }
  }

  /// How many segments, from the first, chain and tree need no more: their records are part of a group
  /// that is durable and stands in a later one.
  private func evidencedSegmentCount(_ known: [ManifestState.Segment]) -> Int {
    guard let group = state.withLock({ $0.provenGroup }) else { return 0 }
    return known.prefix { segment in
      segment.id != group.segmentID
        && segment.end.map { $0.nextOffset <= group.nextOffset } ?? false
    }.count
  }

  /// The first offset a reader with a lease still needs, by the stream's policy.
  private var heldBackOffset: Offset {
    guard definition.maximumReaderLag > 0, let readers = core.shared.readers else {
      return .maximum
    }
    let end = visibleOffset.rawValue
    let oldest = end - min(end, definition.maximumReaderLag)
    let needed = readers.offsets(ofStream: definition.streamID).filter { $0 >= oldest }
    return Offset(rawValue: needed.min() ?? Offset.maximum.rawValue)
  }

  /// The file of a removed segment, held so that nobody begins to read it; `nil` when somebody does, or
  /// when it has another name somewhere and so belongs to somebody else too.
  private func claimUnread(_ name: String, in directory: DirectoryHandle) -> FileHandle? {
    let system = core.fileSystem
    guard let handle = try? system.open(name, in: directory, .readWrite) else { return nil }
    if (try? system.lockExclusively(handle)) == true,
      (try? system.status(of: handle))?.linkCount == 1
    {
      return handle
    }
    system.close(handle)
    return nil
  }

  /// Answers whether the file has left its place.
  private func removeFile(of entry: SegmentEntry) -> Bool {
    let mayRecycle = entry.drop() && recycles
    // What fails here is tried again by the next opening, because of the intent.
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: definition.streamID)
      let name = StoreDirectory.segmentName(entry.id)
      let claim = mayRecycle ? claimUnread(name, in: directory) : nil
      defer { if let claim { core.fileSystem.close(claim) } }
      try core.spares.put(
        name, in: directory, byteCount: entry.definition.capacity, mayRecycle: claim != nil)
      return true
    } catch {
      return error.reason == .notFound
    }
  }
}
