import ByteCoding
import Cryptography
import Foundation
import Integrity
import Testing

/// Checkpoints, proofs, keys and policies that are not what they should be: each is refused with its reason.
///
/// Of RELIABILITY.md, R7.2, rows 31 to 45, those are here that the auditor meets: 31 (keys), 33 and 34 (signatures
/// of another kind), 37 (size and root). `Ed25519Tests` has the rest of 31. Elsewhere are 36 and 38
/// (`SealKeyTests`, `SealVerifierTests`), 39 to 44 (`PayloadCipherTests`, `WrappedKeyTests`,
/// `SubjectKeyStore` and its tests). There is no ECDSA of our own (32), no revocation (35: policies and
/// lists of keys say who counts), and no compression (45).
@Suite struct BadDocumentTests {
  private let rig: AuditRig
  private let store: AuditedStore
  private let key: NoteSignerKey
  private let proof: ProofFile

  init() throws {
    rig = try AuditRig()
    store = try AuditedStore(in: rig, recordCount: 20)
    key = try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 3, count: 32))
    var tree = StoredTree()
    tree.append((0..<7).map { MerkleTree.leafHash([$0]) })
    var note = try SignedNote(
      text: Checkpoint(origin: "example.com/log", size: 7, root: tree.root).text)
    try note.sign(with: key)
    proof = ProofFile(
      index: 2, path: tree.inclusionProof(index: 2, size: 7).path, note: note)
  }

  private var root: String {
    String(String(decoding: proof.note.text, as: UTF8.self).split(separator: "\n")[2])
  }

  /// The same 32 bytes with other bits behind their end.
  private static func loose(_ text: String) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let last = text.dropLast().last.flatMap { digits.firstIndex(of: $0) } ?? 0
    return String(text.dropLast(2)) + String(digits[last ^ 1]) + "="
  }

  @Test func `checkpoints in another spelling, or of sizes that no log has, are refused by reason`()
    throws
  {
    let good = String(decoding: proof.note.encoded, as: UTF8.self)
    let signature = String(good.split(separator: "\n")[3])
    let bad: [(String, String)] = [
      ("", "text, a blank line and signatures"), ("\n", "text, a blank line and signatures"),
      (good.replacingOccurrences(of: "\n", with: "\r\n"), "ends of lines of Windows"),
      (good.replacingOccurrences(of: root, with: Self.loose(root)), "canonical Base64"),
      (good.replacingOccurrences(of: root, with: String(root.dropLast())), "canonical Base64"),
      (good.replacingOccurrences(of: root, with: "AAAA"), "not 32 bytes"),
      (good.replacingOccurrences(of: "\n7\n", with: "\n9223372036854775808\n"), "below 2^63"),
      (good.replacingOccurrences(of: "\n7\n", with: "\n18446744073709551616\n"), "below 2^63"),
      (good.replacingOccurrences(of: "\n7\n", with: "\n-7\n"), "is no number"),
      (good.replacingOccurrences(of: "\n7\n", with: "\n07\n"), "zeros in front"),
      (good.replacingOccurrences(of: "\n7\n", with: "\n7\n7\n"), "canonical Base64"),
      (good.replacingOccurrences(of: root, with: root + "\n" + root), "does not verify"),
      ("\n" + good, "its origin is empty"),
      (good + signature, "with a newline at the end"),
      (good + String(signature.dropLast(4)) + "AB==\n", "signature 2 is not"),
      (String(repeating: "\u{2028}", count: 9), "text, a blank line and signatures"),
      (good.replacingOccurrences(of: "example", with: "ex\u{0}mple"), "control characters"),
    ]
    for (text, reason) in bad {
      try rig.write("bad", Array(text.utf8))
      let outcome = rig.run([
        "verify", store.path, "--checkpoint", rig.path("bad"), "--key", key.verifier.text,
      ])
      #expect(outcome.code == 1 && outcome.output.contains(reason), "\(text)\n\(outcome.output)")
    }
    // Bytes that are not text.
    try rig.write("bad", [0xff, 0xfe, 0x0a, 0x0a])
    #expect(
      rig.run(["verify", store.path, "--checkpoint", rig.path("bad")]).output.contains("not UTF-8"))
  }

  @Test func `a signature that is repeated counts once, and one too many is refused`() throws {
    var note = proof.note
    note.lines.append(note.lines[0])
    try rig.write("note", note.encoded)
    let words = [
      "verify", store.path, "--checkpoint", rig.path("note"), "--key", key.verifier.text,
    ]
    let twice = rig.run(words + ["--json"])
    #expect(twice.output.contains("\"signers\":[\"example.com/log\"]"), "\(twice.output)")
    note.lines = Array(repeating: note.lines[0], count: 101)
    try rig.write("note", note.encoded)
    let many = rig.run(words)
    #expect(many.code == 1 && many.output.contains("more signatures than 100"))
  }

  @Test
  func `a checkpoint of another size under the same root is refused, and one of another root`()
    throws
  {
    for (size, root) in [(8, proof.note), (7, proof.note)] as [(UInt64, SignedNote)] {
      let checkpoint = try Checkpoint(text: root.text)
      let other = try Checkpoint(
        origin: "example.com/log", size: size,
        root: size == 7 ? MerkleTree.leafHash([9]) : checkpoint.root)
      var note = try SignedNote(text: other.text)
      note.lines = proof.note.lines
      try rig.write("note", note.encoded)
      let outcome = rig.run([
        "verify", store.path, "--checkpoint", rig.path("note"), "--key", key.verifier.text,
      ])
      #expect(outcome.code == 1 && outcome.output.contains("does not verify"), "\(outcome.output)")
    }
  }

  @Test func `proofs whose hashes have another length or number are refused by reason`() throws {
    let good = String(decoding: proof.encoded, as: UTF8.self)
    let hash = Base64.text(proof.path[0].bytes)
    func hashes(_ count: Int) -> String { Base64.text([UInt8](repeating: 1, count: count)) }
    let bad: [(String, String)] = [
      (good.replacingOccurrences(of: hash, with: hashes(31)), "see line 3"),
      (good.replacingOccurrences(of: hash, with: hashes(33)), "see line 3"),
      (good.replacingOccurrences(of: hash, with: hashes(64)), "see line 3"),
      (good.replacingOccurrences(of: hash, with: Self.loose(hash)), "see line 3"),
      (good.replacingOccurrences(of: hash + "\n", with: ""), "2 hashes where its place and size"),
      (good.replacingOccurrences(of: hash, with: hash + "\n" + hash), "4 hashes where its place"),
      (
        good.replacingOccurrences(
          of: hash, with: [String](repeating: hash, count: 64).joined(separator: "\n")),
        "see line 66"
      ),
      (good.replacingOccurrences(of: "\n", with: "\r\n"), "see line 1"),
      (good.replacingOccurrences(of: "index 2\n", with: "index 2\nindex 2\n"), "see line 3"),
      (good.replacingOccurrences(of: "index 2\n", with: "index 02\n"), "see line 2"),
      (good.replacingOccurrences(of: "index 2\n", with: "index 7\n"), "outside its tree"),
      (
        good.replacingOccurrences(of: "index 2\n", with: "index 9223372036854775808\n"),
        "see line 2"
      ),
      (good.replacingOccurrences(of: "index 2\n", with: "extra AB==\nindex 2\n"), "see line 2"),
      (
        good.replacingOccurrences(of: "index 2\n", with: "extra AA==\nextra AA==\nindex 2\n"),
        "see line 3"
      ),
      (good.replacingOccurrences(of: "@v1", with: "@v2"), "see line 1"), ("", "see line 1"),
      (String(good.prefix(60)), "not a proof file"),
    ]
    let leaf = Hexadecimal.text(MerkleTree.leafHash([2]).bytes)
    for (text, reason) in bad {
      try rig.write("bad.tlog-proof", Array(text.utf8))
      let outcome = rig.run([
        "check-proof", rig.path("bad.tlog-proof"), "--key", key.verifier.text, "--leaf", leaf,
      ])
      #expect(outcome.code == 1 && outcome.output.contains(reason), "\(text)\n\(outcome.output)")
    }
    try rig.write("good.tlog-proof", proof.encoded)
    let outcome = rig.run([
      "check-proof", rig.path("good.tlog-proof"), "--key", key.verifier.text, "--leaf", leaf,
    ])
    #expect(outcome.code == 0)
  }

  @Test
  func `keys of small order, of another kind or with another hash are refused on the command line`()
    throws
  {
    let name = try #require(KeyName("example.com/log"))
    func text(_ kind: UInt8, _ bytes: [UInt8]) -> String {
      let digest = SHA256.digest(name.utf8 + [0x0a, kind] + bytes).bytes
      return
        "example.com/log+\(Hexadecimal.text(Array(digest.prefix(4))))+\(Base64.text([kind] + bytes))"
    }
    let publicKey = key.verifier.publicKey
    // The neutral point, that of order two, and zero, which is of order four.
    let points: [[UInt8]] = [
      [1] + [UInt8](repeating: 0, count: 31),
      [0xec] + [UInt8](repeating: 0xff, count: 30) + [0x7f], [UInt8](repeating: 0, count: 32),
    ]
    let bad: [(String, String)] =
      points.map { (text(1, $0), "anybody can sign") } + [
        (text(2, publicKey), "signatures of kind 2"), (text(0, publicKey), "signatures of kind 0"),
        (text(1, Array(publicKey.dropLast())), "wrong number of bytes"),
        (text(1, publicKey + [0]), "wrong number of bytes"),
        (String(text(1, publicKey).prefix(25)) + Base64.text([4] + publicKey), "its hash is not"),
        ("example.com/log+00000000+" + Base64.text([1] + publicKey), "its hash is not"),
      ]
    for (key, reason) in bad {
      let outcome = rig.run(["verify", store.path, "--key", key])
      #expect(outcome.isClearError && outcome.errors.contains(reason), "\(outcome.errors)")
    }
    #expect(text(1, publicKey) == key.verifier.text)
  }

  @Test func `policies that say a thing twice are refused with the line`() throws {
    let witness = try NoteSignerKey(
      name: #require(KeyName("w")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 5, count: 32))
    let line = "witness w \(witness.verifier.text)\n"
    let bad: [(String, String)] = [
      (line + "quorum w\nquorum w\n", "line 3: one quorum"),
      (line + line + "quorum w\n", "line 2: a name or key is used twice"),
      (line + "group g 1 w w\nquorum g\n", "line 2: a name or key is used twice"),
      (line + "group g 2 w\nquorum g\n", "line 2: no choice"),
      (line + "quorum v\n", "line 2: a name"), (line, "one quorum line is wanted"),
      (line + "quorum w\r\n", "line 2: a name"), ("", "one quorum line is wanted"),
    ]
    for (text, reason) in bad {
      try rig.write("policy", Array(text.utf8))
      let outcome = rig.run(["verify", store.path, "--policy", rig.path("policy")])
      #expect(outcome.isClearError && outcome.errors.contains(reason), "\(text): \(outcome.errors)")
    }
  }
}
