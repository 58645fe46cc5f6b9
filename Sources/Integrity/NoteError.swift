internal import ByteCoding
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
    case .key(let problem): "not a key: \(problem)"
    case .note(let problem): "not a signed note: \(problem)"
    case .signature(let name, let keyID):
      "the signature of key \(Hexadecimal.digits(UInt64(keyID), count: 8)) of \(name) does not verify: "
        + "the text was changed, or somebody else signed it; ask for it again"
    case .unverified: "no signature of a known key; give the key of the log it should be from"
    case .checkpoint(let problem): "not a checkpoint: \(problem)"
    case .origin(let expected, let found):
      "a checkpoint of '\(found)' where one of '\(expected)' is wanted; give the right origin or file"
    case .proofFile(let line): "not a proof file: see line \(line); ask for the proof again"
    case .request(let line): "not a request to cosign: see line \(line)"
    case .policy(let line, let problem): "policy, line \(line): \(problem)"
    case .cryptography(let error): "\(error)"
    }
  }
}

extension NoteError.KeyProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .form: "it should read name+hash+key, with 8 hexadecimal digits and Base64"
    case .name: "its name is empty, not UTF-8, or has spaces or plus signs"
    case .hash: "its hash is not that of name and key; copy it again"
    case .length: "it has the wrong number of bytes for its kind"
    case .smallOrder: "anybody can sign for it; have its owner make another"
    case .ambiguous: "two of those given have the same name and hash; give each once"
    case .unknownKind(let kind): "signatures of kind \(kind) have no use here"
    }
  }
}

extension NoteError.NoteProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooLarge: "larger than any is"
    case .characters: "not UTF-8, or with control characters, such as the ends of lines of Windows"
    case .form: "text, a blank line and signatures are wanted, with a newline at the end"
    case .signatureLine(let number):
      "signature \(number) is not a dash, a name and canonical Base64"
    case .tooManySignatures: "more signatures than \(SignedNote.lineCountLimit)"
    }
  }
}

extension NoteError.CheckpointProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .form: "origin, size and root are wanted, a line each"
    case .origin: "its origin is empty"
    case .size: "its size is no number below 2^63, or has zeros in front"
    case .root: "its root is not 32 bytes in canonical Base64"
    }
  }
}

extension NoteError.PolicyProblem: CustomStringConvertible {
  public var description: String {
    switch self {
    case .form: "a line begins with log, witness, group or quorum, and what belongs to it"
    case .name: "a name or key is used twice, or before it is defined, or in two groups"
    case .threshold: "no choice of these members reaches the number"
    case .quorum: "one quorum line is wanted, no more and no less"
    case .tooLarge: "more than \(WitnessPolicy.countLimit) of a kind"
    case .key(let problem): "not a key: \(problem)"
    }
  }
}
