internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension WriterState {
  // MARK: Ending a group

  /// Ends the current staging buffer with the frames of a group's tail and hands it to the committer.
  mutating func closeBuffer(endingSegment: Bool = false) {
    guard let buffer = staging else { return }
    buffer.byteCount = Int(position - buffer.startPosition)
    buffer.recordByteCount = buffer.byteCount
    if progress.unflushedRowCount >= SegmentProgress.rowsPerFrame && !endingSegment {
      let frame = progress.takeIndexFrame(at: position)
      emitTail(frame.encoded(salt: salt, at: position), in: buffer)
    }
    emitStateIfDue(in: buffer)
    if let step = takeClockStep() { emitTail(step.encoded(salt: salt, at: position), in: buffer) }
    // Nothing follows the end of a segment, and the reserve has room for one padding only: the group
    // before may have used it.
    if !endingSegment { emitPadding(in: buffer) }
    commitSequence += 1
    let commit = CommitFrame(
      durablePosition: FilePosition(rawValue: provenPosition), sequence: commitSequence,
      nextOffset: nextOffset, appendTime: progress.lastAppendTime,
      groupPosition: FilePosition(rawValue: groupPosition), epoch: settings.epoch)
    emitTail(commit.encoded(salt: salt, at: position), in: buffer)
    if endingSegment {
      emitTail(
        sealBlock().encoded(segmentID: segment.segmentID, salt: salt, at: position), in: buffer)
      buffer.end = segmentEnd(.sealed)
    }
    buffer.mark = mark()
    groupPosition = position
    closedBuffers.append(buffer)
    staging = nil
    sinkEnd = 0
  }

  /// The proven position when it lies in this segment; otherwise nothing of it is proven.
  var provenPosition: UInt64 {
    proven.segmentID == segment.segmentID
      ? proven.position : UInt64(SegmentLayout.preambleByteCount)
  }

  /// The statement that the wall clock was set, when it was.
  mutating func takeClockStep() -> ControlFrame? {
    guard pendingClockStep != 0 else { return nil }
    defer { pendingClockStep = 0 }
    return ControlFrame(
      appendTime: progress.lastAppendTime, clockStepNanoseconds: pendingClockStep)
  }

  private mutating func emitTail(_ frame: [UInt8], in buffer: StagingBuffer) {
    buffer.appendTail(frame)
    position += UInt64(frame.count)
  }

  /// State frames go out with the group when producers changed, but never cost more than a sixteenth
  /// of what was appended since the last one.
  private mutating func emitStateIfDue(in buffer: StagingBuffer) {
    guard !producers.isEmpty, progress.statePosition > 0, producersChanged else { return }
    let byteCount = StateFrame.byteCount(producerCount: producers.count)
    guard position - progress.statePosition > UInt64(16 * byteCount) + 65_536 else { return }
    let frame = StateFrame(
      previousPosition: FilePosition(rawValue: progress.statePosition), nextOffset: nextOffset,
      producers: producers.sorted)
    let at = position
    emitTail(frame.encoded(salt: salt, at: at), in: buffer)
    progress.statePosition = at
    producersChanged = false
  }

  private mutating func emitPadding(in buffer: StagingBuffer) {
    let groupByteCount = buffer.byteCount + buffer.overflow.count
    guard groupByteCount >= settings.paddedGroupByteCount else { return }
    let sector = UInt64(StagingBuffer.alignment)
    let after = position + UInt64(CommitFrame.byteCount)
    var padding = (sector - after % sector) % sector
    if padding == 0 { return }
    if padding < UInt64(FrameHead.byteCount) { padding += sector }
    guard position + padding + UInt64(CommitFrame.byteCount) <= segment.byteCount else { return }
    var bytes = Frame.padding(length: UInt32(padding), salt: salt, at: position)
    bytes += Array(repeating: 0, count: Int(padding) - bytes.count)
    emitTail(bytes, in: buffer)
  }

  // MARK: Leaving a segment

  /// The seal block of the segment as it stands.
  func sealBlock() -> SealBlock {
    var block = SealBlock(
      baseOffset: progress.baseOffset, nextOffset: nextOffset,
      previousSegmentID: previousSegmentID)
    block.statistics = progress.statistics
    block.integrityPosition = FilePosition(rawValue: progress.integrityPosition)
    block.lastAppendTime = progress.lastAppendTime
    block.rows = progress.rows
    block.producers = producers.sorted
    block.tiles = progress.tiles
    return block
  }

  func segmentEnd(_ reason: ManifestEdit.EndReason) -> ManifestEdit.SegmentEnd {
    ManifestEdit.SegmentEnd(
      streamID: segment.streamID, segmentID: segment.segmentID,
      endPosition: FilePosition(rawValue: position), nextOffset: nextOffset,
      lastAppendTime: progress.lastAppendTime, recordCount: progress.statistics.recordCount,
      reason: reason)
  }

  /// Ends the segment and goes on in a successor; false when a staging buffer is missing for that.
  mutating func roll(to index: Int) -> Bool {
    if let end = endedBefore {
      let left = segment
      let leftMark = mark()
      endedBefore = nil
      enter(successors.remove(at: index))
      guard settings.isMapped else { return true }
      storeMappedHeader()
      departed.append(
        Departure(
          file: left, wasEnded: true, end: end, mark: leftMark, successor: segment,
          activation: activation()))
    } else if !settings.isMapped {
      if staging == nil {
        guard let buffer = takeBuffer(atLeast: 4_096) else { return false }
        place(buffer)
      }
      closeBuffer(endingSegment: true)
      enter(successors.remove(at: index))
    } else {
      // The byte bound of class `async` is kept across one roll, not across two.
      let isBehind = proven.segmentID != segment.segmentID
      if isBehind, settings.definition.durability == .async { return false }
      unsyncedBefore = position - min(position, isBehind ? position : proven.position)
      let left = segment
      let at = position
      emitMapped(sealBlock().encoded(segmentID: left.segmentID, salt: salt, at: at))
      let end = segmentEnd(.sealed)
      let leftMark = mark()
      enter(successors.remove(at: index))
      storeMappedHeader()
      departed.append(
        Departure(
          file: left, end: end, mark: leftMark, successor: segment,
          activation: activation()))
    }
    return true
  }

  /// The manifest's statement that the current segment takes the appends.
  func activation() -> ManifestEdit.SegmentActivation {
    ManifestEdit.SegmentActivation(
      streamID: segment.streamID, segmentID: segment.segmentID, baseOffset: progress.baseOffset,
      baseAppendTime: progress.statistics.recordCount == 0
        ? progress.lastAppendTime : progress.statistics.firstAppendTime,
      previousSegmentID: previousSegmentID)
  }

  /// Makes a prepared segment the one that takes the appends, from its first frame on.
  mutating func enter(_ next: PreparedSegment) {
    previousSegmentID = segment.segmentID
    segment = next.file
    salt = next.file.salt
    position = UInt64(SegmentLayout.preambleByteCount)
    groupPosition = position
    commitSequence = 0
    progress = SegmentProgress(
      baseOffset: nextOffset, baseAppendTime: progress.lastAppendTime)
    isRollRequested = false
    isSuccessorWished = false
    sinkEnd = 0
    if settings.isMapped {
      // Safety: only the number is kept; the segment lives while it is the sink.
      sinkOrigin = unsafe UInt(bitPattern: segment.base)
    }
  }

  /// Class `memory` and `async`: header by stores, then the producers.
  mutating func storeMappedHeader() {
    let header = header(for: segment)
    for place in SegmentLayout.headerPositions {
      let bytes = header.encoded(at: place)
      // Safety: the preamble lies inside the mapping, which is writable in these classes.
      unsafe bytes.withUnsafeBytes { source in
        guard let from = source.baseAddress else { return }
        unsafe (segment.base + Int(place)).copyMemory(from: from, byteCount: source.count)
      }
    }
    if !producers.isEmpty { emitInitialState() }
  }

  /// The first frame of a segment whose stream has producers.
  mutating func emitInitialState() {
    let frame = StateFrame(
      previousPosition: FilePosition(rawValue: 0), nextOffset: nextOffset,
      producers: producers.sorted)
    let at = position
    let bytes = frame.encoded(salt: salt, at: at)
    if settings.isMapped {
      guard at + UInt64(bytes.count) <= segment.byteCount else { return }
      emitMapped(bytes)
    } else if let buffer = staging {
      guard bytes.count + 256 <= buffer.capacity else { return }
      // Safety: the range was checked against the buffer's capacity.
      unsafe bytes.withUnsafeBytes { source in
        guard let from = source.baseAddress else { return }
        unsafe address(of: at).copyMemory(from: from, byteCount: source.count)
      }
      position += UInt64(bytes.count)
    }
    progress.statePosition = at
    producersChanged = false
  }

  /// Stores a whole frame into the mapped segment, its first word last.
  mutating func emitMapped(_ frame: [UInt8]) {
    // `endReserve` keeps room for these frames; memory safety does not rest on that sum.
    guard position + UInt64(frame.count) <= segment.byteCount else { return }
    let target = unsafe segment.base + Int(position)
    // Safety: the frame ends inside the mapping, as was just checked.
    unsafe frame.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe (target + 8).copyMemory(from: from + 8, byteCount: source.count - 8)
      unsafe storeReleasing(from.loadUnaligned(as: UInt64.self), to: target)
    }
    position += UInt64(frame.count)
  }
}

extension WriterState.Settings {
  /// The header a segment gets when it takes over.
  func header(
    of file: SegmentFile, baseOffset: Offset, baseAppendTime: Timestamp, previousSegmentID: UInt64
  ) -> SegmentHeader {
    SegmentHeader(
      storeID: UniqueIdentifier(high: storeID.high, low: storeID.low), streamID: file.streamID,
      segmentID: file.segmentID, baseOffset: baseOffset, baseAppendTime: baseAppendTime,
      createdTime: baseAppendTime, bootHash: bootHash, capacity: file.byteCount, salt: file.salt,
      previousSegmentID: previousSegmentID, durability: definition.durability)
  }
}
