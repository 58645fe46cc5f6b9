internal import ByteCoding
internal import LogFormat
internal import Quantities

/// Walks the frames of a segment and rebuilds the writer's account of it: what recovery, verification
/// and first reads of segments without a seal block have in common.
struct SegmentScan {
  /// Everything before this position was proven durable: damage there is rot.
  var provenPosition: UInt64
  /// How far the records are known to go: by a slot, or by the manifest.
  private var knownEnd: KnownEnd?
  /// Where the walk stands.
  var position: UInt64
  /// Offset of the next record; `nil` until the first frame tells.
  var nextOffset: Offset?
  var progress: SegmentProgress
  var producers: ProducerTable
  var commitSequence: UInt64 = 0
  var isSealed = false
  /// Offsets of reservations that were given up.
  private(set) var gapCount: UInt64 = 0
  /// Statistics count frames from here on.
  var countingFrom: UInt64
  var damaged: [Damage] = []
  /// Bytes of a last group that can be torn or rotten, nobody can tell.
  var undecidable: Range<UInt64>?
  /// The next offset that the last intact commit frame in there names.
  var undecidableOffset: Offset?
  /// Why the walk ended, where it was not at the end of the bytes or a seal.
  var problem: FormatError?
  private var openDamage: Damage?
  private var searchBudget = FrameSearch.HashBudget()

  /// A place that is not intact although it was durable.
  struct Damage: Equatable {
    var from: UInt64
    var to: UInt64
    var firstOffset: Offset
    var nextOffset: Offset
    var cause: FormatError
  }

  /// A position that bytes were durable before, and what came there.
  private struct KnownEnd {
    var position: UInt64
    var nextOffset: Offset
    var lastAppendTime: Timestamp
  }

  /// A walk from the first frame.
  init(baseOffset: Offset, baseAppendTime: Timestamp, provenPosition: UInt64, producerLimit: Int) {
    self.provenPosition = provenPosition
    position = UInt64(SegmentLayout.preambleByteCount)
    countingFrom = position
    nextOffset = baseOffset
    progress = SegmentProgress(baseOffset: baseOffset, baseAppendTime: baseAppendTime)
    producers = ProducerTable(limit: producerLimit)
  }

  /// A walk from what a recovery slot proves; the last index rows and producers are read again.
  ///
  /// - Returns: `nil` when the index or state the slot names is not intact; walk from the front then.
  init?(slot: RecoverySlot, baseOffset: Offset, baseAppendTime: Timestamp, reader: FrameReader) {
    self.init(
      baseOffset: baseOffset, baseAppendTime: baseAppendTime,
      provenPosition: slot.durablePosition.rawValue,
      producerLimit: reader.limits.producerCountLimit)
    guard let rows = Self.rows(lastFrame: slot.indexPosition.rawValue, reader) else { return nil }
    progress.adopt(rows: rows, indexFramePosition: slot.indexPosition.rawValue)
    progress.statistics = slot.statistics
    progress.statePosition = slot.statePosition.rawValue
    progress.integrityPosition = slot.integrityPosition.rawValue
    countingFrom = slot.durablePosition.rawValue
    commitSequence = slot.commitSequence
    if let last = rows.last {
      position = last.position
      nextOffset = baseOffset.advanced(by: UInt64(last.relativeOffset))
      progress.lastAppendTime = last.appendTime
    }
    let state = slot.statePosition.rawValue
    if state != 0, state < position {
      position = state
      nextOffset = nil
    }
    guard position <= slot.durablePosition.rawValue else { return nil }
    note(slot)
    // The walk takes its first offset from the frame it starts at.
    guard nextOffset != nil || Self.isIntact(position, reader) else { return nil }
  }

  /// Takes what a slot says about the end.
  mutating func note(_ slot: RecoverySlot) {
    note(
      KnownEnd(
        position: slot.durablePosition.rawValue, nextOffset: slot.nextOffset,
        lastAppendTime: slot.appendTime))
  }

  /// Takes what the manifest says is durable: it counts when the file itself tells less.
  mutating func note(_ prefix: ManifestEdit.DurablePrefix) {
    provenPosition = max(provenPosition, prefix.position.rawValue)
    note(
      KnownEnd(
        position: prefix.position.rawValue, nextOffset: prefix.nextOffset,
        lastAppendTime: prefix.lastAppendTime))
  }

  private mutating func note(_ end: KnownEnd) {
    guard knownEnd.map({ $0.position < end.position }) ?? true else { return }
    knownEnd = end
  }

  private static func isIntact(_ position: UInt64, _ reader: FrameReader) -> Bool {
    do throws(FormatError) {
      _ = try reader.frame(at: position, verifying: true)
      return true
    } catch {
      return false
    }
  }

