internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension StreamLog {
  /// Writes a segment that ended again without the content of some records, and has the new file take its
  /// place; the old one is unlinked and not used again.
  ///
  /// What a crash leaves is either the old segment or the new one, never both: one edit of the manifest is
  /// the change. Readers of the old file keep it until they move on.
  ///
  /// - Parameters:
  ///   - entry: The segment; its end is in the manifest.
  ///   - leftOut: Offsets whose records are left out.
  func rewrite(_ entry: SegmentEntry, leavingOut leftOut: Set<Offset>) throws(RedactionError) {
    let known = core.manifest.stream(definition.streamID)?.segments.first { $0.id == entry.id }
    guard let segment = known, let end = segment.end else { throw .notEnded(path: entry.path) }
    let source: SegmentFile
    do throws(ReadError) { source = try entry.file() } catch { throw .read(error) }
    var scan = account(of: source, segment)
    let limit = end.endPosition.rawValue
    scan.walk(
      FrameReader(source.bytes, salt: source.salt, limits: limits),
      to: limit, before: .maximum, verifying: true)
    guard scan.damaged.isEmpty, scan.problem == nil, scan.nextOffset == end.nextOffset else {
      throw .damaged(path: entry.path)
    }
    // A segment that had no room for the table of producers at its front has it in its seal block.
    let seal = end.reason == .sealed ? SegmentEntry.seal(source, end: limit, limits) : nil
    let producers = seal?.producers ?? scan.producers.sorted
    let byteCount = SegmentRewriter.byteCount(
      end: limit, leftOutCount: leftOut.count, producerCount: producers.count)
    let id: UInt64
    do throws(ManifestFailure) {
      try SegmentFactory.refuseWhenFull(byteCount, core)
      id = try core.manifest.takeSegmentID(forStream: definition.streamID)
    } catch {
      throw .fileSystem(error.cause)
    }
    let new: ManifestEdit.SegmentReplacement
    do throws(SegmentRewriter.Failure) {
      new = try write(
        source, of: segment, end, into: try makeTarget(id, byteCount: byteCount), leftOut, producers
      )
    } catch {
      SegmentFactory.abandon(definition.streamID, id, core)
      switch error {
      case .file(let cause): throw .fileSystem(cause)
      case .format: throw .damaged(path: entry.path)
      }
    }
    // Where this fails nobody knows whether the disk has it: the next opening removes the other file.
    do throws(ManifestFailure) {
      try core.manifest.apply(
        [
          .segmentReplaced(new),
          .segmentIntent(streamID: definition.streamID, segmentID: entry.id),
        ], durably: true)
    } catch {
      throw .fileSystem(error.cause)
    }
    segments.replace(entry.id, with: new)
    removeReplaced(entry)
  }

  private func account(of file: SegmentFile, _ segment: ManifestState.Segment) -> SegmentScan {
    SegmentScan(
      baseOffset: segment.baseOffset, baseAppendTime: segment.activation.baseAppendTime,
      provenPosition: 0, producerLimit: limits.producerCountLimit)
  }

  private func makeTarget(_ id: UInt64, byteCount: UInt64) throws(SegmentRewriter.Failure)
    -> SegmentFile
  {
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: definition.streamID)
      let name = StoreDirectory.segmentName(id)
      try SegmentFactory.createFile(
        name, in: directory, byteCount: byteCount, prewriting: false, fileSystem: core.fileSystem)
      return try SegmentFile(
        opening: name, in: directory,
        path: core.directory.segmentPath(streamID: definition.streamID, segmentID: id),
        fileSystem: core.fileSystem, streamID: definition.streamID, segmentID: id,
        salt: core.random.next(), access: .writing,
        byteCountLimit: core.options.limits.segmentByteCountLimit)
    } catch {
      throw .file(error)
    }
  }

  /// Writes frames, seal block, header and slots, and makes all of it and its name durable.
  private func write(
    _ source: SegmentFile, of segment: ManifestState.Segment, _ end: ManifestEdit.SegmentEnd,
    into target: SegmentFile, _ leftOut: Set<Offset>, _ producers: [ProducerEntry]
  ) throws(SegmentRewriter.Failure) -> ManifestEdit.SegmentReplacement {
    let start = segment.activation
    var rewriter = SegmentRewriter(source, into: target, limits: limits) { leftOut.contains($0) }
    try rewriter.writeFrames(before: end.endPosition.rawValue)
    try rewriter.write(producers, nextOffset: end.nextOffset)
    var scan = account(of: target, segment)
    scan.walk(
      FrameReader(target.bytes, salt: target.salt, limits: limits),
      to: rewriter.position, before: .maximum, verifying: true)
    guard scan.damaged.isEmpty, scan.problem == nil, scan.nextOffset == end.nextOffset,
      scan.position == rewriter.position
    else { throw .format(.damaged(.frame, .offset), position: scan.position) }
    var seal = SealBlock(
      baseOffset: start.baseOffset, nextOffset: end.nextOffset,
      previousSegmentID: start.previousSegmentID)
    seal.statistics = scan.progress.statistics
    seal.integrityPosition = FilePosition(rawValue: scan.progress.integrityPosition)
    // Time does not go back where the last record was left out.
    seal.lastAppendTime = max(end.lastAppendTime, scan.progress.lastAppendTime)
    seal.rows = scan.progress.rows
    seal.producers = producers
    seal.tiles = scan.progress.tiles
    try rewriter.write(seal)
    let mark = SegmentMark(
      segmentID: target.segmentID, position: rewriter.position, nextOffset: end.nextOffset,
      appendTime: seal.lastAppendTime, indexFramePosition: 0,
      integrityPosition: scan.progress.integrityPosition,
      integrityOffset: scan.progress.integrityOffset,
      statePosition: scan.progress.statePosition, commitSequence: 0,
      statistics: scan.progress.statistics)
    do throws(FileSystemError) { try complete(target, start, mark) } catch { throw .file(error) }
    return ManifestEdit.SegmentReplacement(
      segmentID: segment.id,
      definition: ManifestEdit.SegmentDefinition(
        streamID: definition.streamID, segmentID: target.segmentID, capacity: target.byteCount,
        salt: target.salt),
      endPosition: FilePosition(rawValue: rewriter.position),
      recordCount: scan.progress.statistics.recordCount)
  }

  private func complete(
    _ target: SegmentFile, _ start: ManifestEdit.SegmentActivation, _ mark: SegmentMark
  ) throws(FileSystemError) {
    let header = SegmentHeader(
      storeID: core.storeID, streamID: definition.streamID, segmentID: target.segmentID,
      baseOffset: start.baseOffset, baseAppendTime: start.baseAppendTime,
      createdTime: start.baseAppendTime, bootHash: core.bootHash, capacity: target.byteCount,
      salt: target.salt, previousSegmentID: start.previousSegmentID,
      durability: definition.durability)
    for place in SegmentLayout.headerPositions {
      try target.write(header.encoded(at: place), at: place)
    }
    // Also makes durable what was written.
    try StreamLog.finish(target, mark, core)
    let directory = try core.directory.directory(ofStream: definition.streamID)
    if core.faults.syncsDirectories { try core.fileSystem.synchronize(directory) }
  }

  /// Unlinks the file that another one took the place of; what fails is tried again by the next opening.
  private func removeReplaced(_ entry: SegmentEntry) {
    _ = entry.drop()
    guard let directory = try? core.directory.directory(ofStream: definition.streamID) else {
      return
    }
    do throws(FileSystemError) {
      try core.fileSystem.unlink(StoreDirectory.segmentName(entry.id), in: directory)
    } catch {
      guard error.reason == .notFound else { return }
    }
    guard (try? core.fileSystem.synchronize(directory)) != nil else { return }
    try? core.manifest.apply(
      [.segmentDropped(streamID: definition.streamID, segmentID: entry.id)], durably: false)
  }
}

extension SegmentList {
  /// Puts a segment in the place of another one.
  func replace(_ id: UInt64, with change: ManifestEdit.SegmentReplacement) {
    entries.withLock { list in
      guard let index = list.lastIndex(where: { $0.id == id }), let end = list[index].end else {
        return
      }
      var segment = list[index].segment
      segment.activation.segmentID = change.definition.segmentID
      list[index] = SegmentEntry(
        ManifestState.Segment(
          definition: change.definition, activation: segment.activation,
          end: change.end(from: end)), file: nil, directory: directory, limits: limits)
    }
  }
}
