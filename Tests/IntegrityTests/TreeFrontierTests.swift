import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct TreeFrontierTests {
  private static let leaves = (0..<600).map {
    MerkleTree.leafHash([UInt8($0 & 0xff), UInt8($0 >> 8)])
  }

  @Test func `leaves added one by one give the roots of the text`() {
    let tree = SlowTree(leaves: Self.leaves)
    var frontier = TreeFrontier()
    for size in 0...130 {
      #expect(frontier.size == UInt64(size) && frontier.root == tree.root(of: 0..<size))
      #expect(frontier.hashes.count == size.nonzeroBitCount)
      frontier.append(Self.leaves[size])
    }
  }

  @Test func `leaves added in groups give the same edge, and every complete node once`() {
    var random = SeededGenerator()
    let tree = SlowTree(leaves: Self.leaves)
    for _ in 0..<60 {
      var (single, grouped) = (TreeFrontier(), TreeFrontier())
      var nodes: [String: Digest] = [:]
      var done = 0
      while done < Self.leaves.count {
        let count = min(random.below(random.below(2) == 0 ? 4 : 300), Self.leaves.count - done)
        let part = Array(Self.leaves[done..<(done + count)])
        for leaf in part { single.append(leaf) }
        grouped.append(part) { run in
          for (place, hash) in run.hashes.enumerated() {
            let name = "\(run.level)/\(run.index + UInt64(place))"
            #expect(nodes.updateValue(hash, forKey: name) == nil, "\(name) twice")
          }
        }
        #expect(single == grouped)
        done += count
      }
      #expect(nodes.count == 2 * Self.leaves.count - Self.leaves.count.nonzeroBitCount)
      for _ in 0..<20 {
        let level = random.below(9)
        let index = random.below(Self.leaves.count >> level)
        #expect(nodes["\(level)/\(index)"] == tree.hash(level: level, index: UInt64(index)))
      }
    }
  }

  @Test func `a kept edge goes on where it was`() throws {
    var frontier = TreeFrontier()
    frontier.append(Array(Self.leaves[..<333]))
    var kept = try #require(TreeFrontier(size: frontier.size, hashes: frontier.hashes))
    kept.append(Self.leaves[333])
    frontier.append(Self.leaves[333])
    #expect(kept == frontier)
    #expect(TreeFrontier(size: 3, hashes: [Self.leaves[0]]) == nil)
    #expect(TreeFrontier(size: 0, hashes: []) == TreeFrontier())
  }

  @Test func `the largest sizes have their place`() throws {
    let hashes = Array(Self.leaves[..<63])
    let edge = try #require(TreeFrontier(size: UInt64.max - 1, hashes: hashes))
    var (single, grouped) = (edge, edge)
    single.append(Self.leaves[100])
    grouped.append([Self.leaves[100]])
    #expect(single == grouped && single.hashes.count == 64)
  }
}
