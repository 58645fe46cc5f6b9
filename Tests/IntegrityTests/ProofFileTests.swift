import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct ProofFileTests {
  private struct Cases: Decodable {
    struct Refused: Decodable {
      let name: String
      let text: String
    }
    let vkey: String
    let origin: String
    let leaf_hash_hex: String
    let unmarshal_errors: [Refused]
  }

  @Test(.enabled(if: Vectors.areThere)) func `a real proof of the Go checksum database`() throws {
    let cases = try Vectors.json("tlog-proof/cases.json", as: Cases.self)
    let bytes = try Vectors.bytes("tlog-proof/go.sum-database-tree-43930254.tlog-proof")
    let leaf = try #require(Hexadecimal.bytes(cases.leaf_hash_hex).flatMap { Digest($0) })
    let key = try NoteVerifierKey(cases.vkey)
    let proof = try ProofFile(bytes)
    #expect(proof.encoded == bytes && proof.path.count == 26 && proof.index == 43_930_254)
    let checkpoint = try proof.verify(leaf: leaf, origin: cases.origin, keys: [key])
    #expect(checkpoint.size == 58_253_265)
    let raw = try Vectors.bytes("tlog-proof/go.sum-database-tree-43930254.raw")
    #expect(MerkleTree.leafHash(raw) == leaf)

    var otherLeaf = leaf.bytes
    otherLeaf[0] ^= 0xff
    let wrong = try #require(Digest(otherLeaf))
    #expect(throws: ProofFile.Failure.self) {
      try proof.verify(leaf: wrong, origin: cases.origin, keys: [key])
    }
    #expect(throws: ProofFile.Failure.note(.unverified)) {
      try proof.verify(leaf: leaf, origin: cases.origin, keys: [])
    }
    #expect(throws: ProofFile.Failure.self) {
      try proof.verify(leaf: leaf, origin: "another log", keys: [key])
    }
    #expect(throws: NoteError.self) { try ProofFile(Array(bytes.dropLast(50))) }
    #expect(throws: NoteError.self) { try ProofFile(bytes + [0x0a, 0x0a, 0x0a]) }
    for test in cases.unmarshal_errors {
      #expect(throws: NoteError.self, "\(test.name)") { try ProofFile(Array(test.text.utf8)) }
    }
    // Every bit counts.
    for bit in 0..<(8 * bytes.count) {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      let isProof =
        (try? ProofFile(other).verify(leaf: leaf, origin: cases.origin, keys: [key])) != nil
      #expect(!isProof, "bit \(bit)")
    }
  }

  @Test func `a proof with witnesses, and something to say`() throws {
    let log = try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 1, count: 32))
    let witnesses = try (0..<3).map { number in
      try NoteSignerKey(
        name: #require(KeyName("witness.example/\(number)")), kind: .ed25519Cosignature,
        seed: [UInt8](repeating: UInt8(10 + number), count: 32))
    }
    let tree = SlowTree.counting(9)
    let made = tree.inclusionProof(index: 4, size: 9)
    var note = try SignedNote(
      text: Checkpoint(origin: "example.com/log", size: 9, root: tree.root(of: 0..<9)).text)
    try note.sign(with: log)
    let policy = try WitnessPolicy(
      Array(
        """
        log \(log.verifier.text)
        witness a \(witnesses[0].verifier.text)
        witness b \(witnesses[1].verifier.text)
        witness c \(witnesses[2].verifier.text)
        group two 2 a b c
        quorum two

        """.utf8))
    for (count, witness) in witnesses.enumerated() {
      let proof = try ProofFile(
        ProofFile(index: 4, path: made.path, note: note, extra: [1, 2, 3]).encoded)
      #expect(proof.extra == [1, 2, 3])
      func verify() throws {
        try proof.verify(
          leaf: tree.leaves[4], origin: "example.com/log", keys: [log.verifier], policy: policy)
      }
      if count < 2 {
        #expect(throws: ProofFile.Failure.quorum) { try verify() }
      } else {
        try verify()
      }
      note.lines.append(try Cosignature.line(over: note.text, time: 1, key: witness))
    }
  }
}
