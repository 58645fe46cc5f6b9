internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import PlatformIO

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

    var isSpilled: Bool { !isGap && leaves.isEmpty }
    /// Number of the first block.
    var firstBlock: UInt64 { (offsets.lowerBound + 255) / 256 }
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
    if leafCount + run.leaves.count > leafLimit, run.source != nil {
      (run.leaves, run.times) = ([], [])
      // Out of the memory that runs of the same stretch share.
      run.blocks = Array(run.blocks)[...]
    }
    leafCount += run.leaves.count
    runs.append(run)
  }

  /// Forgets leaves before an offset.
  mutating func drop(before offset: UInt64) {
    while front < runs.count, runs[front].offsets.upperBound <= offset {
      leafCount -= runs[front].leaves.count
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
    var next = range.lowerBound
    while next < range.upperBound {
      let run = runs[index]
      if inBlocks, next % 256 == 0, next + 256 <= range.upperBound,
        next / 256 - run.firstBlock < UInt64(run.blocks.count)
      {
        parts.append(.block(run.blocks[run.blocks.startIndex + Int(next / 256 - run.firstBlock)]))
        next += 256
        continue
      }
      // Up to the next block, or to the end where there is none.
      let isBeforeBlock = inBlocks && next / 256 < run.firstBlock + UInt64(run.blocks.count)
      let end = isBeforeBlock ? min((next / 256 + 1) * 256, range.upperBound) : range.upperBound
      guard !run.isSpilled || reload(index) else {
        parts.append(.missing(next..<range.upperBound))
        return
      }
      let place = Int(next - run.offsets.lowerBound)..<Int(end - run.offsets.lowerBound)
      let (leaves, times) = (runs[index].leaves, runs[index].times)
      parts.append(
        .records(
          leaves[(leaves.startIndex + place.lowerBound)..<(leaves.startIndex + place.upperBound)],
          times[(times.startIndex + place.lowerBound)..<(times.startIndex + place.upperBound)]))
      next = end
    }
  }

  /// Makes the leaves of a run again.
  private mutating func reload(_ index: Int) -> Bool {
    let run = runs[index]
    guard let source = run.source else { return false }
    let count = Int(source.positions.upperBound - source.positions.lowerBound)
    guard let bytes = try? source.file.bytes(count, at: source.positions.lowerBound) else {
      return false
    }
    var walk = ChunkWalk(source.task)
    let account = walk.walk(bytes.rawSpan, start: source.positions.lowerBound)
    for case .run(let found) in account.items where found.next == run.offsets.upperBound {
      guard found.leaves.count >= run.offsets.count else { continue }
      runs[index].leaves = account.leaves[found.leaves].suffix(run.offsets.count)
      runs[index].times = account.times[found.leaves].suffix(run.offsets.count)
      leafCount += run.offsets.count
      return true
    }
    return false
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
