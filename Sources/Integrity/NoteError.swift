public import Cryptography

/// Why a signed note, or what stands in one, is refused.
public enum NoteError: Error, Hashable, Sendable {
  /// The text of a key is not what it should be.
  case key(KeyProblem)
  /// The bytes are no signed note.
  case note(NoteProblem)
  /// A line that claims to be a known key's is not.
  case signature(name: KeyName, keyID: UInt32)
  /// No line is of a known key.
  case unverified
  /// The text of a note is no checkpoint.
  case checkpoint(CheckpointProblem)
  /// The checkpoint is another log's.
  case origin(expected: String, found: String)
  /// The bytes are no proof file.
  case proofFile(line: Int)
  /// The bytes are no request to a witness.
  case request(line: Int)
  /// A policy cannot be used.
  case policy(line: Int, PolicyProblem)
  /// libcrypto could not tell.
  case cryptography(CryptographyError)

  /// What is wrong with a key.
  public enum KeyProblem: Hashable, Sendable {
    /// Not of the form `name+hash+key`.
    case form
    /// Empty, with spaces or plus signs, or not UTF-8.
    case name
    /// The hash in the text is not that of the key.
    case hash
    /// Too short or too long for its kind.
    case length
    /// Anybody can sign for it.
    case smallOrder
    /// Two of the keys given have this name and number.
    case ambiguous
    /// A kind of signature that is not known here.
    case unknownKind(UInt8)
  }

  /// What is wrong with a note.
  public enum NoteProblem: Hashable, Sendable {
    /// Over the limit for notes.
    case tooLarge
    /// Not UTF-8, or with control characters.
    case characters
    /// No blank line between text and signatures, or no newline at the end.
    case form
    /// A line of a signature is malformed.
    case signatureLine(Int)
    /// More signatures than any note needs.
    case tooManySignatures
  }

  /// What is wrong with a checkpoint.
  public enum CheckpointProblem: Hashable, Sendable {
    /// Fewer than three lines, or an empty one.
    case form
    /// The origin is empty.
    case origin
    /// Not a number, or with zeros in front.
    case size
    /// Not 32 bytes in canonical Base64.
    case root
  }

  /// What is wrong with a line of a policy.
  public enum PolicyProblem: Hashable, Sendable {
    /// Words that make no statement.
    case form
    /// A name that is used twice, or before it is defined, or in two groups.
    case name
    /// A number that no choice of members can reach.
    case threshold
    /// No quorum line, or more than one.
    case quorum
    /// More logs, witnesses or groups than are supported.
    case tooLarge
    /// A key that cannot be used.
    case key(KeyProblem)
  }
}

extension NoteError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .key(let problem): "key: \(problem)"
    case .note(let problem): "not a signed note: \(problem)"
    case .signature(let name, let keyID):
      "the signature of key \(String(keyID, radix: 16)) of \(name) does not verify"
    case .unverified: "no signature of a known key"
    case .checkpoint(let problem): "not a checkpoint: \(problem)"
    case .origin(let expected, let found): "a checkpoint of '\(found)', not of '\(expected)'"
    case .proofFile(let line): "not a proof file: line \(line)"
    case .request(let line): "not a request to cosign: line \(line)"
    case .policy(let line, let problem): "policy, line \(line): \(problem)"
    case .cryptography(let error): "\(error)"
    }
  }
}
