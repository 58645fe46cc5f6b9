internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import PlatformIO

private let blockLeafCount = RecordRemoval.blockLeafCount

/// Leaves that wait for their group, in the order of their offsets; some may be missing.
///
/// Of those far behind the next group only blocks of 256 are kept, so that memory is bounded however late
/// groups come; their leaves are made again where they are wanted one by one.
struct LeafQueue {
  /// Leaves one behind the other; without hashes where there are no records.
  struct Run {
    var offsets: Range<UInt64>
    var leaves: ArraySlice<Digest> = []
    var times: ArraySlice<Int64> = []
    var blocks: ArraySlice<ChunkAccount.Block> = []
    var isGap = false
    /// Where leaves that are not kept are made again.
    var source: Source?

    /// Leaves before the first block and behind the last, of a run whose others are not kept.
    var head: Unit?
    var tail: Unit?

    var isSpilled: Bool { !isGap && leaves.isEmpty }
    /// Offsets of whole blocks.
    var blockOffsets: Range<UInt64> {
      firstBlock * blockLeafCount..<(firstBlock + UInt64(blocks.count)) * blockLeafCount
    }
    /// Number of the first block.
    var firstBlock: UInt64 {
      (offsets.lowerBound + (blockLeafCount - 1)) / blockLeafCount
    }

    var keptCount: Int { leaves.count + (head?.leaves.count ?? 0) + (tail?.leaves.count ?? 0) }

    func copy(_ range: Range<UInt64>) -> Unit {
      let from = leaves.startIndex + Int(range.lowerBound - offsets.lowerBound)
      let other = times.startIndex + Int(range.lowerBound - offsets.lowerBound)
      return Unit(
        offsets: range, leaves: Array(leaves[from..<(from + range.count)])[...],
        times: Array(times[other..<(other + range.count)])[...])
    }

    func block(_ number: UInt64) -> ChunkAccount.Block? {
      guard number >= firstBlock, number - firstBlock < UInt64(blocks.count) else { return nil }
      return blocks[blocks.startIndex + Int(number - firstBlock)]
    }

    /// Leaves that are made again together with one: its block, or what is no whole block.
    func unit(of offset: UInt64) -> (offsets: Range<UInt64>, positions: Range<UInt64>)? {
      guard let all = source?.positions else { return nil }
      guard !blocks.isEmpty else { return (offsets, all) }
      let (first, next) = (firstBlock, firstBlock + UInt64(blocks.count))
      let number = offset / blockLeafCount
      let start = block(number)?.position ?? (number < first ? all.lowerBound : nil)
      // A frame may have leaves of two blocks, so it goes on to where the one behind the next begins.
      let last = number < first ? first : number
      var end = block(last + 2)?.position ?? all.upperBound
      if end == block(last + 1)?.position { end = all.upperBound }
      let from = start ?? block(next - 1)?.position ?? all.lowerBound
      let lower = number < first ? offsets.lowerBound : min(number, next) * blockLeafCount
      let upper =
        number < first
        ? first * blockLeafCount
        : number < next ? lower + blockLeafCount : offsets.upperBound
      return (
        max(lower, offsets.lowerBound)..<min(upper, offsets.upperBound), from..<max(from, end)
      )
    }
  }

  /// Leaves that were made again last.
  struct Unit {
    var offsets: Range<UInt64>
    var leaves: ArraySlice<Digest>
    var times: ArraySlice<Int64>
  }

  /// A stretch of a segment that leaves were made of.
  struct Source {
    var file: AuditedFile
    var task: ChunkWalk.Task
    var positions: Range<UInt64>
  }

  /// A part of a group.
  enum Part {
    /// Leaves of records, with append times.
    case records(ArraySlice<Digest>, ArraySlice<Int64>)
    /// A whole block of records.
    case block(ChunkAccount.Block)
    case gap(Range<UInt64>)
    /// The leaf that a statement keeps of a record.
    case kept(RecordLeaf)
    case missing(Range<UInt64>)
  }

  private var unit: Unit?
  private var runs: [Run] = []
  private var front = 0
  /// Leaves of records whose content was taken out, by offset.
  let redacted: [UInt64: RecordLeaf]
  /// Leaves that are kept.
  private(set) var leafCount = 0
  /// Most leaves that are kept.
  private let leafLimit: Int

