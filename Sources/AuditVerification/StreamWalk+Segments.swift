internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The beginning and the end of each segment, and what stands in it beside the records.
extension StreamWalk {
  /// Looks at the preamble of a segment; false when nothing of it can be walked.
  mutating func enter(_ request: ChunkSource.Request, _ segment: PlannedSegment) -> Bool {
    ledger = nil
    coverage.segmentCount += 1
    let next = segment.mapped?.end?.nextOffset.rawValue
    guard let file = request.file, request.failure == nil else {
      guard let failure = request.failure, failure.isAboutTheFile else {
        self.failure = request.failure
        return false
      }
      let isMissing = failure.reason == .notFound
      miss(
        segment, next, isMissing ? .missingFile : .foreignFile,
        isMissing
          ? "the manifest names the file, and it is not there"
          : "the file cannot be read: \(failure.reason.explanation)")
      return false
    }
    let preamble: SegmentPreamble
    do throws(FileSystemError) {
      preamble = try SegmentPreamble(file, salt: segment.salt, &search)
    } catch {
      failure = error
      return false
    }
    guard isOurs(segment, file, preamble, next) else { return false }
    ledger = SegmentLedger(index: request.cut.segment, segment, file, preamble)
    // Without a header it is not known when the segment began.
    if segment.mapped == nil, preamble.headers.isEmpty { ledger?.isDamaged = true }
    report(preamble, file, segment)
    join(segment)
    return true
  }

  private mutating func isOurs(
    _ segment: PlannedSegment, _ file: AuditedFile, _ preamble: SegmentPreamble, _ next: UInt64?
  ) -> Bool {
    if let newer = preamble.newer {
      add(
        .newer, at: place(position: newer.position, file: segment.fileName),
        "the segment cannot be read: \(newer.cause)")
      return false
    }
    let isHeld = preamble.headers.contains {
      $0.streamID == stream.id && $0.segmentID == segment.segmentID && $0.salt == segment.salt
    }
    if isHeld || !preamble.slots.isEmpty || hasFrame(file, segment) { return true }
    if let header = preamble.headers.first, segment.mapped?.end != nil || !isStale(header) {
      miss(
        segment, next, .foreignFile,
        "the file is of store \(header.storeID), stream \(header.streamID), segment "
          + "\(header.segmentID), written with another salt")
      return false
    }
    guard
      segment.mapped?.end == nil
        || segment.mapped?.end?.endPosition.rawValue
          == UInt64(SegmentLayout.preambleByteCount)
    else {
      miss(
        segment, next, .foreignFile,
        "the file has \(file.byteCount) bytes, and nothing in it is of this segment")
      return false
    }
    // Activated, and nothing of it written yet.
    if segment.mapped?.durable != nil {
      miss(
        segment, segment.mapped?.durable?.nextOffset.rawValue, .foreignFile,
        "nothing in the file is of this segment, and the manifest knows that there was")
    }
    return false
  }

  /// Whether a header is what is left of a file's former life in the same stream.
  private func isStale(_ header: SegmentHeader) -> Bool {
    !stream.segments.contains { $0.id == header.segmentID && $0.salt == header.salt }
  }

  private func hasFrame(_ file: AuditedFile, _ segment: PlannedSegment) -> Bool {
    let start = UInt64(SegmentLayout.preambleByteCount)
    guard let bytes = try? file.bytes(1 << 20, at: start) else { return false }
    let check = FrameCheck(
      bytes.rawSpan, start: start, salt: segment.salt, limit: file.byteCount)
    var budget = 16 << 20
    if case .intact = check.frame(at: 0) { return true }
    return check.nextIntact(after: 0, budget: &budget) != nil
  }

  /// All records of a segment are gone.
  private mutating func miss(
    _ segment: PlannedSegment, _ next: UInt64?, _ rule: Finding.Rule, _ what: String
  ) {
    let first = max(expected ?? segment.baseOffset, segment.baseOffset)
    let lost = next.flatMap { first < $0 ? first..<$0 : nil }
    if openDamage != nil { closeDamage(at: segment.baseOffset) }
    add(rule, at: place(offsets: lost, file: segment.fileName), what)
    if let lost {
      judge?.noteLoss(lost)
      expected = lost.upperBound
    } else if next == nil {
      expected = nil
    }
  }