  /// The rows of all index frames up to one, oldest first; `nil` when a link is not intact.
  private static func rows(lastFrame: UInt64, _ reader: FrameReader) -> [IndexRow]? {
    var frames: [IndexFrame] = []
    var position = lastFrame
    while position != 0 {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        guard frame.head.kind == .indexRows else { return nil }
        let index = try IndexFrame(frame.bytes, at: position)
        // Back links descend, so this ends.
        position = index.previousPosition.rawValue
        frames.append(index)
      } catch {
        return nil
      }
    }
    var rows: [IndexRow] = []
    for frame in frames.reversed() {
      if let last = rows.last, let first = frame.rows.first,
        last.positionInWords >= first.positionInWords
      {
        return nil
      }
      rows += frame.rows
    }
    return rows
  }

  /// Walks to `limit`, a seal block, or the first place that cannot be stepped over.
  ///
  /// - Parameters:
  ///   - end: The walk also stops in front of the frame of this offset.
  ///   - verifying: Whether checksums are compared.
  mutating func walk(
    _ reader: FrameReader, to limit: UInt64, before end: Offset = .maximum, verifying: Bool = true
  ) {
    while position < limit, !isSealed {
      if let next = nextOffset, next >= end { return }
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: verifying)
        guard frame.end <= limit || frame.head.kind == .seal else {
          throw .truncated(.frame, needed: frame.end, available: limit)
        }
        try note(frame, reader.limits)
        position = frame.end
      } catch {
        guard stepOver(error, reader, to: limit) else { return }
      }
    }
  }

  /// Takes one intact frame into the account.
  private mutating func note(_ frame: borrowing Frame, _ limits: FormatLimits)
    throws(FormatError)
  {
    switch frame.head.kind {
    case .soloRecord: try noteSolo(frame)
    case .batch: try noteBatch(frame, limits)
    case .gap:
      let gap = try GapFrame(frame.bytes)
      try expect(gap.firstOffset, at: frame.position)
      // A reservation that was given up: when it was made it had its row like a record.
      progress.noteFrame(at: frame.position, firstOffset: gap.firstOffset)
      gapCount += UInt64(gap.count)
      nextOffset = gap.firstOffset.advanced(by: UInt64(gap.count))
    case .commit:
      let commit = try CommitFrame(frame.bytes, at: frame.position)
      try expect(commit.nextOffset, at: frame.position)
      nextOffset = commit.nextOffset
      commitSequence = commit.sequence
    case .indexRows:
      let index = try IndexFrame(frame.bytes, at: frame.position)
      if frame.position > progress.indexFramePosition {
        progress.flushedRowCount = progress.rows.count
        progress.indexFramePosition = frame.position
        _ = index
      }
    case .state:
      let state = try StateFrame(frame.bytes, at: frame.position, limits: limits)
      try expect(state.nextOffset, at: frame.position)
      nextOffset = state.nextOffset
      producers = ProducerTable(limit: limits.producerCountLimit, entries: state.producers)
      progress.statePosition = frame.position
    case .control: _ = try ControlFrame(frame.bytes)
    case .seal:
      let seal = try SealBlock(frame.bytes, at: frame.position, limits: limits)
      try expect(seal.nextOffset, at: frame.position)
      nextOffset = seal.nextOffset
      isSealed = true
    case .integrity:
      let group = try IntegrityFrame(frame.bytes)
      try expect(group: group)
      progress.note(group, at: frame.position)
    case .padding, nil: break
    }
  }

  private mutating func noteSolo(_ frame: borrowing Frame) throws(FormatError) {
    let view = try SoloRecord.view(frame.bytes, head: frame.head)
    try expect(view.offset, at: frame.position)
    let stamp = try SoloRecord.producer(frame.bytes, head: frame.head)
    noteRecords(
      frame, count: 1,
      payload: Int(frame.head.length) - SoloRecord.headByteCount
        - SoloRecord.wordsByteCount(frame.head.columns), time: view.appendTime, stamp: stamp,
      firstOffset: view.offset)
    if frame.position >= countingFrom, let time = view.eventTime {
      progress.statistics.note(eventTime: time)
    }
    nextOffset = view.offset.advanced(by: 1)
  }

  private mutating func noteBatch(_ frame: borrowing Frame, _ limits: FormatLimits)
    throws(FormatError)
  {
    let batch = try BatchView(frame.bytes, frameHead: frame.head, place: nil, limits: limits)
    try expect(batch.baseOffset, at: frame.position)
    noteRecords(
      frame, count: batch.count, payload: batch.head.bodyByteCount, time: batch.head.appendTime,
      stamp: try batch.producer, firstOffset: batch.baseOffset)
    if frame.position >= countingFrom,
      !batch.columns.isDisjoint(with: [.eventTime, .eventTimeDelta])
    {
      for index in 0..<batch.count {
        if let time = try batch.record(at: index).eventTime {
          progress.statistics.note(eventTime: time)
        }
      }
    }
    nextOffset = batch.nextOffset
  }

  private mutating func noteRecords(
    _ frame: borrowing Frame, count: Int, payload: Int, time: Timestamp, stamp: ProducerStamp?,
    firstOffset: Offset
  ) {
    progress.noteFrame(at: frame.position, firstOffset: firstOffset)
    if frame.position >= countingFrom {
      progress.noteRecords(count, payloadByteCount: payload, appendTime: time)
    } else {
      progress.lastAppendTime = max(progress.lastAppendTime, time)
    }
    if let stamp {
      producers.note(stamp, count: count, at: firstOffset, time: time)
      if progress.statePosition == 0 { progress.statePosition = frame.position }
    }
  }

  /// What a frame says of the offsets must continue them; behind damage they may jump ahead.
  private mutating func expect(_ offset: Offset, at position: UInt64) throws(FormatError) {
    guard offset >= progress.baseOffset else { throw .damaged(.frame, .offset) }
    if let next = nextOffset {
      let isContinuation = openDamage == nil ? offset == next : offset >= next
      guard isContinuation else { throw .damaged(.frame, .offset) }
    }
    closeDamage(at: offset)
  }

  /// A group ends at or before the next offset, which damage may have hidden.
  private mutating func expect(group: IntegrityFrame) throws(FormatError) {
    guard let next = nextOffset, group.nextOffset > next else { return }
    guard openDamage != nil else { throw .damaged(.integrityFrame, .offset) }
    nextOffset = group.nextOffset
  }

  private mutating func closeDamage(at offset: Offset) {
    guard var damage = openDamage else { return }
    damage.nextOffset = max(offset, damage.firstOffset)
    damaged.append(damage)
    openDamage = nil
  }

  /// Decides what a place that is not intact means; false when the walk ends there.
  private mutating func stepOver(_ error: FormatError, _ reader: FrameReader, to limit: UInt64)
    -> Bool
  {
    let search = FrameSearch(reader)
    if reader.refuses(error, at: position) {
      problem = error
      return false
    }
    if position >= provenPosition,
      let proven = search.conviction(of: position, to: limit)
    {
      // One conviction covers everything before what it proves; no later place searches again.
      provenPosition = proven
    }
    guard position < provenPosition else {
      problem = error
      if let commit = lastCommit(search, from: position, to: limit) {
        undecidable = position..<(commit.at + UInt64(CommitFrame.byteCount))
        undecidableOffset = commit.frame.nextOffset
      }
      return false
    }
    let next = search.nextIntact(after: position, to: limit, budget: &searchBudget)
    // Where nothing intact follows, what was proven tells how far the records went.
    let to = next < limit ? next : max(position, min(provenPosition, limit))
    if openDamage == nil {
      let first = nextOffset ?? progress.baseOffset
      openDamage = Damage(
        from: position, to: to, firstOffset: first, nextOffset: first, cause: error)
    } else {
      openDamage?.to = to
    }
    position = to
    if next >= limit {
      problem = error
      closeAtKnownEnd()
      return false
    }
    return true
  }

  /// Ends the walk: a damaged range with nothing behind it that tells an offset is closed.
  mutating func finish() {
    if openDamage != nil { closeAtKnownEnd() }
  }

  /// Ends a damaged range that reaches to the end of what was proven.
  private mutating func closeAtKnownEnd() {
    var next = nextOffset ?? progress.baseOffset
    if let knownEnd, knownEnd.position >= position {
      next = max(next, knownEnd.nextOffset)
      // Later records must not be older than those that were lost.
      progress.lastAppendTime = max(progress.lastAppendTime, knownEnd.lastAppendTime)
    }
    closeDamage(at: next)
    nextOffset = next
  }

  /// Adds the damaged range of a file that lost its end: everything up to where records are known to
  /// have been durable.
  mutating func noteLostEnd(byteCount: UInt64) {
    guard let knownEnd, knownEnd.position > byteCount else { return }
    let end = knownEnd.position
    let first = nextOffset ?? progress.baseOffset
    let next = max(first, knownEnd.nextOffset)
    let cause = FormatError.truncated(.frame, needed: end, available: byteCount)
    if let last = damaged.last, last.to >= position, last.nextOffset == first {
      damaged[damaged.count - 1].to = end
      damaged[damaged.count - 1].nextOffset = next
    } else {
      damaged.append(
        Damage(from: position, to: end, firstOffset: first, nextOffset: next, cause: cause))
    }
    nextOffset = next
  }

  private func lastCommit(_ search: borrowing FrameSearch, from: UInt64, to limit: UInt64)
    -> (frame: CommitFrame, at: UInt64)?
  {
    var place = from
    var last: (frame: CommitFrame, at: UInt64)?
    while let found = search.commitFrame(from: place, to: limit) {
      last = found
      place = found.at + 8
    }
    return last
  }
}
