internal import ByteCoding
internal import Cryptography
internal import Integrity

/// Those of the failures that are about proofs, signatures and witnesses.
extension FailureList {
  static func signer(_ name: String, _ seed: UInt8, _ kind: SignatureKind = .ed25519) throws
    -> NoteSignerKey
  {
    guard let name = KeyName(name) else { throw ScenarioError("'\(name)' is no name") }
    return try NoteSignerKey(name: name, kind: kind, seed: [UInt8](repeating: seed, count: 32))
  }

  func proofs(_ tally: inout Tally) throws {
    try seals(&tally)
    try paths(&tally)
    try signatures(&tally)
    try spellings(&tally)
    try race(&tally)
  }

  /// Says that something was taken which must not be.
  private func refused(_ name: String, _ tally: inout Tally, _ body: () throws -> Void) {
    do {
      try body()
      tally.note(name, "it was taken")
    } catch {
      tally.note(name, nil)
    }
  }

  /// 3: an old entry that is sealed anew with the key of a later epoch.
  private func seals(_ tally: inout Tally) throws {
    guard let schedule = SealSchedule(startSeconds: 0, epochSeconds: 60, graceSeconds: 5) else {
      throw ScenarioError("no schedule")
    }
    let logID = SHA256.digest([1])
    let first = SealKey(SecretKey(from: { 7 }))
    for epoch in [0, 1, 5] as [UInt64] {
      let chain = HashChain(count: 3, head: SHA256.digest([3]))
      let seal = first.advanced(to: epoch).seal(chain, of: logID, at: 2_000_000_000)
      var verifier = SealVerifier(
        key: first.advanced(to: 0), logID: logID, schedule: schedule, held: nil,
        now: 10_000_000_000_000)
      if epoch == 0 {
        try verifier.verify(seal, covering: nil)
        tally.note("3 sealed in its epoch", nil)
      } else {
        refused("3 sealed anew", &tally) { try verifier.verify(seal, covering: nil) }
      }
    }
  }

  private static let leaves = (0..<7 as Range<UInt8>).map { MerkleTree.leafHash([$0]) }

  private func proof(_ key: NoteSignerKey, _ index: UInt64 = 2) throws -> ProofFile {
    var tree = StoredTree()
    tree.append(Self.leaves)
    var note = try SignedNote(
      text: Checkpoint(origin: "\(key.verifier.name)", size: tree.size, root: tree.root).text)
    try note.sign(with: key)
    return ProofFile(
      index: index, path: tree.inclusionProof(index: index, size: tree.size).path, note: note)
  }

  /// 7 to 10: hashes of other lengths, too many of them, other sizes, leaves that pass as nodes.
  private func paths(_ tally: inout Tally) throws {
    let key = try Self.signer("log", 1)
    let proof = try proof(key)
    let leaf = Self.leaves[2]
    func verify(_ proof: ProofFile, _ leaf: Digest = leaf) throws {
      try proof.verify(leaf: leaf, origin: "log", keys: [key.verifier])
    }
    try verify(proof)
    let lines = String(decoding: proof.encoded, as: UTF8.self)
    for count in [0, 12, 31, 33, 64] {
      let hash = Base64.text(proof.path[0].bytes)
      let other = lines.replacing(hash, with: Base64.text([UInt8](repeating: 1, count: count)))
      refused("7 hash of \(count) bytes", &tally) { try verify(ProofFile(Array(other.utf8))) }
    }
    for path in [
      proof.path + [leaf], Array(proof.path.dropLast()), [leaf] + proof.path, [], [proof.path[0]],
      proof.path.reversed(),
    ] {
      refused("8 other number of hashes", &tally) {
        try verify(ProofFile(index: 2, path: path, note: proof.note))
      }
    }
    for size in [0, 3, 4, 5, 6, 8, 1 << 62] as [UInt64] {
      let text = try Checkpoint(
        origin: "log", size: size, root: Checkpoint(text: proof.note.text).root
      ).text
      var note = try SignedNote(text: text)
      note.lines = proof.note.lines
      refused("9 other size", &tally) {
        try verify(ProofFile(index: 2, path: proof.path, note: note))
      }
    }
    let (left, right) = (Self.leaves[0], Self.leaves[1])
    let node = MerkleTree.nodeHash(left, right)
    tally.note(
      "10 leaf as node",
      MerkleTree.leafHash(left.bytes + right.bytes) == node ? "the hashes are the same" : nil)
    for count in 1..<Self.leaves.count {
      var (tree, doubled) = (StoredTree(), StoredTree())
      tree.append(Array(Self.leaves[..<count]))
      doubled.append(Array(Self.leaves[..<count]) + [Self.leaves[count - 1]])
      tally.note("10 last leaf doubled", tree.root == doubled.root ? "the roots are the same" : nil)
    }
  }