  private mutating func report(
    _ preamble: SegmentPreamble, _ file: AuditedFile, _ segment: PlannedSegment
  ) {
    let isSynced =
      segment.endPosition != nil || segment.mapped?.durable != nil || preamble.isSynced
    for damage in preamble.toldDamage {
      // Both copies are written before anything is synced: one alone is what a crash leaves, and what is
      // seen while they are written.
      if damage.isEmpty, !isSynced { continue }
      let place = place(
        position: damage.position + UInt64(damage.flip?.byte ?? 0),
        byteCount: damage.flip == nil ? UInt64(damage.byteCount) : 1, bit: damage.flip?.bit)
      let name = damage.isHeader ? "copy of the header" : "recovery slot"
      if damage.flip != nil {
        add(
          .damagedBytes, .broken, .rot, at: place,
          "the bit was flipped since it was written; with it changed back this \(name) holds")
      } else if !damage.isHeader {
        add(.damagedBytes, .warning, .unknown, at: place, damage.slotText)
      } else {
        add(
          .damagedBytes, isSynced ? .broken : .warning, .unknown, at: place,
          "this \(name) does not hold: \(damage.cause)"
            + (isSynced
              ? "" : "; nothing of the segment was synced, so a crash can have left it so"))
      }
    }
    for (position, header) in preamble.placedHeaders
    where header.streamID != stream.id || header.segmentID != segment.segmentID
      || header.salt != segment.salt || header.baseOffset.rawValue != segment.baseOffset
      || header.previousSegmentID != segment.previousSegmentID
    {
      // A file that is used again shows its former life until the header is written.
      if !isSynced, isStale(header) { continue }
      add(
        .contradiction,
        at: place(position: position, byteCount: UInt64(SegmentHeader.byteCount)),
        "a copy of the header is not what the manifest says of the segment")
    }
    for position in preamble.strayPositions {
      add(
        .unexpectedBytes, .warning, at: place(position: position),
        "bytes behind a recovery slot are not zero")
    }
    if segment.capacity != 0, file.byteCount < segment.capacity, segment.mapped?.end == nil {
      add(
        .contradiction, at: place(position: file.byteCount),
        "the file has \(file.byteCount) bytes, and the manifest gave it \(segment.capacity)")
    }
  }

  /// A segment begins where the one before it ended.
  private mutating func join(_ segment: PlannedSegment) {
    if openDamage != nil { closeDamage(at: segment.baseOffset) }
    guard let expected else {
      self.expected = segment.baseOffset
      return
    }
    if expected < segment.baseOffset {
      let lost = expected..<segment.baseOffset
      add(
        .missingRecords, at: place(offsets: lost),
        "the segment begins at offset \(segment.baseOffset), and the one before it ends at "
          + "\(expected)")
      judge?.noteLoss(lost)
      self.expected = segment.baseOffset
    } else if expected > segment.baseOffset {
      add(
        .contradiction, at: place(position: 0),
        "the segment begins at offset \(segment.baseOffset), and the one before it ends at "
          + "\(expected)")
      self.expected = segment.baseOffset
    }
  }

  // MARK: End

  /// Ends a segment and goes on with the next.
  mutating func finish(at position: UInt64, _ segments: inout [PlannedSegment])
    -> ChunkSource.Cut?
  {
    guard let current = ledger else { return nil }
    let segment = current.segment
    let ownEnd = current.preamble.ownEnd
    let known =
      segment.mapped?.end.map { ($0.endPosition.rawValue, $0.nextOffset.rawValue) }
      ?? ownEnd.map { ($0.durablePosition.rawValue, $0.nextOffset.rawValue) }
    if let known {
      if position < known.0 {
        lose(from: position, to: known.0, "the file's frames end there")
      }
      if openDamage != nil { closeDamage(at: known.1) }
      if let expected, expected != known.1 {
        add(
          .contradiction, at: place(position: position),
          "the segment's frames end at offset \(expected), and it was to end at \(known.1)")
      }
    } else if openDamage != nil {
      let proven = [
        current.preamble.newestSlot?.nextOffset.rawValue,
        segment.mapped?.durable?.nextOffset.rawValue,
      ].compactMap { $0 }.max()
      closeDamage(at: max(expected ?? 0, proven ?? 0))
    }
    compareSeal()
    compareSlots(end: position)
    coverage.nextOffset = max(coverage.nextOffset, expected ?? 0)
    if current.seal != nil, segment.mapped?.end == nil, current.index == segments.count - 1,
      let next = successor(segment.segmentID), next.baseOffset == expected
    {
      segments.append(next)
    }
    let next = current.index + 1
    ledger = nil
    return next < segments.count ? .beginning(of: next) : nil
  }

