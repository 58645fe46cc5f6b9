internal import Integrity
internal import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

extension StreamLog {
  /// Removes whole sealed segments whose records all lie before an offset.
  ///
  /// The log start offset moves at once and durably; files go soon, when no reader needs them. What a hold covers
  /// stays (``Store/placeHold(_:reason:on:offsets:)``), and all behind it. In a stream with
  /// evidence it is stated first what goes, and what is left of it in chain and tree, so that proofs and
  /// checkpoints of before keep holding. The stream of such statements itself removes nothing.
  ///
  /// - Parameters:
  ///   - offset: Records before it may go.
  ///   - reason: Why, for whoever reads the statement: at most 1,024 bytes.
  /// - Returns: How many segments were removed, and how many a hold, or a reader with a lease, still holds back.
  @discardableResult
  public func removeSegments(before offset: Offset, reason: String = "") throws(AppendError) -> (
    removed: Int, heldBack: Int
  ) {
    try removeSegments(before: offset, cause: .request, reason: reason)
  }

  /// The same for any cause.
  func removeSegments(before offset: Offset, cause: RecordRemoval.Cause, reason: String)
    throws(AppendError) -> (removed: Int, heldBack: Int)
  {
    guard forkGeneration.isCurrent else { throw .forked }
    if state.withLock({ $0.isClosing }) { throw .closed }
    guard definition.name != Statement.streamName else { return (0, 0) }
    return try removing.withLock { _ throws(AppendError) in
      // What is not covered stays. Where that fails, what is covered may go all the same.
      if hasEvidence, logStartOffset < min(offset, logEndOffset) { _ = try? durableEvidence() }
      return try core.holding.withLock { _ throws(AppendError) in
        try removeInTurn(before: offset, cause: cause, reason: reason)
      }
    }
  }

  private func removeInTurn(before offset: Offset, cause: RecordRemoval.Cause, reason: String)
    throws(AppendError) -> (removed: Int, heldBack: Int)
  {
    let bound = min(offset, heldBackOffset, firstHeldOffset)
    let wanted = removableSegments.filter { $0.end.map { $0.nextOffset <= offset } ?? false }
    let eligible = wanted.filter { $0.end.map { $0.nextOffset <= bound } ?? false }
    guard let newest = eligible.last, let end = newest.end else { return (0, wanted.count) }
    try stateRemoval(to: end.nextOffset, cause: cause, reason: reason)
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
    let removed = segments.remove { ids.contains($0.id) }
    // A large file takes its time.
    core.removedFiles.add(removed, of: self)
    core.later { [core] in core.removedFiles.removeAll() }
    return (eligible.count, wanted.count - eligible.count)
  }

  /// Takes the files of segments that are removed from their places.
  func removeFiles(of removed: [SegmentEntry]) {
    let gone = removed.filter { removeFile(of: $0) }
    // What a power cut brings back would be nobody's: the intents go when it is durable.
    if (try? synchronizeRemoval()) != nil {
      try? core.manifest.apply(
        gone.map { .segmentDropped(streamID: definition.streamID, segmentID: $0.id) },
        durably: false)
    }
    core.manifest.provideBallast()
  }

  /// The hold on an offset, if there is one.
  func hold(on offset: Offset) -> ManifestEdit.Hold? {
    core.manifest.state.holds(ofStream: definition.streamID).first {
      $0.firstOffset <= offset && offset < $0.nextOffset
    }
  }

  /// The first offset that a hold covers.
  private var firstHeldOffset: Offset {
    let start = logStartOffset
    let holds = core.manifest.state.holds(ofStream: definition.streamID)
    return holds.filter { $0.nextOffset > start }.map(\.firstOffset).min() ?? .maximum
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
  private func stateRemoval(to next: Offset, cause: RecordRemoval.Cause, reason: String)
    throws(AppendError)
  {
    guard core.faults.keepsStatements else { return }
    do throws(EvidenceError) {
      try core.statements.stateRemoval(
        of: self, from: logStartOffset, to: next, cause: cause, reason: reason)
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
