internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// Walks a stretch of a segment: compares checksums, decodes, and makes leaves.
struct ChunkWalk: ~Copyable {
  /// What is to be made of the frames.
  struct Task: Sendable {
    var salt: UInt64 = 0
    /// Frames end at or before it.
    var limit: UInt64 = 0
    /// Damage before it is stepped over.
    var provenPosition: UInt64 = 0
    /// Leaves are made of records from this offset on; `nil` for none.
    var leavesFrom: UInt64?
    /// Whether blocks of leaves are made.
    var makesBlocks = false
    /// Whether values of records are wanted.
    var wantsValues = false
    /// Offset of the record whose leaf's data are wanted.
    var leafOffset: UInt64?
    var limits = FormatLimits()
  }

  /// Leaves that are made together.
  private static let pieceCount = 2_048
  private let task: Task
  private(set) var account = ChunkAccount()
  private var hasher = LeafHasher()
  private var pending = 0
  private var lastTime: Int64?
  private var run: ChunkAccount.Run?
  /// Of the frame that is looked at, and behind it.
  private var position: UInt64 = 0
  private var frameEnd: UInt64 = 0
  private var nextOffset: UInt64?
  /// Bytes that searches behind damage may hash in vain.
  private var budget = 256 << 20

  init(_ task: Task) { self.task = task }

  /// Walks.
  ///
  /// - Parameters:
  ///   - bytes: Those of the segment from `start` on.
  ///   - start: A frame's position, or where one should be.
  mutating func walk(_ bytes: RawSpan, start: UInt64) -> ChunkAccount {
    account.start = start
    // What small records need; of a few megabytes at most, however long one frame is.
    account.reserve(
      recordCount: min(bytes.byteCount, 4 << 20) / 128, leaves: task.leavesFrom != nil)
    let check = FrameCheck(bytes, start: start, salt: task.salt, limit: task.limit)
    var place = 0
    walking: while true {
      let position = start + UInt64(place)
      if position >= task.limit {
        account.stop = .limit
        break
      }
      self.position = position
      switch check.frame(at: place) {
      case .intact(let head):
        let end = place + head.alignedByteCount
        frameEnd = start + UInt64(end)
        take(head, bytes, at: place, start)
        notePadding(head, bytes, at: place, start)
        place = end
        if head.kind == .seal {
          account.stop = .sealed
          break walking
        }
        // What is left of a gap or padding may be longer than these bytes.
        if end > bytes.byteCount {
          account.stop = .more(needed: 0)
          break walking
        }
      case .unknown(let needed):
        account.stop = .more(needed: needed)
        break walking
      case .refused(let error):
        account.stop = .refused(error)
        break walking
      case .damaged(let error):
        guard position < task.provenPosition,
          let next = check.nextIntact(after: place, budget: &budget)
        else {
          account.stop = .damaged(error)
          break walking
        }
        endRun(bytes)
        account.items.append(.damage(from: position, to: start + UInt64(next), error))
        place = next
        nextOffset = nil
      }
    }
    position = start + UInt64(place)
    endRun(bytes)
    account.end = position
    (account.lastTime, account.nextOffset) = (lastTime, nextOffset)
    return account
  }

  /// Bytes between a frame and the next are zero.
  private mutating func notePadding(
    _ head: FrameHead, _ bytes: RawSpan, at place: Int, _ start: UInt64
  ) {
    let length = Int(head.length)
    guard length & 7 != 0, head.kind != .gap, head.kind != .padding else { return }
    let end = place + head.alignedByteCount
    guard let word = bytes.littleEndianUnsigned64(at: end - 8) else { return }
    if word >> UInt64(8 * (length & 7)) != 0 {
      account.padding.append(start + UInt64(place + length))
    }
  }

