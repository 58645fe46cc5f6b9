internal import ByteCoding
internal import Cryptography
internal import Integrity

/// Makes the proof of one leaf while the leaves of a tree go by, in the order of their offsets: what it keeps are
/// the hashes of the proof, however many leaves there are.
struct PathCollector: Sendable {
  /// Index of the leaf.
  let index: UInt64
  /// Leaves of the tree.
  let size: UInt64
  /// The subtrees whose roots the proof has, and the leaf itself, in the order of their offsets.
  private let parts: [Range<UInt64>]
  /// The path, the leaf's neighbour first: which of ``parts``.
  private let order: [Int]
  private var hashes: [Digest] = []
  /// The part that the next leaf is in, as far as it goes.
  private var frontier = TreeFrontier()
  /// Offset of the next leaf.
  private(set) var next: UInt64 = 0
  /// Offsets of which no leaf is known.
  private(set) var unknown: [Range<UInt64>] = []

  /// Ranges that are remembered.
  private static let unknownLimit = 64
  /// Leaves without records that are made at a time.
  private static let pieceCount: UInt64 = 4_096

  /// A proof of a leaf of a tree.
  ///
  /// - Precondition: `index < size`.
  init(index: UInt64, size: UInt64) {
    precondition(index < size)
    (self.index, self.size) = (index, size)
    var outermost: [Range<UInt64>] = []
    var tree = 0..<size
    while tree.upperBound - tree.lowerBound > 1 {
      let middle = tree.lowerBound + MerkleTree.splitPoint(tree.upperBound - tree.lowerBound)
      let (left, right) = (tree.lowerBound..<middle, middle..<tree.upperBound)
      outermost.append(index < middle ? right : left)
      tree = index < middle ? left : right
    }
    let parts = (outermost + [tree]).sorted { $0.lowerBound < $1.lowerBound }
    self.parts = parts
    order = outermost.reversed().compactMap { part in parts.firstIndex(of: part) }
  }

  /// Whether all leaves went by.
  var isDone: Bool { next >= size }

  /// The proof, with the hash of its leaf; `nil` unless ``isDone``.
  var proof: (leaf: Digest, proof: InclusionProof)? {
    guard isDone, hashes.count == parts.count,
      let own = parts.firstIndex(of: index..<(index + 1))
    else { return nil }
    return (
      hashes[own], InclusionProof(index: index, size: size, path: order.map { hashes[$0] })
    )
  }

  // MARK: Leaves

  /// Takes leaves; of those that were taken before nothing is done, and what is missing before them is noted.
  ///
  /// - Parameters:
  ///   - leaves: Their hashes.
  ///   - first: Offset of the first.
  ///   - blocks: Whole blocks of 256 among them.
  mutating func take(
    _ leaves: ArraySlice<Digest>, from first: UInt64,
    blocks: ArraySlice<ChunkAccount.Block> = []
  ) {
    let end = min(size, first + UInt64(leaves.count))
    if first > next { miss(first) }
    let firstBlock = (first + 255) / 256
    while next < end {
      let part = parts[hashes.count]
      let block = next / 256
      if next % 256 == 0, block >= firstBlock, block - firstBlock < UInt64(blocks.count),
        next + 256 <= part.upperBound,
        takeBlock(blocks[blocks.startIndex + Int(block - firstBlock)].hash)
      {
        continue
      }
      let stop = min(part.upperBound, end, blocks.isEmpty ? end : (block + 1) * 256)
      let from = leaves.startIndex + Int(next - first)
      frontier.append(Array(leaves[from..<(from + Int(stop - next))]))
      advance(to: stop)
    }
  }

  /// Takes offsets without records.
  mutating func take(_ range: Range<UInt64>, of kind: RecordLeaf.Kind) {
    if range.lowerBound > next { miss(range.lowerBound) }
    while next < min(size, range.upperBound) {
      let first = next
      let end = min(size, range.upperBound, first + Self.pieceCount)
      var hasher = LeafHasher()
      for offset in first..<end { hasher.addEmpty(offset: offset, kind: kind) }
      let none: [UInt8] = []
      take(hasher.finish(in: none.rawSpan)[...], from: first)
    }
  }

  /// Takes what a statement keeps of records that are gone.
  mutating func take(_ removal: RecordRemoval) {
    guard removal.coverage == .tree else { return }
    var place = 0
    for (number, hasLeaves) in removal.hasLeaves.enumerated() {
      let block = removal.firstOffset / RecordRemoval.blockLeafCount + UInt64(number)
      let offsets = removal.offsets(ofBlock: block)
      let count = hasLeaves ? offsets.count : 1
      guard place + count <= removal.hashes.count else { return }
      let hashes = removal.hashes[place..<(place + count)]
      place += count
      if offsets.upperBound <= next || next >= size { continue }
      if offsets.lowerBound > next { miss(offsets.lowerBound) }
      if hashes.contains(Digest()) {
        miss(offsets.upperBound)
      } else if hasLeaves {
        take(hashes, from: offsets.lowerBound)
      } else if next == offsets.lowerBound, let hash = hashes.first,
        offsets.upperBound <= parts[self.hashes.count].upperBound
      {
        if !takeBlock(hash) { miss(offsets.upperBound) }
      } else {
        miss(offsets.upperBound)
      }
    }
  }

  /// Takes offsets of which nothing is known.
  mutating func miss(_ end: UInt64) {
    let end = min(end, size)
    guard next < end else { return }
    if let last = unknown.last, last.upperBound == next {
      unknown[unknown.count - 1] = last.lowerBound..<end
    } else if unknown.count < Self.unknownLimit {
      unknown.append(next..<end)
    }
    // No proof will come of it, and what is behind still tells what else is missing.
    while next < end { advance(to: min(end, parts[hashes.count].upperBound)) }
  }

  private mutating func takeBlock(_ hash: Digest) -> Bool {
    guard let grown = frontier.appending(block: hash) else { return false }
    frontier = grown
    advance(to: next + 256)
    return true
  }

  private mutating func advance(to offset: UInt64) {
    next = offset
    guard next == parts[hashes.count].upperBound else { return }
    hashes.append(frontier.root)
    frontier = TreeFrontier()
  }
}
