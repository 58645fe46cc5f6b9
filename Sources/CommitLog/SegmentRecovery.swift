internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Recovery of one active segment: find its end, keep what can be kept, make the rest harmless.
struct SegmentRecovery {
  let core: StoreCore
  let file: SegmentFile
  let segment: ManifestState.Segment

  private var limits: FormatLimits { core.options.limits }

  /// Walks from what is proven to the last intact frame.
  func scan(_ inherited: ProducerTable) throws(OpenError) -> SegmentScan {
    if let problem = file.identityProblem(core.manifest.state, storeID: core.storeID) {
      throw .damaged(path: file.path, position: 0, problem)
    }
    if file.isExchanged(core.manifest.stream(file.streamID), in: core.directory, limits) {
      throw .damaged(path: file.path, position: 0, .damaged(.segmentHeader, .identity))
    }
    let slot = usableSlot()
    try refuseLostEnd()
    let scan = SegmentScan.recovering(
      file, segment, slot: slot, inherited: inherited, limits: limits)
    if case .newer(let structure, let detail)? = scan.problem {
      throw .newer(path: file.path, .newer(structure, detail))
    }
    if case .overLimit? = scan.problem, let problem = scan.problem {
      throw .overLimit(path: file.path, problem)
    }
    if file.wasTruncated {
      throw .fileSystem(FileSystemError(.map, file.path, .unexpectedEnd))
    }
    return scan
  }

  /// A file that was cut may have lost records nobody can count, and their offsets must not be given
  /// out again; only the slot of a clean close tells.
  private func refuseLostEnd() throws(OpenError) {
    guard file.byteCount < segment.definition.capacity, !wasClean else { return }
    throw .damaged(
      path: file.path, position: file.byteCount,
      .truncated(.frame, needed: segment.definition.capacity, available: file.byteCount))
  }

  /// Whether the file was cut before its end.
  var hasLostEnd: Bool {
    let known = segment.durable?.position.rawValue ?? 0
    return max(known, provenPosition) > file.byteCount
  }

  /// The newest slot; one that was never synced counts only while the machine has not restarted.
  private func usableSlot() -> RecoverySlot? {
    guard let slot = file.newestSlot()?.slot else { return nil }
    if slot.flags.contains(.unsynced), slot.bootHash != core.bootHash || core.bootHash == 0 {
      return nil
    }
    return slot
  }

  /// Bytes before this position are durable; 0 when nothing proves any.
  var provenPosition: UInt64 { usableSlot()?.durablePosition.rawValue ?? 0 }

  var wasClean: Bool { usableSlot().map { $0.flags.contains(.clean) } ?? false }

  /// States what was found, in the report and, for damage, in the manifest.
  func report(
    _ scan: SegmentScan, stream: ManifestState.Stream, into report: inout RecoveryReport
  ) throws(OpenError) {
    let slot = usableSlot()
    let isClean = slot.map { $0.flags.contains(.clean) } ?? false
    report.wasClean =
      report.wasClean && isClean && scan.position == slot?.durablePosition.rawValue
      && scan.damaged.isEmpty
    let start = max(slot?.durablePosition.rawValue ?? 0, UInt64(SegmentLayout.preambleByteCount))
    report.scannedByteCount += scan.position > start ? scan.position - start : 0
    var edits: [ManifestEdit] = []
    for damage in scan.damaged {
      report.damaged.append(
        DamageReport(
          stream: stream.definition.name, segmentID: segment.id, path: file.path,
          from: FilePosition(rawValue: damage.from), to: FilePosition(rawValue: damage.to),
          firstOffset: damage.firstOffset, nextOffset: damage.nextOffset, cause: damage.cause))
      let range = ManifestEdit.DamagedRange(
        streamID: file.streamID, segmentID: segment.id,
        from: FilePosition(rawValue: damage.from), to: FilePosition(rawValue: damage.to),
        firstOffset: damage.firstOffset, nextOffset: damage.nextOffset)
      // Every opening finds the same places again; the manifest names each once.
      if !segment.damaged.contains(range) { edits.append(.segmentDamaged(range)) }
    }
    guard !edits.isEmpty else { return }
    do throws(ManifestFailure) { try core.manifest.apply(edits, durably: true) } catch {
      throw error.openError
    }
  }

