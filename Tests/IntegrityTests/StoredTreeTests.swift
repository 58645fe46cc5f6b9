import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct StoredTreeTests {
  @Test func `a tree in memory knows every hash of the text, and every earlier root`() {
    var random = SeededGenerator()
    let slow = SlowTree(leaves: (0..<300).map { MerkleTree.leafHash([UInt8($0 & 0xff)]) })
    var tree = StoredTree()
    while tree.size < 300 {
      let start = Int(tree.size)
      tree.append(Array(slow.leaves[start..<min(300, start + random.below(40))]))
      #expect(tree.root == slow.root(of: 0..<Int(tree.size)))
    }
    for size in 0...300 {
      #expect(tree.root(atSize: UInt64(size)) == slow.root(of: 0..<size))
    }
    for level in 0..<9 {
      for index in 0..<(300 >> level) {
        #expect(
          tree.hash(level: level, index: UInt64(index))
            == slow.hash(level: level, index: UInt64(index)))
      }
    }
  }
}
