import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct RecordProofTests {
  private static func leaf(_ offset: UInt64, _ commitment: Digest = SHA256.digest([1]))
    -> RecordLeaf
  {
    RecordLeaf(kind: .record, offset: offset, appendTime: 5, commitment: commitment)
  }

  /// A record of a stream of five, and the statement that holds the root of their tree.
  private struct Sample {
    var leaves = (0..<5 as Range<UInt64>).map { leaf($0) }
    var proof: RecordProof

    init(_ index: UInt64 = 3) {
      var tree = StoredTree()
      tree.append(leaves.map { MerkleTree.leafHash($0.encoded) })
      let heads = StreamHeads(
        groupCount: 1, nextOffset: 5, coverage: .tree, head: SHA256.digest([2]), root: tree.root,
        name: "a")
      let statement = Statement(
        storeID: EvidenceSamples.storeID, streamID: 7, content: .heads(heads))
      let commitment = RecordContent.commitment(
        key: nil, type: Array("heads".utf8), headers: [], value: statement.encoded)
      proof = RecordProof(
        leaf: leaves[Int(index)],
        inner: .init(
          path: tree.inclusionProof(index: index, size: 5).path,
          statementLeaf: leaf(11, commitment), statement: statement))
    }
  }

  private func failure(_ proof: RecordProof, index: UInt64 = 11) -> RecordProof.Failure? {
    do throws(RecordProof.Failure) {
      try proof.verify(index: index)
      return nil
    } catch { return error }
  }

  @Test func `a proof that was written is read again, and nothing shorter or longer is`() throws {
    for proof in [RecordProof(leaf: Self.leaf(9)), Sample().proof, Sample(0).proof] {
      let bytes = proof.encoded
      #expect(RecordProof(bytes) == proof)
      for count in 0..<bytes.count { #expect(RecordProof(Array(bytes.prefix(count))) == nil) }
      #expect(RecordProof(bytes + [0]) == nil)
    }
  }

  @Test func `a leaf of the stream itself is the one that the file proves`() {
    let proof = RecordProof(leaf: Self.leaf(9))
    #expect(proof.provenLeaf == MerkleTree.leafHash(proof.leaf.encoded))
    #expect(failure(proof, index: 9) == nil)
    #expect(failure(proof, index: 8) == .index)
  }

  @Test func `a way by a statement holds in all its parts, or not at all`() {
    for index in 0..<5 as Range<UInt64> { #expect(failure(Sample(index).proof) == nil) }
    let good = Sample().proof
    #expect(good.inner.map { MerkleTree.leafHash($0.statementLeaf.encoded) } == good.provenLeaf)
    #expect(failure(good, index: 12) == .index)
    var other = good
    other.leaf.appendTime += 1
    guard case .proof(.rootMismatch) = failure(other) else {
      Issue.record("another leaf")
      return
    }
    other = good
    other.inner?.path.removeLast()
    guard case .proof(.pathLength) = failure(other) else {
      Issue.record("a short path")
      return
    }
    other = good
    other.leaf.offset = 5
    guard case .proof(.range) = failure(other) else {
      Issue.record("behind the tree")
      return
    }
    other = good
    other.inner?.statement.streamID = 8
    #expect(failure(other) == .statement)
    other = good
    other.inner?.statementLeaf.kind = .gap
    #expect(failure(other) == .statement)
  }

  @Test func `a statement that says nothing of a tree proves nothing`() {
    var proof = Sample().proof
    guard case .heads(var heads) = proof.inner?.statement.content else {
      Issue.record("no heads")
      return
    }
    heads.coverage = .chain
    proof.inner?.statement.content = .heads(heads)
    #expect(failure(proof) == .statement)
    proof.inner?.statement.content = .erasure(
      SubjectErasure(time: 0, subjectCode: Digest(), reason: ""))
    #expect(failure(proof) == .statement)
  }

  @Test func `versions, kinds and counts that nobody writes are refused`() {
    let bytes = Sample().proof.encoded
    for (place, value) in [(0, 0), (0, 2), (1, 2), (1, 0), (2, 64), (3, 1)] as [(Int, UInt8)] {
      var changed = bytes
      changed[place] = value
      #expect(RecordProof(changed) == nil, "\(place)")
    }
  }
}