  /// 11: signatures that were made for another thing.
  private func signatures(_ tally: inout Tally) throws {
    let log = try Self.signer("log", 1)
    let witness = try Self.signer("log", 1, .ed25519Cosignature)
    let note = try proof(log).note
    var cosigned = note
    cosigned.lines = [try Cosignature.line(over: note.text, time: 5, key: witness)]
    refused("11 cosignature for a signature", &tally) {
      _ = try cosigned.verified(by: [log.verifier, witness.verifier])
    }
    var relabelled = note
    relabelled.lines = [
      .init(name: log.verifier.name, keyID: log.verifier.id, signature: cosigned.lines[0].signature)
    ]
    refused("11 cosignature for a signature", &tally) {
      _ = try relabelled.verified(by: [log.verifier])
    }
    var signed = note
    signed.lines = [
      .init(name: log.verifier.name, keyID: witness.verifier.id, signature: note.lines[0].signature)
    ]
    refused("11 signature for a cosignature", &tally) {
      guard try !Cosignature.verified(signed, by: [witness.verifier]).isEmpty else {
        throw ScenarioError("none")
      }
    }
    refused("11 secret key of another kind", &tally) {
      var other = try SignedNote(text: note.text)
      try other.sign(with: witness)
    }
  }

  /// 12: other spellings of the same document.
  private func spellings(_ tally: inout Tally) throws {
    let key = try Self.signer("log", 1)
    let proof = try proof(key)
    let note = String(decoding: proof.note.encoded, as: UTF8.self)
    let root = Base64.text(try Checkpoint(text: proof.note.text).root.bytes)
    // The last digit but the padding has two bits that mean nothing.
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    let last = root.dropLast().last.flatMap { digits.firstIndex(of: $0) } ?? 0
    let loose = String(root.dropLast(2)) + String(digits[last ^ 1]) + "="
    let bad = [
      note.replacing("\n", with: "\r\n"), note.replacing("\n7\n", with: "\n07\n"),
      note.replacing("\n7\n", with: "\n+7\n"), note.replacing("\n7\n", with: "\n7 \n"),
      note.replacing(root, with: loose), note.replacing(root, with: String(root.dropLast())),
      note.replacing(root, with: root + "\n" + root), note + "\n", " " + note,
      String(note.dropLast()),
      note.replacing("\n7\n", with: "\n9223372036854775808\n"),
      note.replacing("\n7\n", with: "\n18446744073709551623\n"),
    ]
    for text in bad {
      refused("12 other spelling", &tally) {
        let note = try SignedNote(Array(text.utf8))
        _ = try Checkpoint.verified(note, origin: "log", keys: [key.verifier])
      }
    }
    let file = String(decoding: proof.encoded, as: UTF8.self)
    for text in [
      file.replacing("index 2\n", with: "index 2\nindex 2\n"),
      file.replacing("index 2\n", with: "index 02\n"), file.replacing("\n", with: "\r\n"),
      file.replacing("index 2\n", with: "extra AA==\nextra AA==\nindex 2\n"),
      file.replacing("index 2\n", with: "extra AB==\nindex 2\n"),
      file.replacing("@v1", with: "@v01"), file.replacing("index 2\n", with: ""),
      file.replacing("index 2\n", with: "index 9223372036854775808\n"),
    ] {
      refused("12 other spelling of a proof", &tally) { _ = try ProofFile(Array(text.utf8)) }
    }
  }

  /// 13: of two requests that go on from the same size the second comes too late.
  private func race(_ tally: inout Tally) throws {
    let key = try Self.signer("log", 1)
    var tree = StoredTree()
    tree.append(Self.leaves)
    let witness = Witness(logs: [.init(origin: "log", keys: [key.verifier])])
    func request(_ size: UInt64) throws -> WitnessRequest {
      var note = try SignedNote(
        text: Checkpoint(origin: "log", size: size, root: tree.root(atSize: size)).text)
      try note.sign(with: key)
      return WitnessRequest(
        oldSize: 2, path: tree.consistencyProof(oldSize: 2, size: size).path, note: note)
    }
    let state = Witness.State(size: 2, root: tree.root(atSize: 2))
    let next = try witness.judge(request(7), after: state)
    do {
      _ = try witness.judge(request(5), after: next)
      tally.note("13 witness raced", "it went back")
    } catch {
      let isRight = error as? Witness.Refusal == .conflict(size: 7)
      tally.note("13 witness raced", isRight ? nil : "\(error)")
    }
  }
}