  /// Leaves that are kept by default: some groups.
  static let defaultLeafLimit = 1 << 16

  init(redacted: [UInt64: RecordLeaf], leafLimit: Int = defaultLeafLimit) {
    (self.redacted, self.leafLimit) = (redacted, leafLimit)
  }

  /// Offset behind the last leaf.
  private(set) var nextOffset: UInt64 = 0

  mutating func append(_ run: Run) {
    // What is there twice was reported; the first counts.
    guard !run.offsets.isEmpty, run.offsets.lowerBound >= nextOffset else { return }
    nextOffset = run.offsets.upperBound
    var run = run
    if leafCount + run.leaves.count > leafLimit, run.source != nil { spill(&run) }
    leafCount += run.keptCount
    runs.append(run)
  }

  /// Keeps no more of a run than its blocks and what is not in them.
  private func spill(_ run: inout Run) {
    let whole = run.blockOffsets
    if !run.blocks.isEmpty, leafCount < 4 * leafLimit {
      run.head = run.copy(run.offsets.lowerBound..<whole.lowerBound)
      run.tail = run.copy(whole.upperBound..<run.offsets.upperBound)
    }
    (run.leaves, run.times) = ([], [])
    // Out of the memory that runs of the same stretch share.
    run.blocks = Array(run.blocks)[...]
  }

  /// Forgets leaves before an offset.
  mutating func drop(before offset: UInt64) {
    while front < runs.count, runs[front].offsets.upperBound <= offset {
      leafCount -= runs[front].keptCount
      runs[front] = Run(offsets: runs[front].offsets, isGap: true)
      front += 1
    }
    if front > 64 {
      runs.removeFirst(front)
      front = 0
    }
  }

  /// The parts of a range of offsets, without a hole; what is not there is said.
  ///
  /// - Parameter inBlocks: Whether whole blocks do instead of their leaves.
  mutating func parts(_ range: Range<UInt64>, inBlocks: Bool = false) -> [Part] {
    var parts: [Part] = []
    var next = range.lowerBound
    var index = front
    while next < range.upperBound, index < runs.count {
      let run = runs[index]
      defer { index += 1 }
      guard run.offsets.upperBound > next else { continue }
      if run.offsets.lowerBound >= range.upperBound { break }
      if run.offsets.lowerBound > next {
        appendAbsent(next..<run.offsets.lowerBound, isGap: false, to: &parts)
        next = run.offsets.lowerBound
      }
      let end = min(run.offsets.upperBound, range.upperBound)
      if run.isGap {
        appendAbsent(next..<end, isGap: true, to: &parts)
      } else {
        appendRecords(next..<end, index, inBlocks, to: &parts)
      }
      next = end
    }
    if next < range.upperBound {
      appendAbsent(next..<range.upperBound, isGap: false, to: &parts)
    }
    return parts
  }

  private mutating func appendRecords(
    _ range: Range<UInt64>, _ index: Int, _ inBlocks: Bool, to parts: inout [Part]
  ) {
    let run = runs[index]
    var next = range.lowerBound
    while next < range.upperBound {
      let number = next / blockLeafCount
      if inBlocks, next % blockLeafCount == 0, next + blockLeafCount <= range.upperBound,
        let block = run.block(number)
      {
        parts.append(.block(block))
        next += blockLeafCount
        continue
      }
      // Up to the next block, or to the end where there is none.
      let isBeforeBlock = inBlocks && (run.block(number) ?? run.block(number + 1)) != nil
      let nextBlock = (number + 1) * blockLeafCount
      let wanted = next..<(isBeforeBlock ? min(nextBlock, range.upperBound) : range.upperBound)
      guard let found = leaves(wanted, run) else {
        parts.append(.missing(next..<range.upperBound))
        return
      }
      parts.append(.records(found.leaves, found.times))
      next += UInt64(found.leaves.count)
    }
  }

