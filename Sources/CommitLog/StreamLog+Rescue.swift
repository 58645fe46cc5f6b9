internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension StreamLog {
  /// Carries unsynced groups over into a fresh segment after a write or sync of theirs failed.
  ///
  /// The failed file is never synced again as proof: its end in the manifest is what was durable
  /// before, and its bytes behind that never count. The groups are still in staging; their frames are
  /// moved to the new segment's positions and synced there, once. If that fails too, the stream stops.
  func rescue(
    _ failed: [StagingBuffer], after cause: FileSystemError, _ committer: inout CommitterState
  ) throws(CommitFailure) {
    state.withLock { state in
      state.isRescuing = true
      // Frames for which there is room would pass by `makeRoom`: none may follow those that are moved.
      state.sinkEnd = 0
    }
    awaitAllClaims()
    let buffers = state.withLock { state -> [StagingBuffer] in
      if let current = state.staging {
        current.byteCount = Int(state.position - current.startPosition)
        current.recordByteCount = current.byteCount
        state.staging = nil
        return failed + state.closedBuffers + [current]
      }
      return failed + state.closedBuffers
    }
    let byteCount = buffers.reduce(0) { $0 + $1.recordByteCount }
    let prepared = try prepareRescue(byteCount: byteCount, cause)
    let proven = state.withLock { $0.proven }
    let last = core.manifest.stream(definition.streamID)?.segments.last
    committer.pendingEnd = committer.pendingEnd ?? poisonedEnd(of: last, proven)
    let buffer = state.withLock { state in
      state.closedBuffers = []
      state.successors.removeAll()
      let capacity = byteCount + Int(state.endReserve) + 4_096
      let fresh = StagingBuffer(capacity: capacity, isPooled: false, segment: prepared.file)
      state.begin(fresh, in: prepared, behind: last?.id ?? 0, after: proven, moving: buffers)
      return fresh
    }
    // When this fails too the stream stops, and appends wait for that.
    _ = try commitRescued(buffer, &committer)
    state.withLock { state in
      state.isRescuing = false
      for buffer in buffers where buffer.isPooled { state.freeBuffers.append(buffer) }
    }
  }

  /// Where the segment that the manifest calls active ends now that a write or sync of it failed; `nil`
  /// when there is none: a segment the manifest never called active is just not used.
  private func poisonedEnd(of last: ManifestState.Segment?, _ proven: SegmentMark)
    -> ManifestEdit.SegmentEnd?
  {
    guard let last, last.end == nil else { return nil }
    var end = ManifestEdit.SegmentEnd(
      streamID: definition.streamID, segmentID: last.id,
      endPosition: FilePosition(rawValue: UInt64(SegmentLayout.preambleByteCount)),
      nextOffset: last.baseOffset, lastAppendTime: last.activation.baseAppendTime, recordCount: 0,
      reason: .poisoned)
    // A segment whose first group failed has nothing that counts.
    guard proven.segmentID == last.id else { return end }
    end.endPosition = FilePosition(rawValue: proven.position)
    end.nextOffset = proven.nextOffset
    end.lastAppendTime = proven.appendTime
    end.recordCount = proven.statistics.recordCount
    return end
  }

  private func awaitAllClaims() {
    watermarks.cell.whileWaiting {
      while true {
        let ticket = watermarks.cell.ticket
        if state.withLock({ $0.claims.isEmpty }) { return }
        watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 10_000_000)
      }
    }
  }

  private func prepareRescue(byteCount: Int, _ cause: FileSystemError) throws(CommitFailure)
    -> PreparedSegment
  {
    let reserve = state.withLock { $0.endReserve }
    let minimum = UInt64(SegmentLayout.preambleByteCount + byteCount) + 2 * reserve + 65_536
    let size = SegmentFactory.nextByteCount(after: nil, minimum: minimum, definition)
    do throws(ManifestFailure) {
      return try SegmentFactory.prepare(definition, byteCount: size, core: core)
    } catch {
      // The first failure is the one to report.
      throw CommitFailure(cause: cause, isSegmentFault: false)
    }
  }

  private func commitRescued(_ buffer: StagingBuffer, _ committer: inout CommitterState)
    throws(CommitFailure) -> Bool
  {
    do throws(CommitFailure) {
      return try commitRun([buffer], from: 0, &committer) == 1
    } catch {
      throw CommitFailure(cause: error.cause, isSegmentFault: false)
    }
  }
}

