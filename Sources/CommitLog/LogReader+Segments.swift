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
        do throws(ReadError) { try enter(found) } catch {
          // Another file may have taken its place meanwhile.
          guard attempts < 4, (try? source.refresh()) != nil,
            source.logStart <= nextOffset.rawValue,
            let now = source.entries.last(where: { $0.baseOffset <= nextOffset }),
            now.id > found.id, now.baseOffset == found.baseOffset
          else { throw error }
          attempts += 1
          continue
        }
        return true
      }
      // The next segment may be visible a moment before it is listed.
      if let skipped = source.entries.first(where: { $0.baseOffset > nextOffset }) {
        return try reportMissing(before: skipped)
      }
      attempts += 1
      guard attempts <= 4 else { return false }
      if attempts > 1 { sleepNanoseconds(50_000) }
      if attempts < 3 { try source.refresh() } else { try source.refreshFromFiles() }
    }
  }

  /// Offsets between two segments that no segment holds.
  private mutating func reportMissing(before next: SegmentEntry) throws(ReadError) -> Bool {
    let from = nextOffset
    let before = source.entries.last { $0.baseOffset < next.baseOffset }
    setNextOffset(next.baseOffset)
    throw .damaged(
      DamageReport(
        stream: source.streamName, segmentID: next.id, path: next.path,
        from: FilePosition(rawValue: 0), to: FilePosition(rawValue: 0), firstOffset: from,
        nextOffset: next.baseOffset, cause: .damaged(.segmentHeader, .offset),
        otherPath: before?.path))
  }

  /// Reports a segment whose file is missing or is no segment, and moves behind it.
  private mutating func reportUnreadable(_ found: SegmentEntry, _ error: ReadError)
    throws(ReadError)
  {
    guard case .fileSystem(let problem) = error, problem.meansDamage,
      let end = found.segment.lastKnown, end.nextOffset > nextOffset
    else { throw error }
    try source.refresh()
    guard source.entries.contains(where: { $0.id == found.id }),
      source.logStart <= nextOffset.rawValue
    else { throw .expired(requested: nextOffset, first: logStartOffset) }
    let first = nextOffset
    let next = max(first, min(end.nextOffset, visibleOffset))
    setNextOffset(next)
    throw .damaged(
      DamageReport(
        stream: source.streamName, segmentID: found.id, path: found.path,
        from: FilePosition(rawValue: 0), to: end.position, firstOffset: first, nextOffset: next,
        cause: .truncated(
          .segmentHeader, needed: UInt64(SegmentLayout.preambleByteCount), available: 0),
        fileProblem: problem))
  }

  private mutating func enter(_ found: SegmentEntry) throws(ReadError) {
    let opened: SegmentFile
    do throws(ReadError) { opened = try found.file() } catch {
      if found.isDropped || source.logStart > nextOffset.rawValue {
        throw .expired(requested: nextOffset, first: logStartOffset)
      }
      try reportUnreadable(found, error)
      throw error
    }
    entry = found
    file = opened
    endPosition = found.end?.endPosition.rawValue ?? .max
    indexInBatch = 0
    block = BlockVerification()
    position = UInt64(SegmentLayout.preambleByteCount)
    renewLease()
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
    let end = rows.partitionPoint(where: holds)
    return end > 0 ? rows[end - 1] : nil
  }

  /// Hops over frames that lie wholly before an offset, and over damage that the record at the offset
  /// lies behind; stops in front of damage that may have taken it.
  private mutating func stepToFrame(of offset: Offset, _ file: SegmentFile) {
    let reader = FrameReader(file.bytes, salt: file.salt, limits: source.limits)
    let limit = min(endPosition, file.byteCount)
    var place = position
    while place < limit {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: mustVerify(at: place, file))
        if let end = try Self.endOffset(of: frame, source.limits), end > offset { break }
        if frame.head.kind == .seal { break }
        place = frame.end
      } catch {
        let next = FrameSearch(reader).nextIntact(after: place, to: limit)
        guard next < limit, let first = resumption(from: next, reader, limit: limit).offset,
          first <= offset
        else { break }
        place = next
      }
    }
    position = place
  }

  private func mustVerify(at position: UInt64, _ file: SegmentFile) -> Bool {
    switch options.verification {
    case .always: true
    case .never: false
    case .once: !file.verified.contains(Int(position >> BlockVerification.byteCountShift))
    }
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
    if reader.refuses(error, at: position) { throw .open(.overLimit(path: file.path, error)) }
    try handleMissing(error, reader, file)
    let from = position
    let limit = min(endPosition, file.byteCount)
    let first = nextOffset
    let resumed = resumption(
      from: FrameSearch(reader).nextIntact(after: from, to: limit), reader, limit: limit)
    position = resumed.position
    indexInBatch = 0
    block = BlockVerification()
    var next = resumed.offset
    if next == nil {
      // Nothing intact follows: the next segment, or the visible end, is where reading goes on.
      let following = source.entries.first { $0.baseOffset > first }
      next = entry?.end?.nextOffset ?? following?.baseOffset ?? visibleOffset
      leaveSegment()
    }
    setNextOffset(max(first, min(next ?? first, visibleOffset)))
    throw .damaged(
      report(
        file, from: from, to: max(from, resumed.position), first: first,
        identityProblem(file) ?? error))
  }

  /// Reports offsets that no frame has, in front of an intact frame that is read next.
  private mutating func handleMissing(
    _ error: FormatError, _ reader: FrameReader, _ file: SegmentFile
  ) throws(ReadError) {
    guard case .damaged(_, .offset) = error,
      let offset = firstOffset(at: position, reader), offset > nextOffset
    else { return }
    let first = nextOffset
    setNextOffset(min(offset, visibleOffset))
    throw .damaged(report(file, from: position, to: position, first: first, error))
  }

  private func report(
    _ file: SegmentFile, from: UInt64, to: UInt64, first: Offset, _ cause: FormatError
  ) -> DamageReport {
    DamageReport(
      stream: source.streamName, segmentID: file.segmentID, path: file.path,
      from: FilePosition(rawValue: from), to: FilePosition(rawValue: to), firstOffset: first,
      nextOffset: nextOffset, cause: cause)
  }

  /// Says so when the whole file is another segment's.
  private func identityProblem(_ file: SegmentFile) -> FormatError? {
    guard file.newestSlot() == nil, let header = try? file.header(), header.salt != file.salt else {
      return nil
    }
    return .damaged(.segmentHeader, .identity)
  }

  /// Where reading goes on behind damage: the first intact frame, and the first offset that it or a
  /// frame behind it tells. Damaged places with no such frame between them are one.
  private func resumption(from start: UInt64, _ reader: FrameReader, limit: UInt64)
    -> (position: UInt64, offset: Offset?)
  {
    var begin = start
    var place = start
    while place < limit {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: true)
        if let offset = firstOffset(at: place, reader) { return (begin, offset) }
        place = frame.end
      } catch {
        begin = FrameSearch(reader).nextIntact(after: place, to: limit)
        place = begin
      }
    }
    return (max(begin, place), nil)
  }

  /// The offset an intact frame tells; `nil` when none does.
  private func firstOffset(at place: UInt64, _ reader: FrameReader) -> Offset? {
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
      default: return nil
      }
    } catch {
      return nil
    }
  }

  // MARK: Time

  /// The offset of the first visible record appended at or after a time.
  func offset(atOrAfter time: Timestamp) throws(ReadError) -> Offset {
    // The list may be as old as the first reader of this stream.
    try source.refreshFromFiles()
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

  /// The file of a segment; `nil` when it is lost, which reading reports.
  private func searchableFile(_ entry: SegmentEntry) throws(ReadError) -> SegmentFile? {
    do throws(ReadError) { return try entry.file() } catch {
      guard case .fileSystem(let problem) = error, problem.meansDamage, entry.end != nil else {
        throw error
      }
      return nil
    }
  }

  private func offset(atOrAfter time: Timestamp, in entry: SegmentEntry, visible: UInt64)
    throws(ReadError) -> Offset?
  {
    guard let file = try searchableFile(entry) else { return nil }
    let end = min(entry.end?.endPosition.rawValue ?? .max, file.byteCount)
    let rows = try entry.rows(visible: visible)
    var place =
      Self.last(of: rows, where: { $0.appendTime < time })?.position
      ?? UInt64(SegmentLayout.preambleByteCount)
    let reader = FrameReader(file.bytes, salt: file.salt, limits: source.limits)
    while place < end {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: mustVerify(at: place, file))
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
        // Nothing written yet, or damage, behind which the search goes on.
        guard error != .damaged(.frame, .empty) || entry.end != nil else { return nil }
        place = FrameSearch(reader).nextIntact(after: place, to: end)
      }
    }
    return nil
  }
}