  private mutating func take(_ head: FrameHead, _ bytes: RawSpan, at place: Int, _ start: UInt64) {
    let position = start + UInt64(place)
    do throws(FormatError) {
      switch head.kind {
      case .soloRecord:
        let frame = bytes.extracting(place..<(place + Int(head.length)))
        let view = try SoloRecord.view(frame, head: head)
        mark(position, view.offset.rawValue)
        take(view, at: position, in: bytes)
      case .batch:
        try takeBatch(head, bytes.extracting(place..<(place + Int(head.length))), bytes, position)
      case .padding, nil: break
      default: try takeOther(head, bytes, at: place, position)
      }
    } catch {
      endRun(bytes)
      account.items.append(
        .contradiction(from: position, to: position + UInt64(head.alignedByteCount), error))
      nextOffset = nil
    }
  }

  private mutating func takeBatch(
    _ head: FrameHead, _ frame: RawSpan, _ bytes: RawSpan, _ position: UInt64
  ) throws(FormatError) {
    let batch = try BatchView(frame, frameHead: head, place: nil, limits: task.limits)
    // All records are looked at before any counts.
    if !batch.columns.isSubset(of: [.producer, .narrowEnds]) || batch.count > 1 {
      for index in 0..<batch.count { _ = try batch.record(at: index) }
    }
    mark(position, batch.baseOffset.rawValue)
    for index in 0..<batch.count { take(try batch.record(at: index), at: position, in: bytes) }
    guard batch.nextOffset.rawValue != nextOffset else { return }
    endRun(bytes)
    nextOffset = batch.nextOffset.rawValue
  }

  private mutating func takeOther(
    _ head: FrameHead, _ bytes: RawSpan, at place: Int, _ position: UInt64
  ) throws(FormatError) {
    let covered = Frame.coveredByteCount(head.kind, length: Int(head.length))
    let frame = bytes.extracting(place..<(place + covered))
    switch head.kind {
    case .gap:
      let gap = try GapFrame(frame)
      endRun(bytes)
      mark(position, gap.firstOffset.rawValue)
      takeGap(gap, at: position, bytes)
    case .commit:
      let commit = try CommitFrame(frame, at: position)
      tell(commit.nextOffset.rawValue, .commit, bytes)
    case .indexRows: account.events.append(.rows(try IndexFrame(frame, at: position), at: position))
    case .state:
      let state = try StateFrame(frame, at: position, limits: task.limits)
      tell(state.nextOffset.rawValue, .state, bytes)
    case .integrity:
      account.events.append(
        .integrity(try IntegrityFrame(frame), at: position, byteCount: covered))
    case .seal:
      let seal = try SealBlock(frame, at: position, limits: task.limits)
      tell(seal.nextOffset.rawValue, .seal, bytes)
      account.events.append(.seal(seal, at: position, byteCount: covered))
    case .control: _ = try ControlFrame(frame)
    default: break
    }
  }

  /// Notes what a frame says of the next offset, where that is not known already.
  private mutating func tell(_ offset: UInt64, _ kind: FrameKind, _ bytes: RawSpan) {
    guard offset != nextOffset else { return }
    endRun(bytes)
    account.items.append(.tell(nextOffset: offset, at: position, kind))
    nextOffset = offset
  }

  @inline(__always)
  private mutating func mark(_ position: UInt64, _ offset: UInt64) {
    account.marks.append(
      ChunkAccount.Mark(position: position, offset: offset, timeBefore: lastTime))
  }

  // MARK: Records

  @inline(__always)
  private mutating func take(_ view: borrowing RecordView, at position: UInt64, in bytes: RawSpan) {
    let offset = view.offset.rawValue
    if offset != nextOffset || run == nil { begin(at: offset, position, bytes) }
    let time = view.appendTime.rawValue
    let content = view.content
    account.recordCount += 1
    if account.statistics.recordCount == 0 {
      account.statistics.firstAppendTime = view.appendTime
    }
    account.statistics.recordCount += 1
    account.statistics.payloadByteCount += UInt64(content.byteCount)
    if let event = view.eventTime { account.statistics.note(eventTime: event) }
    lastTime = time
    if let from = task.leavesFrom, offset >= from {
      guard let range = bytes.byteOffsets(of: content) else { return }
      if view.isValueAlone {
        hasher.addValue(offset: offset, appendTime: time, content: range)
      } else {
        hasher.addRecord(
          offset: offset, appendTime: time, isTombstone: view.isTombstone,
          parts: LeafHasher.Parts(
            eventTime: view.eventTime?.rawValue, keyByteCount: view.key?.byteCount,
            typeByteCount: view.type?.byteCount, headersByteCount: view.headers.byteCount),
          content: range)
      }
      account.times.append(time)
      pending += 1
      if pending >= Self.pieceCount { makeLeaves(bytes) }
    }
    if task.wantsValues { account.values.append((offset, time, view.copyValue())) }
    if offset == task.leafOffset { account.leaf = Self.leaf(view) }
    nextOffset = offset + 1
  }

