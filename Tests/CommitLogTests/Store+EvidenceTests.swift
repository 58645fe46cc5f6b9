import ByteCoding
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct StoreEvidenceTests {
  private static func statements(_ store: Store) throws -> [Statement] {
    guard let log = try store.evidenceStream() else { return [] }
    var reader = try log.makeReader()
    return try reader.records(max: 10_000).map { record in
      #expect(record.type != nil)
      let value = record.value
      let statement = try Statement(value.rawSpan)
      #expect(Array(statement.content.typeName.utf8) == record.type)
      #expect(statement.storeID == store.id.bytes)
      return statement
    }
  }

  @Test(arguments: everyClass)
  func `both heads of every stream stand in the tree of the store`(_ durability: Durability) throws
  {
    let machine = Machine()
    try machine.create()
    var last: EvidenceHead?
    for round in 0..<3 as Range<UInt64> {
      let store = try machine.open()
      let tree = try StreamTreeTests.log(store, durability)
      let chain = try store.createStream(
        StreamName("chain"), options: StreamLogEvidenceTests.options(durability, .chain))
      let none = try store.createStream(
        StreamName("none"), options: StreamLogEvidenceTests.options(durability, .none))
      try StreamLogEvidenceTests.append(500, to: tree, seed: round)
      try StreamLogEvidenceTests.append(100, to: chain, seed: round)
      try none.append([1])
      let head = try #require(try store.stateHeads())
      // Nothing has come further: nothing is stated again.
      #expect(try store.stateHeads() == head)
      #expect(head.nextOffset.rawValue == 2 * (round + 1))
      let treeHead = try #require(tree.evidenceHead)
      let chainHead = try #require(chain.evidenceHead)
      #expect(treeHead.nextOffset == tree.logEndOffset)
      let statements = try Self.statements(store).suffix(2)
      #expect(
        statements.map(\.content) == [
          .heads(StreamHeads(treeHead, tree)), .heads(StreamHeads(chainHead, chain)),
        ])
      #expect(statements.map(\.streamID) == [tree.streamID, chain.streamID])
      // The tree of the store grows, and goes on from what it was.
      let evidence = try #require(try store.evidenceStream())
      let hashes = try store.tree(of: evidence)
      let root = try #require(Digest(head.root))
      #expect(try hashes.root(size: head.nextOffset.rawValue) == root)
      if let last {
        let proof = try hashes.consistencyProof(
          oldSize: last.nextOffset.rawValue, size: head.nextOffset.rawValue)
        try proof.verify(part: #require(Digest(last.root)), root: root)
      }
      last = head
      store.close()
    }
  }

  @Test func `what is stated survives the power`() throws {
    for cut in 0..<3 as Range<UInt64> {
      let machine = Machine()
      try machine.create()
      let store = try machine.open()
      let log = try StreamTreeTests.log(store, .memory)
      try StreamLogEvidenceTests.append(300, to: log, seed: cut)
      let head = try #require(try store.stateHeads())
      try StreamLogEvidenceTests.append(300, to: log, seed: cut + 9)
      let again = try machine.crashed(.loseAll).open()
      let evidence = try #require(try again.evidenceStream())
      let root = try again.tree(of: evidence).root(size: head.nextOffset.rawValue)
      #expect(root.bytes == head.root)
      let stated = try #require(try Self.statements(again).last)
      guard case .heads(let heads) = stated.content else {
        Issue.record("no heads")
        return
      }
      let opened = try again.stream(StreamName("s"))
      let tree = try again.tree(of: opened)
      #expect(try tree.root(size: heads.nextOffset) == heads.root)
      again.close()
      store.close()
    }
  }

  @Test(arguments: everyClass, [EvidenceClass.tree, .chain])
  func `what is removed is stated first, and proofs go on`(
    _ durability: Durability, _ coverage: EvidenceClass
  ) throws {
    let machine = Machine()
    try machine.create()
    var store = try machine.open()
    var log = try StreamTreeTests.log(store, durability, evidence: coverage)
    var expected = StoredTree()
    var sizes: [UInt64] = []
    for part in 0..<6 as Range<UInt64> {
      try StreamLogEvidenceTests.append(1_700, to: log, seed: part)
      _ = try store.stateHeads()
      sizes.append(log.logEndOffset.rawValue)
    }
    if coverage == .tree { expected = try StreamTreeTests.slowTree(log) }
    var removedCount = 0
    for offset in [sizes[1], sizes[1], sizes[3], sizes[5]] {
      removedCount += try log.removeSegments(
        before: Offset(rawValue: offset), reason: "case 7"
      ).removed
      let start = log.logStartOffset.rawValue
      let removals = try Self.statements(store).compactMap { statement -> RecordRemoval? in
        guard case .removal(let removal) = statement.content else { return nil }
        #expect(statement.streamID == 1 && removal.reason == "case 7")
        return removal
      }
      #expect(removals.last?.nextOffset ?? 0 == start)
      for (before, after) in zip(removals, removals.dropFirst()) {
        #expect(before.nextOffset == after.firstOffset)
      }
      if coverage == .tree {
        let tree = try store.tree(of: log)
        let size = expected.size
        for old in sizes {
          let proof = try tree.consistencyProof(oldSize: old, size: size)
          try proof.verify(part: expected.root(atSize: old), root: expected.root)
        }
        for kept in stride(from: start, to: size, by: 61) {
          _ = try tree.proof(of: Offset(rawValue: kept), size: size, root: expected.root)
        }
      }
      // Another process of ours finds the same.
      store.close()
      store = try machine.open()
      log = try store.stream(StreamName("s"))
    }
    #expect(removedCount > 1)
    try StreamLogEvidenceTests.append(100, to: log, seed: 99)
    let head = try #require(try store.stateHeads())
    #expect(head.nextOffset > .zero)
    #expect(try log.checkEvidence().problem == nil)
    store.close()
  }

  @Test func `what is stated and still there has its proofs`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try StreamTreeTests.log(store, .memory, evidence: .tree)
    for part in 0..<4 as Range<UInt64> {
      try StreamLogEvidenceTests.append(1_700, to: log, seed: part)
      _ = try store.stateHeads()
    }
    let expected = try StreamTreeTests.slowTree(log)
    // As a crash leaves it between the statement and the removal.
    let end = Offset(rawValue: expected.size / 2 + 77)
    try store.core.statements.stateRemoval(
      of: log, from: .zero, to: end, cause: .request, reason: "never carried out")
    let tree = try store.tree(of: log)
    for offset in stride(from: 0, to: expected.size, by: 13) {
      let place = Offset(rawValue: offset)
      let leaf = try #require(try tree.leaves(place..<place.advanced(by: 1)).first)
      #expect(leaf.offset == offset)
      let (hash, proof) = try tree.proof(of: place, size: expected.size, root: expected.root)
      #expect(hash == MerkleTree.leafHash(leaf.encoded))
      try proof.verify(leaf: hash, root: expected.root)
    }
    store.close()
  }

  @Test func `the statements themselves stay, and a reason has its limit`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try StreamTreeTests.log(store, .disk)
    for part in 0..<3 as Range<UInt64> {
      try StreamLogEvidenceTests.append(2_000, to: log, seed: part)
      _ = try store.stateHeads()
    }
    #expect(throws: AppendError.self) {
      try log.removeSegments(
        before: log.logEndOffset, reason: String(repeating: "x", count: 1_025))
    }
    #expect(log.logStartOffset == .zero)
    let evidence = try #require(try store.evidenceStream())
    #expect(try evidence.removeSegments(before: evidence.logEndOffset).removed == 0)
    store.close()
  }
}
