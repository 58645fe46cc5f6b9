public import Cryptography

/// Why a proof does not hold.
public enum ProofError: Error, Hashable, Sendable {
  /// The place lies outside the tree, or sizes are in the wrong order.
  case range
  /// The path has not the number of hashes that place and size ask for.
  case pathLength(expected: Int, found: Int)
  /// The root that follows from the proof is another.
  case rootMismatch(expected: Digest, found: Digest)
}

extension ProofError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .range: "the proof speaks of a place outside its tree; ask for the proof again"
    case .pathLength(let expected, let found):
      "the proof has \(found) hashes where its place and size ask for \(expected); ask for it again"
    case .rootMismatch(let expected, let found):
      "the proof leads to the root \(found), not to \(expected): the record or the proof was changed"
    }
  }
}
