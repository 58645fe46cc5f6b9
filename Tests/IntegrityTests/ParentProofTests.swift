import Cryptography
import Integrity
import Testing

@Suite struct ParentProofTests {
  private let child: NoteSignerKey
  private let parent: NoteSignerKey
  private let proof: ProofFile

  init() throws {
    child = try NoteSignerKey(
      name: #require(KeyName("child")), seed: [UInt8](repeating: 1, count: 32))
    parent = try NoteSignerKey(
      name: #require(KeyName("parent")), seed: [UInt8](repeating: 2, count: 32))
    proof = try Self.proof(of: 2, leaves: (0..<5).map { [$0] }, origin: "child", by: child)
  }

  private static func proof(
    of index: UInt64, leaves: [[UInt8]], origin: String, by key: NoteSignerKey,
    extra: [UInt8]? = nil
  ) throws -> ProofFile {
    var tree = StoredTree()
    tree.append(leaves.map { MerkleTree.leafHash($0) })
    let checkpoint = try Checkpoint(origin: origin, size: tree.size, root: tree.root)
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: key)
    return ProofFile(
      index: index, path: tree.inclusionProof(index: index, size: tree.size).path, note: note,
      extra: extra)
  }

  /// A parent of three records, of which the second is what is given.
  private func parent(holding bytes: [UInt8], kind: RecordLeaf.Kind = .record, key: [UInt8]? = nil)
    throws -> ProofFile
  {
    let leaf = RecordLeaf(
      kind: kind, offset: 1, appendTime: 5,
      commitment: RecordContent.commitment(key: key, type: nil, headers: [], value: bytes))
    return try Self.proof(
      of: 1, leaves: [[1], leaf.encoded, [3]], origin: "parent", by: parent,
      extra: RecordProof(leaf: leaf).encoded)
  }

  private func failure(
    _ above: ProofFile, keys: [NoteVerifierKey]? = nil, policy: WitnessPolicy? = nil
  )
    -> ProofFile.ParentFailure?
  {
    do throws(ProofFile.ParentFailure) {
      _ = try proof.verifyCheckpoint(
        in: above, origin: "parent", keys: keys ?? [parent.verifier], policy: policy)
      return nil
    } catch {
      return error
    }
  }

  @Test func `a checkpoint is a record of its parent byte by byte`() throws {
    let good = try parent(holding: proof.note.encoded)
    let (checkpoint, leaf) = try proof.verifyCheckpoint(
      in: good, origin: "parent", keys: [parent.verifier])
    #expect(checkpoint.size == 3 && leaf.offset == 1)
    var other = proof.note
    other.lines.append(other.lines[0])
    #expect(try failure(parent(holding: other.encoded)) == .otherRecord(offset: 1))
    #expect(try failure(parent(holding: proof.note.text)) == .otherRecord(offset: 1))
    #expect(try failure(parent(holding: proof.note.encoded, key: [1])) == .otherRecord(offset: 1))
    #expect(try failure(parent(holding: proof.note.encoded, kind: .gap)) == .leaf)
  }

  @Test func `a parent is believed by its key, its witnesses and its path alone`() throws {
    let good = try parent(holding: proof.note.encoded)
    #expect(failure(good, keys: [child.verifier]) == .parent(.note(.unverified)))
    let witness = try NoteSignerKey(
      name: #require(KeyName("w")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 5, count: 32))
    let policy = try WitnessPolicy(Array("witness w \(witness.verifier.text)\nquorum w\n".utf8))
    #expect(failure(good, policy: policy) == .parent(.quorum))
    var seen = good.note
    seen.lines.append(try Cosignature.line(over: seen.text, time: 9, key: witness))
    let cosigned = ProofFile(index: 1, path: good.path, note: seen, extra: good.extra)
    #expect(failure(cosigned, policy: policy) == nil)
    #expect(failure(ProofFile(index: 1, path: good.path, note: good.note)) == .leaf)
    #expect(
      failure(ProofFile(index: 1, path: good.path, note: good.note, extra: [1, 0])) == .leaf)
    let moved = ProofFile(index: 0, path: good.path, note: good.note, extra: good.extra)
    guard case .parent(.proof) = failure(moved) else {
      Issue.record("another index leads elsewhere")
      return
    }
  }
}
