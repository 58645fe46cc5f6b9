import Cryptography
import Integrity
import TestSupport

/// One sound document of each kind, and what it takes to verify it.
struct ProofCorpus {
  let log: NoteSignerKey
  let witness: NoteSignerKey
  let origin = "example.com/log"
  let leaf: Digest
  let oldState: Witness.State
  let note: SignedNote
  let proof: ProofFile
  let request: WitnessRequest
  let policy: [UInt8]
  let tile = "tile/1/x001/x234/067.p/8"

  init() throws {
    func key(_ name: String, _ kind: SignatureKind, _ seed: UInt8) throws -> NoteSignerKey {
      guard let name = KeyName(name) else { throw NoteError.key(.name) }
      return try NoteSignerKey(
        name: name, kind: kind, seed: [UInt8](repeating: seed, count: 32))
    }
    log = try key(origin, .ed25519, 1)
    witness = try key("witness.example/one", .ed25519Cosignature, 2)
    var tree = StoredTree()
    tree.append((0..<1_000).map { MerkleTree.leafHash([UInt8($0 & 0xff), UInt8($0 >> 8)]) })
    var note = try SignedNote(
      text: Checkpoint(origin: origin, size: 1_000, root: tree.root).text)
    try note.sign(with: log)
    note.lines.append(try Cosignature.line(over: note.text, time: 1_727_964_367, key: witness))
    self.note = note
    leaf = tree.hash(level: 0, index: 777)
    let inclusion = tree.inclusionProof(index: 777, size: 1_000)
    proof = ProofFile(index: 777, path: inclusion.path, note: note, extra: [1, 2, 3, 4])
    oldState = Witness.State(size: 600, root: tree.root(atSize: 600))
    request = WitnessRequest(
      oldSize: 600, path: tree.consistencyProof(oldSize: 600, size: 1_000).path, note: note)
    policy = Array(
      """
      log \(log.verifier.text) https://log.example
      witness one \(witness.verifier.text)
      group all all one
      quorum all

      """.utf8)
  }

  /// The documents, as bytes.
  var documents: [[UInt8]] {
    [
      note.encoded, proof.encoded, request.encoded, policy, Array(log.verifier.text.utf8),
      Array(tile.utf8), EvidenceSamples.leaf.encoded,
    ] + EvidenceSamples.statements.map(\.encoded)
  }
}
