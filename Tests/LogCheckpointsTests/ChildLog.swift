import Cryptography
import Integrity
import Testing

/// A log without a store: as many leaves as a test wants, and checkpoints of any size of it.
struct ChildLog {
  let origin: String
  let key: NoteSignerKey
  private var tree = StoredTree()

  /// - Parameter salt: What the leaves are made of: another one is another history.
  init(_ origin: String, count: Int = 40, salt: UInt8 = 0, keyName: String? = nil, seed: UInt8 = 3)
    throws
  {
    self.origin = origin
    key = try NoteSignerKey(
      name: try #require(KeyName(keyName ?? origin)), seed: [UInt8](repeating: seed, count: 32))
    tree.append((0..<count).map { MerkleTree.leafHash([salt, UInt8($0 % 256), UInt8($0 / 256)]) })
  }

  func root(_ size: UInt64) -> Digest { tree.root(atSize: size) }

  func checkpoint(_ size: UInt64, root: Digest? = nil) throws -> SignedNote {
    let checkpoint = try Checkpoint(
      origin: origin, size: size, root: root ?? tree.root(atSize: size))
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: key)
    return note
  }

  func path(_ old: UInt64, _ size: UInt64) -> [Digest] {
    tree.consistencyProof(oldSize: old, size: size).path
  }

  func request(_ old: UInt64, _ size: UInt64) throws -> WitnessRequest {
    WitnessRequest(oldSize: old, path: path(old, size), note: try checkpoint(size))
  }
}
