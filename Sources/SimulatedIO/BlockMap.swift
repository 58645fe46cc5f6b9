/// Which 4 KiB blocks of a file are allocated, one bit each.
struct BlockMap: Sendable {
  private var words: [UInt64] = []
  /// Number of allocated blocks.
  private(set) var count = 0

  /// Whether a block is allocated.
  func contains(_ block: Int) -> Bool {
    block >> 6 < words.count && words[block >> 6] & (1 << UInt64(block & 63)) != 0
  }

  /// Number of blocks of a range that are not allocated.
  func missingCount(in range: Range<Int>) -> Int {
    var missing = 0
    for block in range where !contains(block) { missing += 1 }
    return missing
  }

  /// Allocates one block.
  mutating func insert(_ block: Int) {
    while words.count <= block >> 6 { words.append(0) }
    let bit = UInt64(1) << UInt64(block & 63)
    if words[block >> 6] & bit == 0 { count += 1 }
    words[block >> 6] |= bit
  }

  /// Allocates every block of a range.
  mutating func insert(_ range: Range<Int>) {
    for block in range { insert(block) }
  }

  /// Gives back the blocks of a range.
  mutating func remove(_ range: Range<Int>) {
    for block in range.clamped(to: 0..<words.count * 64) where contains(block) {
      words[block >> 6] &= ~(1 << UInt64(block & 63))
      count -= 1
    }
  }

  /// Gives back every block from `end` on.
  mutating func removeAll(from end: Int) {
    if end < words.count * 64 { remove(end..<words.count * 64) }
  }
}
