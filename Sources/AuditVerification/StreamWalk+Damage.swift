internal import ByteCoding
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Bytes that are no intact frame: what they were, how far they go, and what was lost with them.
extension StreamWalk {
  /// Bytes that are read at a time when the next intact frame is looked for.
  private static let windowByteCount = 4 << 20
  /// Times that a place is read again because somebody may be writing there.
  private static let retryCount = 3

  /// Goes on where a stretch ended without an intact frame behind it.
  mutating func resolve(
    _ error: FormatError, at position: UInt64, _ request: ChunkSource.Request,
    _ segments: inout [PlannedSegment]
  ) -> ChunkSource.Cut? {
    guard let current = ledger else { return nil }
    let index = current.index
    let limit = request.task.limit
    if segments[index].endPosition == nil, position >= segments[index].provenPosition {
      if current.retry.position != position { ledger?.retry = (position, 0) }
      if let count = ledger?.retry.count, count < Self.retryCount, isIntactNow(position, limit) {
        ledger?.retry.count += 1
        return ChunkSource.Cut(segment: index, position: position)
      }
      let proven = provenBehind(position, limit)
      guard proven > position else { return finish(at: position, &segments) }
      segments[index].provenPosition = proven
    }
    let next = nextIntact(after: position, limit)
    if segments[index].endPosition == nil, next == limit {
      // Behind what was proven nobody can tell a torn end from a damaged one.
      let end = max(position, min(limit, segments[index].provenPosition))
      mend(from: position, to: end, error)
      takeMended()
      return finish(at: end, &segments)
    }
    mend(from: position, to: next, error)
    takeMended()
    return next < limit
      ? ChunkSource.Cut(segment: index, position: next) : finish(at: limit, &segments)
  }

  /// Takes what stands in frames that were changed back behind a stretch.
  private mutating func takeMended() {
    guard !mendedEvents.isEmpty || !mendedMarks.isEmpty else { return }
    var nothing = ChunkAccount()
    takeItems(&nothing)
  }

  private func isIntactNow(_ position: UInt64, _ limit: UInt64) -> Bool {
    guard let ledger, let bytes = try? ledger.file.bytes(1 << 20, at: position) else {
      return false
    }
    let check = FrameCheck(
      bytes.rawSpan, start: position, salt: ledger.segment.salt, limit: limit)
    if case .intact = check.frame(at: 0) { return true }
    return false
  }

  /// How far commit frames behind a position prove that bytes had been durable.
  private func provenBehind(_ position: UInt64, _ limit: UInt64) -> UInt64 {
    let word = FrameHead.word(length: UInt32(CommitFrame.byteCount), kind: .commit)
    var proven: UInt64 = 0
    forWindows(from: position, to: limit) { bytes, start in
      let check = FrameCheck(
        bytes, start: start, salt: ledger?.segment.salt ?? 0, limit: limit)
      var place = 0
      while place + CommitFrame.byteCount <= bytes.byteCount {
        defer { place += 8 }
        guard bytes.littleEndianUnsigned64(at: place) == word,
          case .intact = check.frame(at: place),
          let frame = bytes.bytes(at: place, count: CommitFrame.byteCount),
          let commit = try? CommitFrame(frame, at: start + UInt64(place))
        else { continue }
        proven = max(proven, commit.durablePosition.rawValue)
      }
      return true
    }
    return proven
  }

  private func nextIntact(after position: UInt64, _ limit: UInt64) -> UInt64 {
    var found = limit
    var budget = 256 << 20
    forWindows(from: position, to: limit) { bytes, start in
      let check = FrameCheck(
        bytes, start: start, salt: ledger?.segment.salt ?? 0, limit: limit)
      // The first place of the first window is the damaged one.
      let before = start == position ? 0 : -8
      guard let place = check.nextIntact(after: before, budget: &budget) else { return true }
      found = start + UInt64(place)
      return false
    }
    return found
  }

  /// Calls a body with the bytes of a range, window by window; windows overlap by half, so that a frame
  /// that begins in the first half of one is whole in it or is too long to be looked for.
  private func forWindows(
    from position: UInt64, to limit: UInt64, _ body: (RawSpan, UInt64) -> Bool
  ) {
    guard let file = ledger?.file else { return }
    var buffer: [UInt8] = []
    var start = position
    while start < limit {
      let wanted = Int(min(UInt64(Self.windowByteCount), limit - start))
      guard let count = try? file.read(wanted, into: &buffer, at: start), count > 0 else { return }
      guard body(buffer.rawSpan.extracting(0..<count), start) else { return }
      if count < Self.windowByteCount { return }
      start += UInt64(Self.windowByteCount / 2)
    }
  }

  // MARK: Mending