  /// Leaves of a run from an offset on, at least one and none behind the range.
  private mutating func leaves(_ range: Range<UInt64>, _ run: Run)
    -> (leaves: ArraySlice<Digest>, times: ArraySlice<Int64>)?
  {
    if !run.isSpilled {
      return part(Unit(offsets: run.offsets, leaves: run.leaves, times: run.times), range)
    }
    for part in [run.head, run.tail] {
      if let unit = part, unit.offsets.contains(range.lowerBound) { return self.part(unit, range) }
    }
    if let unit, unit.offsets.contains(range.lowerBound) { return part(unit, range) }
    guard let made = made(range.lowerBound, run) else { return nil }
    unit = made
    return part(made, range)
  }

  private func part(_ unit: Unit, _ range: Range<UInt64>)
    -> (leaves: ArraySlice<Digest>, times: ArraySlice<Int64>)
  {
    let from = Int(range.lowerBound - unit.offsets.lowerBound)
    let to = Int(min(range.upperBound, unit.offsets.upperBound) - unit.offsets.lowerBound)
    return (
      unit.leaves[(unit.leaves.startIndex + from)..<(unit.leaves.startIndex + to)],
      unit.times[(unit.times.startIndex + from)..<(unit.times.startIndex + to)]
    )
  }

  /// Makes leaves of a run again.
  private func made(_ offset: UInt64, _ run: Run) -> Unit? {
    guard let source = run.source, let (offsets, positions) = run.unit(of: offset) else {
      return nil
    }
    let count = Int(positions.upperBound - positions.lowerBound)
    guard let bytes = try? source.file.bytes(count, at: positions.lowerBound) else { return nil }
    var task = source.task
    (task.leavesFrom, task.makesBlocks) = (offsets.lowerBound, false)
    var walk = ChunkWalk(task)
    let account = walk.walk(bytes.rawSpan, start: positions.lowerBound)
    for case .run(let found) in account.items
    where found.first <= offsets.lowerBound && found.next >= offsets.upperBound && !found.isGap {
      let place = found.leaves.prefix(offsets.count)
      guard place.count == offsets.count else { return nil }
      return Unit(
        offsets: offsets, leaves: account.leaves[place], times: account.times[place])
    }
    return nil
  }

  /// Offsets whose records are not there: some may have been redacted.
  private func appendAbsent(_ range: Range<UInt64>, isGap: Bool, to parts: inout [Part]) {
    var next = range.lowerBound
    for offset in redacted.keys.filter(range.contains).sorted() {
      if next < offset { parts.append(isGap ? .gap(next..<offset) : .missing(next..<offset)) }
      if let leaf = redacted[offset] { parts.append(.kept(leaf)) }
      next = offset + 1
    }
    guard next < range.upperBound else { return }
    parts.append(isGap ? .gap(next..<range.upperBound) : .missing(next..<range.upperBound))
  }
}

extension LeafQueue.Part {
  /// Leaves without records that are made at a time.
  private static let pieceCount: UInt64 = 65_536

  /// Calls a body with the leaves, some at a time; parts have been asked for without blocks.
  ///
  /// - Parameter lost: What stands for offsets that are not there; `nil` to leave them out.
  func forLeaves(
    lost: RecordLeaf.Kind? = nil,
    _ body: (_ leaves: [Digest], _ recordCount: Int, _ times: (first: Int64, last: Int64)) -> Void
  ) {
    switch self {
    case .block: preconditionFailure("whole blocks were not asked for")
    case .records(let leaves, let times):
      body(Array(leaves), leaves.count, (times.first ?? 0, times.last ?? 0))
    case .kept(let leaf):
      let isRecord = leaf.kind == .record
      body(
        [MerkleTree.leafHash(leaf.encoded)], isRecord ? 1 : 0, (leaf.appendTime, leaf.appendTime))
    case .gap(let range): Self.forEmpty(range, .gap, body)
    case .missing(let range): if let lost { Self.forEmpty(range, lost, body) }
    }
  }

  private static func forEmpty(
    _ range: Range<UInt64>, _ kind: RecordLeaf.Kind,
    _ body: ([Digest], Int, (first: Int64, last: Int64)) -> Void
  ) {
    var next = range.lowerBound
    while next < range.upperBound {
      let end = min(next + pieceCount, range.upperBound)
      var hasher = LeafHasher()
      for offset in next..<end { hasher.addEmpty(offset: offset, kind: kind) }
      let none: [UInt8] = []
      body(hasher.finish(in: none.rawSpan), 0, (0, 0))
      next = end
    }
  }
}