  /// Makes the segment ready for appends behind the last intact frame.
  ///
  /// Order matters: what was found is written again and synced (the page cache proves nothing), the
  /// tail is invalidated, and only then a slot states, durably, that the segment is in use.
  func makeSafe(_ scan: inout SegmentScan, report: inout RecoveryReport) throws(OpenError)
    -> (sequence: UInt64, index: Int)
  {
    do throws(FileSystemError) {
      let newest = file.newestSlot()
      let proven = provenPosition
      if !report.wasClean {
        if let range = scan.undecidable {
          report.undecidableByteCount += range.upperBound - range.lowerBound
          do throws(FileSystemError) { report.quarantinedFile = try quarantine(range) } catch {
            // A full disk must not keep the stream shut; the report says what was not kept.
            guard error.reason == .noSpace else { throw error }
          }
        }
        let from = max(min(proven, scan.position), UInt64(SegmentLayout.preambleByteCount))
        report.rewrittenByteCount += scan.position - from
        try Self.rewrite(file, from: from, upTo: scan.position)
        if core.faults.invalidatesTail {
          report.invalidatedByteCount += try invalidateTail(from: scan.position)
        }
        try restoreHeader()
        try file.synchronize()
      }
      let sequence = (newest?.slot.sequence ?? 0) + 1
      let index = newest.map { 1 - $0.index } ?? 0
      let mark = SegmentMark(
        segmentID: segment.id, position: scan.position,
        nextOffset: scan.nextOffset ?? segment.baseOffset, appendTime: scan.progress.lastAppendTime,
        indexFramePosition: scan.progress.indexFramePosition,
        integrityPosition: scan.progress.integrityPosition,
        statePosition: scan.progress.statePosition, commitSequence: scan.commitSequence,
        statistics: scan.progress.statistics)
      let place = SegmentLayout.slotPositions[index]
      let slot = mark.slot(
        sequence: sequence, bootHash: core.bootHash, epoch: core.shortEpoch, flags: [])
      try file.write(slot.encoded(salt: file.salt, at: place), at: place)
      try file.synchronize()
      try noteDurable(mark)
      return (sequence, 1 - index)
    } catch {
      throw .fileSystem(error)
    }
  }

  /// Tells the manifest what is durable now, where it does not know.
  private func noteDurable(_ mark: SegmentMark) throws(FileSystemError) {
    let start = UInt64(SegmentLayout.preambleByteCount)
    guard mark.position > max(start, segment.durable?.position.rawValue ?? 0) else { return }
    do throws(ManifestFailure) {
      // It may be lost in a crash: it only says again what the slot says.
      let edit = ManifestEdit.segmentDurable(mark.durablePrefix(ofStream: file.streamID))
      try core.manifest.apply([edit], durably: false)
    } catch {
      throw error.cause
    }
  }

  /// Writes the bytes of a range again, so that a sync proves them.
  static func rewrite(
    _ file: SegmentFile, from start: UInt64 = 0, upTo end: UInt64
  ) throws(FileSystemError) {
    var position = start
    while position < end {
      let count = Int(min(1 << 20, end - position))
      let bytes = try file.fileSystem.read(file.handle, byteCount: count, at: position)
      try file.write(bytes, at: position)
      position += UInt64(count)
    }
    if end > start { try file.synchronize() }
  }

  /// Zeroes everything that could be taken for a frame of the group that was cut.
  private func invalidateTail(from position: UInt64) throws(FileSystemError) -> UInt64 {
    let window =
      UInt64(core.options.stagingByteCount * core.options.stagingBufferCount)
      + UInt64(limits.batchByteCountLimit) + (1 << 20)
    let end = min(file.byteCount, position + window)
    var written: UInt64 = 0
    var place = position
    while place < end {
      let next = min((place / 65_536 + 1) * 65_536, end)
      let bytes = file.bytes.extracting(Int(place)..<Int(next))
      if !bytes.isAllZero {
        try file.write([UInt8](repeating: 0, count: Int(next - place)), at: place)
        written += next - place
      }
      place = next
    }
    return written
  }

  /// Writes damaged copies of the header again from what the manifest knows.
  ///
  /// - Returns: Whether anything was written; the sync is the caller's.
  @discardableResult
  func restoreHeader() throws(FileSystemError) -> Bool {
    let isIntact = SegmentLayout.headerPositions.allSatisfy { place in
      let page = file.bytes.extracting(Int(place)..<(Int(place) + SegmentHeader.byteCount))
      return (try? SegmentHeader(page, at: place)) != nil
    }
    if isIntact { return false }
    let header =
      (try? file.header())
      ?? SegmentHeader(
        storeID: core.storeID, streamID: file.streamID, segmentID: file.segmentID,
        baseOffset: segment.baseOffset, baseAppendTime: segment.activation.baseAppendTime,
        createdTime: segment.activation.baseAppendTime, bootHash: core.bootHash,
        capacity: file.byteCount, salt: file.salt,
        previousSegmentID: segment.activation.previousSegmentID,
        durability: core.manifest.stream(file.streamID)?.definition.durability ?? .disk)
    for place in SegmentLayout.headerPositions {
      try file.write(header.encoded(at: place), at: place)
    }
    return true
  }

  /// Keeps the bytes of a cut group aside: they are either torn or rotten, and nobody can tell.
  private func quarantine(_ range: Range<UInt64>) throws(FileSystemError) -> String {
    let name =
      StoreDirectory.segmentName(file.segmentID).dropLast(4) + "-\(range.lowerBound).bin"
    let system = core.fileSystem
    do throws(FileSystemError) {
      try system.unlink(String(name), in: core.directory.quarantine)
    } catch {
      guard error.reason == .notFound else { throw error }
    }
    let handle = try system.open(String(name), in: core.directory.quarantine, .create)
    defer { system.close(handle) }
    do throws(FileSystemError) {
      var place = range.lowerBound
      while place < range.upperBound {
        let count = min(1 << 20, range.upperBound - place)
        let bytes = file.bytes.extracting(Int(place)..<Int(place + count))
        try system.write(handle, bytes: bytes.copyBytes(), at: place - range.lowerBound)
        place += count
      }
      try system.synchronizeData(handle)
    } catch {
      try? system.unlink(String(name), in: core.directory.quarantine)
      throw error
    }
    try system.synchronize(core.directory.quarantine)
    return String(name)
  }
}
