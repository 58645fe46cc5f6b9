import ByteCoding
import CommandLineInterface
import Cryptography
import Foundation
import Integrity
import TestSupport

/// Makes samples from one random log.
struct SampleMaker {
  private static let leafCount = 70_000
  private static let origin = "piperoll.example/samples"

  private let folder: String
  private var random: SeededGenerator
  private var entries: [[UInt8]] = []
  private var tree = StoredTree()
  private let log: NoteSignerKey
  private let witness: NoteSignerKey

  init(folder: String, seed: UInt64) throws {
    self.folder = folder
    random = SeededGenerator(seed: seed)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    log = try Self.key(Self.origin, .ed25519, random.bytes(32))
    witness = try Self.key("witness.example/samples", .ed25519Cosignature, random.bytes(32))
    for _ in 0..<Self.leafCount { entries.append(random.bytes(random.below(40))) }
    tree.append(entries.map { MerkleTree.leafHash($0) })
  }

  private static func key(_ name: String, _ kind: SignatureKind, _ seed: [UInt8]) throws
    -> NoteSignerKey
  {
    guard let name = KeyName(name) else { throw CocoaError(.featureUnsupported) }
    return try NoteSignerKey(name: name, kind: kind, seed: seed)
  }

  private func write(_ bytes: [UInt8], to name: String) throws {
    let url = URL(fileURLWithPath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: url)
  }

  /// The data of all leaves, in Base64, a line each.
  func writeLeaves() throws {
    var lines: [UInt8] = []
    for entry in entries { lines += Base64.encoded(entry) + [0x0a] }
    try write(lines, to: "leaves.txt")
  }

  private func note(size: UInt64) throws -> SignedNote {
    let checkpoint = try Checkpoint(
      origin: Self.origin, size: size, root: tree.root(atSize: size))
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: log)
    return note
  }

  /// A size that is often small and often at the edge of a tile.
  private mutating func size() -> UInt64 {
    let size = 1 + random.below(1 << (1 + random.below(17)))
    let edge = random.below(4) == 0 ? size / 256 * 256 + random.below(3) : size
    return UInt64(min(max(1, edge), Self.leafCount))
  }

  /// Checkpoints with a proof of a leaf and one of an earlier tree each: a line of JSON a case.
  mutating func writeCases(_ count: Int) throws {
    var lines: [UInt8] = []
    for _ in 0..<count {
      let size = size()
      let index = UInt64(random.below(Int(size)))
      let oldSize = 1 + UInt64(random.below(Int(size)))
      var note = try note(size: size)
      let inclusion = tree.inclusionProof(index: index, size: size)
      let consistency = tree.consistencyProof(oldSize: oldSize, size: size)
      let time = UInt64(1_700_000_000 + random.below(1_000_000))
      note.lines.append(try Cosignature.line(over: note.text, time: time, key: witness))
      var json = JSONWriter()
      json.beginObject()
      json.member("origin", Self.origin)
      json.member("vkey", log.verifier.text)
      json.member("witness", witness.verifier.text)
      json.member("note", String(decoding: note.encoded, as: UTF8.self))
      json.member("size", size)
      json.member("root", Base64.text(tree.root(atSize: size).bytes))
      json.member("index", index)
      json.member("leaf", Base64.text(entries[Int(index)]))
      Self.add("path", inclusion.path, &json)
      json.member("oldSize", oldSize)
      json.member("oldRoot", Base64.text(tree.root(atSize: oldSize).bytes))
      Self.add("consistency", consistency.path, &json)
      let file = ProofFile(index: index, path: inclusion.path, note: note)
      json.member("proof", String(decoding: file.encoded, as: UTF8.self))
      json.endObject()
      json.endDocument()
      lines += json.bytes
    }
    try write(lines, to: "cases.jsonl")
  }

  private static func add(_ name: String, _ path: [Digest], _ json: inout JSONWriter) {
    json.name(name)
    json.beginArray()
    for hash in path { json.value(Base64.text(hash.bytes)) }
    json.endArray()
  }

  /// Logs of some sizes in the layout of C2SP tlog-tiles.
  func writeLogs() throws {
    for size in [1, 2, 255, 256, 257, 511, 1_000, 65_535, 65_536, 65_793, 70_000] as [UInt64] {
      let name = "logs/\(size)"
      try write(note(size: size).encoded, to: "\(name)/checkpoint")
      for path in TileSet(size: size) {
        switch path.kind {
        case .hashes: try write(tree.tile(path), to: "\(name)/\(path.text)")
        case .entries:
          let first = Int(path.index) * TilePath.fullWidth
          let bundle = TileSet.bundle(entries[first..<(first + path.width)])
          try write(bundle, to: "\(name)/\(path.text)")
        }
      }
    }
  }
}
