import ByteCoding
import Cryptography
import Foundation
import Integrity
import TestSupport

/// Verifies checkpoints and proofs that programs of others have made, and the same with one bit changed.
struct ForeignCases {
  /// A line of the file.
  private struct Case: Decodable {
    let origin, vkey, leaf, proof, root, oldRoot: String
    let size, oldSize: UInt64
    let consistency: [String]
  }

  /// What was made elsewhere is not as it must be.
  private struct Malformed: Error { let what: String }

  private var random: SeededGenerator
  private(set) var accepted = 0
  private(set) var refused = 0
  /// What should have been accepted and was not, or the other way round.
  private(set) var failures: [String] = []

  init(seed: UInt64) { random = SeededGenerator(seed: seed) }

  /// Judges every line of a file.
  mutating func judge(file: String) throws {
    let text = try Data(contentsOf: URL(fileURLWithPath: file))
    for (index, line) in text.split(separator: 0x0a).enumerated() {
      try judge(JSONDecoder().decode(Case.self, from: Data(line)), "line \(index + 1)")
    }
  }

  private mutating func judge(_ one: Case, _ place: String) throws {
    guard let leaf = Base64.decoded(Array(one.leaf.utf8)) else { throw Malformed(what: place) }
    let proof = Array(one.proof.utf8)
    let part = try Self.digest(one.oldRoot)
    let path = try one.consistency.map { try Self.digest($0) }
    func isProven(_ proof: [UInt8], _ leaf: [UInt8]) -> Bool {
      guard let key = try? NoteVerifierKey(one.vkey), let file = try? ProofFile(proof) else {
        return false
      }
      let hash = MerkleTree.leafHash(leaf)
      return (try? file.verify(leaf: hash, origin: one.origin, keys: [key])) != nil
    }
    let root = try Self.digest(one.root)
    func isConsistent(_ path: [Digest]) -> Bool {
      let proof = ConsistencyProof(oldSize: one.oldSize, size: one.size, path: path)
      return (try? proof.verify(part: part, root: root)) != nil
    }
    expect(isProven(proof, leaf), true, "\(place): the proof")
    expect(isProven(flipped(proof), leaf), false, "\(place): the proof, changed")
    if !leaf.isEmpty {
      expect(isProven(proof, flipped(leaf)), false, "\(place): the leaf, changed")
    }
    expect(isConsistent(path), true, "\(place): the consistency proof")
    if !path.isEmpty {
      var other = path
      let number = random.below(path.count)
      guard let hash = Digest(flipped(path[number].bytes)) else { throw Malformed(what: place) }
      other[number] = hash
      expect(isConsistent(other), false, "\(place): the consistency proof, changed")
    }
  }

  private mutating func expect(_ found: Bool, _ wanted: Bool, _ what: String) {
    if found != wanted {
      failures.append("\(what), was \(found ? "accepted" : "refused")")
    } else if found {
      accepted += 1
    } else {
      refused += 1
    }
  }

  private mutating func flipped(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
    return bytes
  }

  private static func digest(_ text: String) throws -> Digest {
    guard let bytes = Base64.decoded(Array(text.utf8)), let digest = Digest(bytes) else {
      throw Malformed(what: text)
    }
    return digest
  }
}
