import ByteCoding
import Cryptography
import Foundation
import Integrity
import LogFormat
import Testing

@Suite struct CheckProofCommandTests {
  /// A log of five leaves, of which one is a record of Piperoll, and proofs of it.
  private final class Log {
    let rig: AuditRig
    let key: NoteSignerKey
    let leaves: [[UInt8]]
    let record: RecordLeaf

    init() throws {
      rig = try AuditRig()
      key = try NoteSignerKey(
        name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 3, count: 32))
      let headers = try RecordHeaders.encoded([.init(name: "trace", value: Array("a=b".utf8))])
      record = RecordLeaf(
        kind: .record, flags: .tombstone, offset: 3, appendTime: 1_700_000_000_000_000_001,
        commitment: RecordContent.commitment(
          eventTime: 5, key: Array("k".utf8), type: [], headers: headers, value: Array("v".utf8)))
      leaves = (0..<5).map { [UInt8($0)] }.enumerated().map { [record] in
        $0.offset == 3 ? record.encoded : $0.element
      }
      try rig.write("value", Array("v".utf8))
      try rig.write("leaf", record.encoded)
      for index in 0..<5 { try rig.write("\(index).tlog-proof", try proof(of: index).encoded) }
    }

    func proof(of index: Int, witness: NoteSignerKey? = nil) throws -> ProofFile {
      let hashes = leaves.map { MerkleTree.leafHash($0) }
      var tree = StoredTree()
      tree.append(hashes)
      let checkpoint = try Checkpoint(
        origin: "example.com/log", size: 5, root: tree.root)
      var note = try SignedNote(text: checkpoint.text)
      try note.sign(with: key)
      if let witness {
        note.lines.append(try Cosignature.line(over: note.text, time: 9, key: witness))
      }
      let path = tree.inclusionProof(index: UInt64(index), size: 5).path
      return ProofFile(index: UInt64(index), path: path, note: note)
    }

    func check(_ name: String, _ words: String...) -> AuditRig.Outcome {
      rig.run(["check-proof", rig.path(name), "--key", key.verifier.text] + words)
    }
  }

  private static let record = [
    "--append-time", "2023-11-14T22:13:20.000000001Z", "--event-time",
    "1970-01-01T00:00:00.000000005Z",
    "--record-key", "k", "--type", "", "--header", "trace=a=b", "--tombstone",
  ]

  @Test func `a leaf is proven by its hash, its bytes, or the record itself`() throws {
    let log = try Log()
    let hash = Hexadecimal.text(MerkleTree.leafHash([1]).bytes)
    let byHash = log.check("1.tlog-proof", "--leaf", hash)
    #expect(
      byHash.code == 0 && byHash.output.hasPrefix("PROVEN: leaf 1 is in 'example.com/log' of 5"))
    #expect(log.check("3.tlog-proof", "--entry", log.rig.path("leaf")).code == 0)
    let words = ["check-proof", log.rig.path("3.tlog-proof"), "--key", log.key.verifier.text]
    let byRecord = log.rig.run(words + ["--record", log.rig.path("value")] + Self.record)
    #expect(byRecord.code == 0, "\(byRecord)")
    let json = log.check("1.tlog-proof", "--leaf", hash, "--json")
    #expect(json.output.hasPrefix("{\"index\":1,\"origin\":\"example.com/log\",\"proven\":true,"))
  }

  @Test(arguments: 0..<6)
  func `a record that differs in one thing is not proven`(_ place: Int) throws {
    let log = try Log()
    var words = Self.record
    let other = [
      (1, "2023-11-14T22:13:20.000000002Z"), (3, "1970-01-01T00:00:00.000000006Z"), (5, "K"),
      (7, "t"),
      (9, "trace=a=c"),
    ]
    if place < other.count { words[other[place].0] = other[place].1 } else { words.removeLast() }
    let outcome = log.rig.run(
      ["check-proof", log.rig.path("3.tlog-proof"), "--key", log.key.verifier.text]
        + ["--record", log.rig.path("value")] + words)
    #expect(
      outcome.code == 1 && outcome.output.hasPrefix("NOT PROVEN: the proof leads to the root"))
  }

  @Test func `neither another key nor another origin nor a changed proof proves anything`() throws {
    let log = try Log()
    let hash = Hexadecimal.text(MerkleTree.leafHash([1]).bytes)
    #expect(log.check("1.tlog-proof", "--leaf", hash, "--origin", "example.org/else").code == 1)
    #expect(log.check("2.tlog-proof", "--leaf", hash).code == 1)
    let stranger = try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 4, count: 32))
    let words = ["check-proof", log.rig.path("1.tlog-proof"), "--leaf", hash]
    let outcome = log.rig.run(words + ["--key", stranger.verifier.text])
    #expect(outcome.code == 1 && outcome.output.contains("no signature of a known key"))
    let bytes = try log.rig.read("1.tlog-proof")
    for position in stride(from: 0, to: bytes.count, by: 7) {
      var other = bytes
      other[position] ^= 1
      try log.rig.write("other", other)
      #expect(log.check("other", "--leaf", hash).code == 1, "byte \(position)")
    }
  }

  @Test func `a policy asks for its witnesses`() throws {
    let log = try Log()
    let witness = try NoteSignerKey(
      name: #require(KeyName("witness.example/one")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 5, count: 32))
    try log.rig.write(
      "policy", Array("witness one \(witness.verifier.text)\nquorum one\n".utf8))
    try log.rig.write("seen", try log.proof(of: 1, witness: witness).encoded)
    let hash = Hexadecimal.text(MerkleTree.leafHash([1]).bytes)
    let policy = log.rig.path("policy")
    #expect(log.check("seen", "--leaf", hash, "--policy", policy).code == 0)
    let unseen = log.check("1.tlog-proof", "--leaf", hash, "--policy", policy)
    #expect(unseen.code == 1 && unseen.output.contains("too few witnesses"))
  }

  @Test func `a command line that is not complete is refused in one line`() throws {
    let log = try Log()
    let file = log.rig.path("1.tlog-proof")
    #expect(log.rig.run(["check-proof", file]).isClearError)
    #expect(log.check("1.tlog-proof").isClearError)
    #expect(log.check("1.tlog-proof", "--leaf", "12").isClearError)
    #expect(log.check("1.tlog-proof", "--record", log.rig.path("value")).isClearError)
    #expect(log.check("nowhere", "--leaf", String(repeating: "0", count: 64)).isClearError)
    #expect(log.rig.run(["check-proof", file, "--key", "not+a+key"]).isClearError)
    #expect(
      log.check("1.tlog-proof", "--entry", "x", "--leaf", String(repeating: "0", count: 64))
        .isClearError)
  }
}
