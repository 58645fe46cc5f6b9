import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct EvidenceBuilderTests {
  private static let storeID = [UInt8](repeating: 7, count: 16)

  private static func leaf(_ offset: UInt64) -> Digest {
    SHA256.digest(withUnsafeBytes(of: offset) { Array($0) })
  }

  private static func builder(
    _ coverage: EvidenceCoverage, _ state: EvidenceState = .initial
  ) -> EvidenceBuilder {
    EvidenceBuilder(storeID: storeID, streamID: 3, coverage: coverage, state: state)
  }

  /// Groups of the given sizes, each added in pieces of at most some leaves.
  private static func groups(
    _ sizes: [Int], piece: Int, _ builder: inout EvidenceBuilder
  ) -> [EvidenceGroup] {
    sizes.compactMap { size in
      let start = builder.state.nextOffset
      var offset = start
      while offset < start + UInt64(size) {
        let end = min(offset + UInt64(piece), start + UInt64(size))
        builder.append(
          (offset..<end).map(leaf), recordCount: Int(end - offset) - 1,
          appendTimes: (Int64(offset), Int64(end)))
        offset = end
      }
      #expect(builder.pendingCount == UInt64(size))
      return builder.endGroup()
    }
  }

  private static let sizes = [1, 2, 255, 256, 1, 700, 4_096, 3, 66_000, 511]

  @Test(arguments: [1, 100, 256, 100_000])
  func `groups of a tree have the roots of the tree over all leaves`(piece: Int) {
    var builder = Self.builder(.tree)
    let groups = Self.groups(Self.sizes, piece: piece, &builder)
    var tree = StoredTree()
    var chain = HashChain()
    for (index, group) in groups.enumerated() {
      let range = tree.size..<(tree.size + UInt64(Self.sizes[index]))
      tree.append(range.map(Self.leaf))
      let header = group.header
      #expect(header.root == tree.root && header.treeSize == tree.size)
      #expect(header.firstOffset == range.lowerBound && header.nextOffset == range.upperBound)
      #expect(header.sequence == UInt64(index + 1))
      let pieces = (range.count + piece - 1) / piece
      #expect(header.recordCount == UInt64(range.count - pieces))
      // A piece of one leaf has no record, and so no times.
      let starts = stride(from: range.lowerBound, to: range.upperBound, by: piece)
      let ends = starts.map { (start: $0, end: min($0 + UInt64(piece), range.upperBound)) }
      let timed = ends.filter { $0.end - $0.start > 1 }
      #expect(header.firstAppendTime == Int64(timed.first?.start ?? 0))
      #expect(header.lastAppendTime == Int64(timed.last?.end ?? 0))
      #expect(group.previousHead == chain.head)
      chain.append(header)
      #expect(group.head == chain.head && group.state.chain == chain)
      #expect(group.state.frontier.root == tree.root)
      // Every hash of a kept level that is complete now and was not before.
      var kept: [Int: [Digest]] = [:]
      for run in group.nodes {
        #expect(kept[run.level] == nil && run.index == range.lowerBound >> UInt64(run.level))
        kept[run.level] = run.hashes
      }
      for level in EvidenceBuilder.keptLevel..<20 {
        let indexes = (range.lowerBound >> UInt64(level))..<(range.upperBound >> UInt64(level))
        #expect((kept[level] ?? []) == indexes.map { tree.hash(level: level, index: $0) })
      }
    }
  }

  @Test func `groups of a chain have the roots of their own leaves`() {
    var builder = Self.builder(.chain)
    var start: UInt64 = 0
    for group in Self.groups(Self.sizes, piece: 100, &builder) {
      var tree = StoredTree()
      tree.append((start..<group.header.nextOffset).map(Self.leaf))
      #expect(group.header.root == tree.root && group.header.treeSize == tree.size)
      #expect(group.nodes.isEmpty && group.state.frontier.size == 0)
      start = group.header.nextOffset
    }
    #expect(builder.state.chain.count == UInt64(Self.sizes.count))
  }

  @Test(arguments: EvidenceCoverage.allCases)
  func `a builder goes on from the state of any group`(_ coverage: EvidenceCoverage) {
    var whole = Self.builder(coverage)
    let groups = Self.groups(Self.sizes, piece: 300, &whole)
    for (index, group) in groups.enumerated() {
      var resumed = Self.builder(coverage, group.state)
      let rest = Self.groups(Array(Self.sizes[(index + 1)...]), piece: 300, &resumed)
      #expect(rest == Array(groups[(index + 1)...]))
    }
  }

  @Test func `a group without offsets is none`() {
    var builder = Self.builder(.tree)
    #expect(builder.endGroup() == nil)
    builder.append([], recordCount: 0, appendTimes: (1, 2))
    #expect(builder.endGroup() == nil && builder.state == .initial)
  }
}
