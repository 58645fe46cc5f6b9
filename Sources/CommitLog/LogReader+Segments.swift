internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension LogReader {
  /// Finds the segment and frame of the next record; false when they cannot be found yet.
  mutating func enterSegment() throws(ReadError) -> Bool {
    if entry != nil { return true }
    let first = logStartOffset
    guard nextOffset >= first else { throw .expired(requested: nextOffset, first: first) }
    var attempts = 0
    while true {
      if let found = source.entries.last(where: { $0.baseOffset <= nextOffset }),
        found.end.map({ nextOffset < $0.nextOffset }) ?? true
      {
        try enter(found)
        return true
      }
      // The next segment may be visible a moment before it is listed.
      if let skipped = source.entries.first(where: { $0.baseOffset > nextOffset }) {
        return try reportMissing(before: skipped)
      }
      attempts += 1
      guard attempts <= 3 else { return false }
      if attempts > 1 { sleepNanoseconds(50_000) }
      try source.refresh()
    }
  }

  /// Offsets between two segments that no segment holds.
  private mutating func reportMissing(before next: SegmentEntry) throws(ReadError) -> Bool {
    let from = nextOffset
    setNextOffset(next.baseOffset)
    throw .damaged(
      DamageReport(
        stream: source.streamName, segmentID: next.id, path: next.path,
        from: FilePosition(rawValue: 0), to: FilePosition(rawValue: 0), firstOffset: from,
        nextOffset: next.baseOffset, cause: .damaged(.segmentHeader, .offset)))
  }

  private mutating func enter(_ found: SegmentEntry) throws(ReadError) {
    let opened: SegmentFile
    do throws(ReadError) { opened = try found.file() } catch {
      if found.isDropped || source.logStart > nextOffset.rawValue {
        throw .expired(requested: nextOffset, first: logStartOffset)
      }
      throw error
    }
    entry = found
    file = opened
    endPosition = found.end?.endPosition.rawValue ?? .max
    indexInBatch = 0
    block = BlockVerification()
    position = UInt64(SegmentLayout.preambleByteCount)
    if let lease { source.readers?.advance(lease, to: nextOffset.rawValue) }
    guard nextOffset > found.baseOffset else { return }
    let relative = nextOffset.rawValue - found.baseOffset.rawValue
    let rows = try found.rows(visible: source.visible)
    if let row = Self.last(of: rows, where: { UInt64($0.relativeOffset) <= relative }) {
      position = row.position
    }
    stepToFrame(of: nextOffset, opened)
    if options.verification == .once { verifyBlock(opened, rows) }
  }

  /// Verifies the whole block a random read enters, once, so that later reads of it need not.
  private func verifyBlock(_ file: SegmentFile, _ rows: [IndexRow]) {
    let block = Int(position >> BlockVerification.byteCountShift)
    let start = UInt64(block) << BlockVerification.byteCountShift
    let end = start + (1 << BlockVerification.byteCountShift)
    guard !file.verified.contains(block) else { return }
    var place =
      Self.last(of: rows, where: { $0.position <= start })?.position
      ?? UInt64(SegmentLayout.preambleByteCount)
    let visible = source.visible
    let reader = FrameReader(file.bytes, salt: file.salt, limits: source.limits)
    while place < end {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: place >= start)
        // The block is only done when records behind it are visible.
        if let next = try Self.endOffset(of: frame, source.limits), next.rawValue >= visible {
          return
        }
        if frame.head.kind == .seal { break }
        place = frame.end
      } catch {
        // Reading the frame itself reports what is wrong with it.
        return
      }
    }
    file.verified.insert(block)
  }

  /// The last row that satisfies a condition true for a prefix of the rows.
  static func last(of rows: [IndexRow], where holds: (IndexRow) -> Bool) -> IndexRow? {
    var low = 0
    var high = rows.count
    while low < high {
      let middle = (low + high) / 2
      if holds(rows[middle]) { low = middle + 1 } else { high = middle }
    }
    return low > 0 ? rows[low - 1] : nil
  }

  /// Hops over frames that lie wholly before an offset; stops early at anything odd.
  private mutating func stepToFrame(of offset: Offset, _ file: SegmentFile) {
    let reader = FrameReader(file.bytes, salt: file.salt, limits: source.limits)
    var place = position
    while place < endPosition {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: false)
        if let end = try Self.endOffset(of: frame, source.limits), end > offset { break }
        if frame.head.kind == .seal { break }
        place = frame.end
      } catch {
        break
      }
    }
    position = place
  }

  /// The offset behind the records of a frame; `nil` for frames without records.
  static func endOffset(of frame: borrowing Frame, _ limits: FormatLimits) throws(FormatError)
    -> Offset?
  {
    switch frame.head.kind {
    case .soloRecord:
      guard let offset = frame.bytes.littleEndianUnsigned64(at: 16) else { return nil }
      return Offset(rawValue: offset &+ 1)
    case .batch:
      let head = try BatchHead(frame.bytes, place: nil)
      return head.baseOffset.advanced(by: UInt64(head.lastOffsetDelta) + 1)
    case .gap:
      let gap = try GapFrame(frame.bytes)
      return gap.firstOffset.advanced(by: UInt64(gap.count))
    default: return nil
    }
  }

  // MARK: Damage

  /// Reports a place that is not intact and moves behind it.
  mutating func handle(_ error: FormatError, _ reader: FrameReader, _ file: SegmentFile)
    throws(ReadError)
  {
    if file.wasTruncated { throw .truncated(path: file.path) }
    if case .newer = error { throw .newer(path: file.path, error) }
    // A failed sync ends a segment before bytes that were written to it: they are not damage.
    try source.refresh()
    if let end = entry?.end?.endPosition.rawValue, position >= end {
      leaveSegment()
      return
    }
    let from = position
    let limit = min(endPosition, file.byteCount)
    let next = FrameSearch(reader).nextIntact(after: from, to: limit)
    let first = nextOffset
    position = next
    indexInBatch = 0
    block = BlockVerification()
    var resumed = firstOffset(from: next, reader, limit: limit)
    if resumed == nil {
      // Nothing intact follows: the next segment, or the visible end, is where reading goes on.
      let following = source.entries.first { $0.baseOffset > first }
      resumed = following?.baseOffset ?? visibleOffset
      leaveSegment()
    }
    setNextOffset(max(first, resumed ?? first))
    throw .damaged(
      DamageReport(
        stream: source.streamName, segmentID: file.segmentID, path: file.path,
        from: FilePosition(rawValue: from), to: FilePosition(rawValue: next),
        firstOffset: first, nextOffset: max(first, resumed ?? first), cause: error))
  }

  /// The offset that reading goes on with from an intact frame.
  private func firstOffset(from start: UInt64, _ reader: FrameReader, limit: UInt64)
    -> Offset?
  {
    var place = start
    while place < limit {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: true)
        switch frame.head.kind {
        case .soloRecord: return try SoloRecord.view(frame.bytes, head: frame.head).offset
        case .batch: return try BatchHead(frame.bytes, place: nil).baseOffset
        case .gap: return try GapFrame(frame.bytes).firstOffset
        case .commit: return try CommitFrame(frame.bytes, at: place).nextOffset
        case .state:
          return try StateFrame(frame.bytes, at: place, limits: source.limits).nextOffset
        case .seal:
          return try SealBlock(frame.bytes, at: place, limits: source.limits).nextOffset
        default: place = frame.end
        }
      } catch {
        return nil
      }
    }
    return nil
  }

  // MARK: Time

  /// The offset of the first visible record appended at or after a time.
  func offset(atOrAfter time: Timestamp) throws(ReadError) -> Offset {
    let entries = source.entries
    let visible = source.visible
    var start = entries.lastIndex { $0.baseAppendTime < time } ?? 0
    while start < entries.count {
      let entry = entries[start]
      if let offset = try offset(atOrAfter: time, in: entry, visible: visible) { return offset }
      start += 1
    }
    return Offset(rawValue: visible)
  }

  private func offset(atOrAfter time: Timestamp, in entry: SegmentEntry, visible: UInt64)
    throws(ReadError) -> Offset?
  {
    let file = try entry.file()
    let end = min(entry.end?.endPosition.rawValue ?? .max, file.byteCount)
    let rows = try entry.rows(visible: visible)
    var place =
      Self.last(of: rows, where: { $0.appendTime < time })?.position
      ?? UInt64(SegmentLayout.preambleByteCount)
    let reader = FrameReader(file.bytes, salt: file.salt, limits: source.limits)
    while place < end {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: false)
        if frame.head.kind == .soloRecord || frame.head.kind == .batch,
          let offset = frame.bytes.littleEndianUnsigned64(at: 16),
          let appended = frame.bytes.littleEndianSigned64(at: 24)
        {
          if offset >= visible { return nil }
          if appended >= time.rawValue { return max(Offset(rawValue: offset), logStartOffset) }
        }
        if frame.head.kind == .seal { return nil }
        place = frame.end
      } catch {
        return nil
      }
    }
    return nil
  }
}