  /// Looks for the bit that makes damaged bytes a frame again; without it they are lost.
  mutating func mend(from: UInt64, to: UInt64, _ error: FormatError) {
    guard let current = ledger, from < to else { return lose(from: from, to: to, "\(error)") }
    let count = Int(min(to - from, UInt64(FrameCheck.frameByteCountLimit)))
    var isSearched = false
    guard openDamage == nil, count < 4 << 20,
      var bytes = try? current.file.bytes(count, at: from), !bytes.rawSpan.isAllZero,
      let flip = flip(in: &bytes, at: from, current.segment.salt, &isSearched),
      let head = FrameHead(bytes.rawSpan, at: 0)
    else { return lose(from: from, to: to, "\(error)", isSearched: isSearched) }
    ledger?.isMended = true
    var task = ChunkWalk.Task()
    (task.salt, task.limits) = (current.segment.salt, limits)
    task.limit = from + UInt64(bytes.count)
    task.leavesFrom = judge?.leavesFrom
    task.wantsValues = judge?.wantsValues ?? false
    task.makesBlocks = judge != nil
    var walk = ChunkWalk(task)
    let end = min(head.alignedByteCount, bytes.count)
    let account = walk.walk(bytes.rawSpan.extracting(0..<end), start: from)
    let isRow = account.items.contains { if case .run = $0 { true } else { false } }
    let offsets = Self.offsets(of: flip, bytes, head, account, limits)
    add(
      .damagedBytes, .broken, .rot,
      at: place(position: from + UInt64(flip.byte), byteCount: 1, offsets: offsets, bit: flip.bit),
      "the bit was flipped since it was written; with it changed back the "
        + (isRow ? "record's" : "structure's") + " own checksum holds again")
    if let offsets { judge?.noteMended(offsets, finding: findings.count - 1) }
    withoutSource { $0.takeRecords(account) }
    mendedEvents += account.events
    mendedMarks += account.marks
    if let time = account.lastTime { ledger?.note(lastTime: time) }
    let rest = from + UInt64(end)
    if rest < to { lose(from: rest, to: to, "no frame stands there") }
  }

  private mutating func flip(
    in bytes: inout [UInt8], at position: UInt64, _ salt: UInt64, _ isSearched: inout Bool
  ) -> BitSearch.Flip? {
    let flip = search.searchFrame(&bytes, at: position, salt: salt)
    isSearched = search.wasExhaustive
    return flip
  }

  /// The records that a flipped bit is in.
  private static func offsets(
    of flip: BitSearch.Flip, _ bytes: [UInt8], _ head: FrameHead, _ account: ChunkAccount,
    _ limits: FormatLimits
  ) -> Range<UInt64>? {
    var runs: [Range<UInt64>] = []
    for case .run(let run) in account.items { runs.append(run.first..<run.next) }
    guard let first = runs.first, let last = runs.last else { return nil }
    let all = first.lowerBound..<last.upperBound
    guard head.kind == .batch, Int(head.length) <= bytes.count else { return all }
    let frame = bytes.rawSpan.extracting(0..<Int(head.length))
    guard let batch = try? BatchView(frame, frameHead: head, place: nil, limits: limits) else {
      return all
    }
    for index in 0..<batch.count {
      guard let record = try? batch.record(at: index) else { return all }
      if let range = frame.byteOffsets(of: record.content), range.contains(flip.byte) {
        return record.offset.rawValue..<(record.offset.rawValue + 1)
      }
    }
    return all
  }

  /// Bytes are lost; which offsets with them is told by what comes behind.
  ///
  /// - Parameter isSearched: Whether each of their bits was changed back in vain.
  mutating func lose(from: UInt64, to: UInt64, _ cause: String, isSearched: Bool = false) {
    ledger?.isDamaged = true
    if openDamage != nil {
      openDamage?.to = to
      openDamage?.isSearched = false
    } else {
      openDamage = OpenDamage(
        from: from, to: to, file: ledger?.segment.fileName ?? "", firstOffset: expected,
        cause: cause, isSearched: isSearched)
    }
  }

  /// What was lost is known now.
  mutating func closeDamage(at offset: UInt64) {
    guard let damage = openDamage else { return }
    openDamage = nil
    let first = damage.firstOffset ?? offset
    let lost = first < offset ? first..<offset : nil
    add(
      .damagedBytes,
      at: place(
        position: damage.from, byteCount: damage.to - damage.from, offsets: lost,
        file: damage.file),
      "\(damage.cause)"
        + (lost == nil ? "; no record was lost with it" : "; these records are lost")
        + (damage.isSearched ? ", and no single bit changed back makes it whole" : ""))
    if let lost {
      judge?.noteLoss(lost)
      expected = max(expected ?? 0, offset)
    }
  }
}
