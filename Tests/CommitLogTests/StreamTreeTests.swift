import ByteCoding
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct StreamTreeTests {
  /// Leaves of all offsets, each made by the text, one at a time.
  static func slowTree(_ log: StreamLog) throws -> StoredTree {
    var tree = StoredTree()
    var reader = try log.makeReader()
    func gaps(to offset: UInt64) {
      while tree.size < offset {
        let leaf = RecordLeaf(kind: .gap, offset: tree.size, appendTime: 0)
        tree.append([MerkleTree.leafHash(leaf.encoded)])
      }
    }
    while let record = try reader.next() {
      gaps(to: record.offset.rawValue)
      let leaf = RecordLeaf(
        kind: .record, flags: record.isTombstone ? .tombstone : [],
        offset: record.offset.rawValue, appendTime: record.appendTime.rawValue,
        commitment: RecordContent.commitment(
          eventTime: record.eventTime?.rawValue, key: record.key, type: record.type,
          headers: record.headers, value: record.value))
      tree.append([MerkleTree.leafHash(leaf.encoded)])
    }
    gaps(to: log.visibleOffset.rawValue)
    return tree
  }

  static func log(
    _ store: Store, _ durability: Durability, evidence: EvidenceClass = .tree
  ) throws -> StreamLog {
    try store.createStream(
      StreamName("s"), options: StreamLogEvidenceTests.options(durability, evidence))
  }

  /// Offsets near the borders of blocks and some between.
  static func offsets(below size: UInt64, _ random: SeededRandom) -> [UInt64] {
    let edges: [UInt64] = [0, 1, 254, 255, 256, 257, 511, 512, size - 2, size - 1]
    let others = (0..<30).map { _ in UInt64(random.below(Int(size))) }
    return (edges + others).filter { $0 < size }
  }

  @Test(arguments: everyClass)
  func `every hash of a tree is found again in the log`(_ durability: Durability) throws {
    let machine = Machine()
    try machine.create()
    for round in 0..<3 as Range<UInt64> {
      let store = try machine.open()
      let log = try Self.log(store, durability)
      for part in 0..<4 as Range<UInt64> {
        try StreamLogEvidenceTests.append(1_500, to: log, seed: 10 * round + part)
        try log.waitUntilEvidenced(Offset(rawValue: log.logEndOffset.rawValue - 1))
      }
      let expected = try Self.slowTree(log)
      let tree = try store.tree(of: log)
      #expect(try tree.root(size: expected.size) == expected.root)
      for level in 0..<16 {
        for index in 0..<(expected.size >> UInt64(level)) where level > 3 || index % 37 == 0 {
          #expect(
            try tree.hash(level: level, index: index) == expected.hash(level: level, index: index),
            "level \(level), index \(index)")
        }
      }
      let random = SeededRandom(seed: round)
      for offset in Self.offsets(below: expected.size, random) {
        let (leaf, proof) = try tree.proof(
          of: Offset(rawValue: offset), size: expected.size, root: expected.root)
        #expect(leaf == expected.hash(level: 0, index: offset))
        try proof.verify(leaf: leaf, root: expected.root)
        let old = max(1, offset)
        let step = try tree.consistencyProof(oldSize: old, size: expected.size)
        try step.verify(part: expected.root(atSize: old), root: expected.root)
      }
      store.close()
    }
  }

  @Test func `what is not covered yet has no proof`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try Self.log(store, .memory)
    try log.append([1])
    try log.waitUntilEvidenced(.zero)
    let tree = try store.tree(of: log)
    let root = try tree.root(size: 1)
    #expect(throws: EvidenceError.self) {
      try tree.proof(of: Offset(rawValue: 1), size: 1, root: root)
    }
    #expect(throws: EvidenceError.self) { try tree.root(size: 2) }
    #expect(throws: EvidenceError.self) {
      try tree.proof(of: .zero, size: 1, root: Digest())
    }
    let chain = try store.createStream(
      StreamName("chain"), options: StreamLogEvidenceTests.options(.disk, .chain))
    #expect(throws: EvidenceError.self) { try store.tree(of: chain) }
    store.close()
  }
}