  // MARK: Index

  /// Compares index rows with the frames.
  mutating func compare(_ frame: IndexFrame, at position: UInt64) {
    guard let current = ledger else { return }
    if !current.isDamaged, frame.previousPosition.rawValue != current.lastIndexPosition {
      add(
        .wrongIndex, at: place(position: position),
        "the index rows name \(frame.previousPosition) as those before them, which stand at "
          + "\(current.lastIndexPosition)")
    }
    ledger?.lastIndexPosition = position
    compare(frame.rows, at: position, end: position)
  }

  private mutating func compare(_ rows: [IndexRow], at position: UInt64, end: UInt64) {
    guard let current = ledger else { return }
    var cursor = current.rows[...]
    if let first = rows.first {
      let skipped = cursor.partitionPoint { $0.positionInWords < first.positionInWords }
      cursor = cursor[skipped...]
    }
    for row in rows {
      if let same = cursor.first, same == row {
        cursor = cursor.dropFirst()
        continue
      }
      if current.isDamaged || current.isMended { continue }
      guard let found = SegmentLookup.at(row.position, current, limit: end, limits) else {
        continue
      }
      let relative = found.offset &- current.segment.baseOffset
      // With reservations that were given up the writer had counted their times.
      let isTime =
        found.timeBefore == row.appendTime.rawValue
        || current.gapCount > 0 && row.appendTime.rawValue >= found.timeBefore ?? .min
      if !found.isBoundary || relative != UInt64(row.relativeOffset) || !isTime {
        add(
          .wrongIndex, at: place(position: position),
          "a row says that offset \(current.segment.baseOffset + UInt64(row.relativeOffset)) comes "
            + "at position \(row.position), and offset \(found.offset) does")
        return
      }
      let skipped = cursor.partitionPoint { $0.positionInWords <= row.positionInWords }
      cursor = cursor[skipped...]
    }
  }

  /// Compares the seal block with the frames.
  private mutating func compareSeal() {
    guard let current = ledger else { return }
    let segment = current.segment
    guard let seal = current.seal else {
      if segment.mapped?.end?.reason == .sealed, !current.isDamaged {
        add(
          .contradiction, at: place(position: segment.endPosition),
          "the manifest says that the segment is sealed, and it has no seal block")
      }
      return
    }
    let block = seal.block
    guard !current.isDamaged else { return }
    let isExact = current.gapCount == 0
    let counted = current.statistics.recordCount
    let stated = block.statistics.recordCount
    let differences: [(String, Bool)] = [
      ("base offset", block.baseOffset.rawValue != segment.baseOffset),
      ("segment before it", block.previousSegmentID != segment.previousSegmentID),
      (
        "last append time",
        isExact
          ? block.lastAppendTime.rawValue != current.lastTime
          : block.lastAppendTime.rawValue < current.lastTime
      ),
      ("record count", stated < counted || stated - counted > current.gapCount),
      ("statistics", isExact && block.statistics != current.statistics),
      ("last group", block.integrityPosition.rawValue != current.lastIntegrityPosition),
    ]
    if let difference = differences.first(where: { $0.1 }) {
      add(
        .wrongIndex, at: place(position: seal.position, byteCount: UInt64(seal.byteCount)),
        "the \(difference.0) in the seal block is not what the frames say")
    }
    compare(block.rows, at: seal.position, end: seal.position)
    if isExact, block.rows.count < current.rows.count {
      add(
        .wrongIndex, at: place(position: seal.position, byteCount: UInt64(seal.byteCount)),
        "the index in the seal block has \(block.rows.count) rows, the frames make "
          + "\(current.rows.count)")
    }
  }

  /// Compares what recovery slots say with the frames.
  private mutating func compareSlots(end: UInt64) {
    guard let current = ledger, !current.isDamaged, !current.isMended else { return }
    for (position, slot) in current.preamble.slots where slot.durablePosition.rawValue <= end {
      guard
        let found = SegmentLookup.at(slot.durablePosition.rawValue, current, limit: end, limits),
        found.offset != slot.nextOffset.rawValue
      else { continue }
      add(
        .contradiction, at: place(position: position),
        "the recovery slot says that offset \(slot.nextOffset) comes at position "
          + "\(slot.durablePosition), and offset \(found.offset) does")
    }
  }
}