  private static func leaf(_ view: borrowing RecordView) -> RecordLeaf {
    let prefix = RecordContent.prefix(
      eventTime: view.eventTime?.rawValue, keyByteCount: view.key?.byteCount,
      typeByteCount: view.type?.byteCount, headersByteCount: view.headers.byteCount)
    return RecordLeaf(
      kind: .record, flags: view.isTombstone ? .tombstone : [], offset: view.offset.rawValue,
      appendTime: view.appendTime.rawValue,
      commitment: SHA256.digest(prefix: prefix, view.content))
  }

  private mutating func begin(at offset: UInt64, _ position: UInt64, _ bytes: RawSpan) {
    endRun(bytes)
    let leaf = account.leaves.count
    run = ChunkAccount.Run(first: offset, next: offset, position: position, leaves: leaf..<leaf)
  }

  private mutating func takeGap(_ gap: GapFrame, at position: UInt64, _ bytes: RawSpan) {
    let (first, count) = (gap.firstOffset.rawValue, UInt64(gap.count))
    account.gapCount += count
    let leaf = account.leaves.count
    account.items.append(
      .run(
        ChunkAccount.Run(
          first: first, next: first + count, position: position, leaves: leaf..<leaf, isGap: true)))
    nextOffset = first + count
  }

  private mutating func makeLeaves(_ bytes: RawSpan) {
    guard pending > 0 else { return }
    account.leaves += hasher.finish(in: bytes)
    pending = 0
  }

  private mutating func endRun(_ bytes: RawSpan) {
    makeLeaves(bytes)
    guard var ended = run, let next = nextOffset else { return }
    run = nil
    (ended.next, ended.end) = (next, max(position, frameEnd))
    ended.leaves = ended.leaves.lowerBound..<account.leaves.count
    makeBlocks(&ended)
    account.items.append(.run(ended))
  }

  /// Makes the blocks of 256 leaves that are whole in a run.
  private mutating func makeBlocks(_ run: inout ChunkAccount.Run) {
    let start = account.blocks.count
    run.blocks = start..<start
    guard task.makesBlocks, !run.leaves.isEmpty else { return }
    let first = run.next - UInt64(run.leaves.count)
    let skipped = Int((256 - first & 255) & 255)
    guard run.leaves.count - skipped >= 256 else { return }
    let count = (run.leaves.count - skipped) / 256
    let from = run.leaves.lowerBound + skipped
    var hashes = MerkleTree.nodeHashes(
      of: account.leaves.span.extracting(from..<(from + 256 * count)))
    for _ in 1..<EvidenceBuilder.keptLevel { hashes = MerkleTree.nodeHashes(of: hashes.span) }
    for (index, hash) in hashes.enumerated() {
      let place = from + 256 * index
      account.blocks.append(
        ChunkAccount.Block(
          hash: hash, firstTime: account.times[place], lastTime: account.times[place + 255],
          position: position(of: first + UInt64(skipped + 256 * index), run)))
    }
    run.blocks = start..<account.blocks.count
  }

  /// Position of the frame that a record of a run is in.
  private func position(of offset: UInt64, _ run: ChunkAccount.Run) -> UInt64 {
    let end = account.marks.partitionPoint { mark in
      mark.position < run.position || mark.offset <= offset && mark.position < run.end
    }
    return end == 0 ? run.position : max(run.position, account.marks[end - 1].position)
  }
}