extension WriterState {
  /// Starts a fresh segment behind what is proven with the record frames of some buffers.
  mutating func begin(
    _ fresh: StagingBuffer, in prepared: PreparedSegment, behind previousID: UInt64,
    after proven: SegmentMark, moving buffers: [StagingBuffer]
  ) {
    segment = prepared.file
    salt = prepared.file.salt
    previousSegmentID = previousID
    position = UInt64(SegmentLayout.preambleByteCount)
    groupPosition = position
    commitSequence = 0
    progress = SegmentProgress(baseOffset: proven.nextOffset, baseAppendTime: proven.appendTime)
    let end = nextOffset
    nextOffset = proven.nextOffset
    fresh.begin(segment, at: position)
    fresh.header = header(for: segment)
    staging = fresh
    // Safety: only the number is kept; the buffer lives while it is the sink.
    sinkOrigin = unsafe UInt(bitPattern: fresh.base) &- UInt(position)
    for buffer in buffers { move(buffer) }
    nextOffset = end
    producersChanged = false
    if !producers.isEmpty {
      // The table as of now goes behind the records it has seen.
      fresh.byteCount = Int(position - fresh.startPosition)
      emitState(in: fresh)
    }
    closeBuffer()
    closedBuffers.removeAll { $0 === fresh }
  }

  private mutating func emitState(in buffer: StagingBuffer) {
    let frame = StateFrame(
      previousPosition: FilePosition(rawValue: 0), nextOffset: nextOffset,
      producers: producers.sorted)
    let bytes = frame.encoded(salt: salt, at: position)
    // Safety: the buffer was sized with the end reserve.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe address(of: position).copyMemory(from: from, byteCount: source.count)
    }
    if progress.statePosition == 0 { progress.statePosition = position }
    position += UInt64(bytes.count)
  }

  /// Copies the frames of records and groups of a buffer to the current position, their checksums mended for it.
  private mutating func move(_ buffer: StagingBuffer) {
    // Safety: the buffer holds `recordByteCount` bytes of whole frames that this program encoded.
    let bytes = unsafe UnsafeRawBufferPointer(start: buffer.base, count: buffer.recordByteCount)
    var place = 0
    while place + FrameHead.byteCount <= bytes.count {
      let word = unsafe bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self).littleEndian
      let checksum = unsafe bytes.loadUnaligned(fromByteOffset: place + 8, as: UInt64.self)
        .littleEndian
      let head = FrameHead(word: word, checksum: checksum)
      guard head.length >= UInt32(FrameHead.byteCount) else { return }
      let count = head.alignedByteCount
      if let kind = head.kind, [.soloRecord, .batch, .gap, .integrity].contains(kind) {
        let frame = unsafe UnsafeRawBufferPointer(rebasing: bytes[place..<(place + count)])
        unsafe moveFrame(
          frame, head, word: word,
          from: (buffer.segment.salt, buffer.startPosition + UInt64(place)))
      }
      place += count
    }
  }

  private mutating func moveFrame(
    _ frame: UnsafeRawBufferPointer, _ head: FrameHead, word: UInt64,
    from old: (salt: UInt64, position: UInt64)
  ) {
    if head.kind == .integrity {
      if let group = unsafe try? IntegrityFrame(frame.bytes) { progress.note(group, at: position) }
    } else {
      progress.noteFrame(at: position, firstOffset: nextOffset)
    }
    let target = unsafe address(of: position)
    // Safety: the fresh buffer has room for all record frames; `frame` is one whole frame.
    guard let source = frame.baseAddress else { return }
    unsafe target.copyMemory(from: source, byteCount: frame.count)
    let destination = unsafe UnsafeMutableRawBufferPointer(start: target, count: frame.count)
    // The frame is one this program encoded, so the bounds hold.
    try? unsafe Frame.mendMoved(destination, word: word, from: old, to: (salt, position))
    let span = unsafe UnsafeRawBufferPointer(start: target, count: Int(head.length)).bytes
    noteMoved(span, head)
    position += UInt64(frame.count)
  }

  /// Counts a moved frame's records again.
  private mutating func noteMoved(_ span: RawSpan, _ head: FrameHead) {
    if head.columns.contains(.producer), progress.statePosition == 0 {
      progress.statePosition = position
    }
    if head.kind == .batch,
      let batch = try? BatchView(span, frameHead: head, place: nil, limits: settings.limits)
    {
      progress.noteRecords(
        batch.count, payloadByteCount: batch.head.bodyByteCount,
        appendTime: batch.head.appendTime)
      for index in 0..<batch.count {
        if let time = try? batch.record(at: index).eventTime {
          progress.statistics.note(eventTime: time)
        }
      }
      nextOffset = batch.nextOffset
    } else if head.kind == .soloRecord, let view = try? SoloRecord.view(span, head: head) {
      progress.noteRecords(
        1,
        payloadByteCount: span.byteCount - SoloRecord.headByteCount
          - SoloRecord.wordsByteCount(head.columns), appendTime: view.appendTime)
      if let time = view.eventTime { progress.statistics.note(eventTime: time) }
      nextOffset = view.offset.advanced(by: 1)
    } else if let gap = try? GapFrame(span) {
      nextOffset = gap.firstOffset.advanced(by: UInt64(gap.count))
    }
  }
}
