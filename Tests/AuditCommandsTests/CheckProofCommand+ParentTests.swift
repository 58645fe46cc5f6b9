import Cryptography
import Foundation
import Integrity
import Testing

@Suite struct CheckProofCommandParentTests {
  /// A child log with proofs of its records, and a parent that has its checkpoint as record 4.
  private struct Logs {
    let rig: AuditRig
    let child: NoteSignerKey
    let parent: NoteSignerKey
    let proof: ProofFile

    init() throws {
      rig = try AuditRig()
      child = try NoteSignerKey(
        name: #require(KeyName("child.example")), seed: [UInt8](repeating: 1, count: 32))
      parent = try NoteSignerKey(
        name: #require(KeyName("parent.example")), seed: [UInt8](repeating: 2, count: 32))
      proof = try Self.proof(2, (0..<5).map { [$0] }, "child.example/streams/a", child)
      let leaf = RecordLeaf(
        kind: .record, offset: 4, appendTime: 5,
        commitment: RecordContent.commitment(
          key: nil, type: nil, headers: [], value: proof.note.encoded))
      let above = try Self.proof(
        4, (0..<4).map { [$0, 9] } + [leaf.encoded], "parent.example", parent,
        RecordProof(leaf: leaf).encoded)
      try rig.write("entry", [2])
      try rig.write("child.tlog-proof", proof.encoded)
      try rig.write("parent.tlog-proof", above.encoded)
    }

    static func proof(
      _ index: UInt64, _ leaves: [[UInt8]], _ origin: String, _ key: NoteSignerKey,
      _ extra: [UInt8]? = nil
    ) throws -> ProofFile {
      var tree = StoredTree()
      tree.append(leaves.map { MerkleTree.leafHash($0) })
      var note = try SignedNote(
        text: Checkpoint(origin: origin, size: tree.size, root: tree.root).text)
      try note.sign(with: key)
      return ProofFile(
        index: index, path: tree.inclusionProof(index: index, size: tree.size).path, note: note,
        extra: extra)
    }

    func check(parent name: String = "parent.tlog-proof", _ words: String...) -> AuditRig.Outcome {
      rig.run(
        [
          "check-proof", rig.path("child.tlog-proof"), "--key", child.verifier.text, "--origin",
          "child.example/streams/a", "--entry", rig.path("entry"), "--parent", rig.path(name),
        ] + words)
    }
  }

  @Test func `the way leads from a record to the checkpoint of the parent`() throws {
    let logs = try Logs()
    let key = logs.parent.verifier.text
    let whole = logs.check("--parent-key", key)
    #expect(whole.code == 0, "\(whole)")
    #expect(
      whole.output.contains("its checkpoint is record 4 in 'parent.example', checkpoint of 5"))
    let json = logs.check("--parent-key", key, "--json")
    #expect(json.output.contains("\"parentIndex\":4,\"parentOrigin\":\"parent.example\""))
    #expect(logs.check("--parent-key", key, "--parent-origin", "other").code == 1)
    #expect(logs.check("--parent-key", logs.child.verifier.text).code == 1)
    let itself = logs.check(parent: "child.tlog-proof", "--parent-key", key)
    #expect(itself.code == 1 && itself.output.contains("does not hold the record's leaf"))
    let bytes = try logs.rig.read("parent.tlog-proof")
    for position in stride(from: 0, to: bytes.count, by: 11) {
      var other = bytes
      other[position] ^= 1
      try logs.rig.write("changed", other)
      #expect(logs.check(parent: "changed", "--parent-key", key).code == 1, "byte \(position)")
    }
  }

  @Test func `witnesses of the policy are those of the parent`() throws {
    let logs = try Logs()
    let witness = try NoteSignerKey(
      name: #require(KeyName("w")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 5, count: 32))
    try logs.rig.write("policy", Array("witness w \(witness.verifier.text)\nquorum w\n".utf8))
    let words = ["--parent-key", logs.parent.verifier.text, "--policy", logs.rig.path("policy")]
    let unseen = logs.check(words[0], words[1], words[2], words[3])
    #expect(unseen.code == 1 && unseen.output.contains("parent: too few witnesses"))
    let above = try ProofFile(logs.rig.read("parent.tlog-proof"))
    var note = above.note
    note.lines.append(try Cosignature.line(over: note.text, time: 9, key: witness))
    let seen = ProofFile(index: above.index, path: above.path, note: note, extra: above.extra)
    try logs.rig.write("seen", seen.encoded)
    #expect(logs.check(parent: "seen", words[0], words[1], words[2], words[3]).code == 0)
  }

  @Test func `a parent without its key, or a key without its parent, is refused in one line`()
    throws
  {
    let logs = try Logs()
    #expect(logs.check().isClearError)
    #expect(logs.check(parent: "nowhere", "--parent-key", logs.parent.verifier.text).isClearError)
    let words = [
      "check-proof", logs.rig.path("child.tlog-proof"), "--key", logs.child.verifier.text,
    ]
    #expect(logs.rig.run(words + ["--parent-key", logs.parent.verifier.text]).isClearError)
  }

  @Test func `a record under a checkpoint of its store is proven by what it is`() throws {
    let logs = try Logs()
    // A stream of three records, whose heads the store states as the second of its statements.
    let record = RecordLeaf(
      kind: .record, offset: 1, appendTime: 1_700_000_000_000_000_001,
      commitment: RecordContent.commitment(
        key: nil, type: nil, headers: [], value: Array("v".utf8)))
    var stream = StoredTree()
    stream.append([[0], record.encoded, [2]].map { MerkleTree.leafHash($0) })
    let heads = StreamHeads(
      groupCount: 1, nextOffset: 3, coverage: .tree, head: Digest(), root: stream.root, name: "a")
    let statement = Statement(
      storeID: [UInt8](repeating: 7, count: 16), streamID: 1, content: .heads(heads))
    let stated = RecordLeaf(
      kind: .record, offset: 1, appendTime: 9,
      commitment: RecordContent.commitment(
        key: nil, type: Array("heads".utf8), headers: [], value: statement.encoded))
    let inner = RecordProof.Inner(
      path: stream.inclusionProof(index: 1, size: 3).path, statementLeaf: stated,
      statement: statement)
    let proof = try Logs.proof(
      1, [[0], stated.encoded], "child.example", logs.child,
      RecordProof(leaf: record, inner: inner).encoded)
    try logs.rig.write("store.tlog-proof", proof.encoded)
    try logs.rig.write("value", Array("v".utf8))
    let words = [
      "check-proof", logs.rig.path("store.tlog-proof"), "--key", logs.child.verifier.text,
      "--record", logs.rig.path("value"), "--append-time",
    ]
    let proven = logs.rig.run(words + ["2023-11-14T22:13:20.000000001Z"])
    #expect(proven.code == 0, "\(proven)")
    #expect(logs.rig.run(words + ["2023-11-14T22:13:20.000000002Z"]).code == 1)
    try logs.rig.write("value", Array("w".utf8))
    #expect(logs.rig.run(words + ["2023-11-14T22:13:20.000000001Z"]).code == 1)
  }
}
