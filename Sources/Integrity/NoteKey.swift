internal import ByteCoding
internal import Cryptography

/// How a line of a signed note was made (C2SP signed-note, signature types).
public enum SignatureKind: UInt8, Hashable, Sendable {
  /// Ed25519 over the text of the note.
  case ed25519 = 0x01
  /// Ed25519 over a time and the text (C2SP cosignature/v1).
  case ed25519Cosignature = 0x04
  /// ML-DSA-44 over a subtree; known by name, but not to be verified with OpenSSL 3.0.
  case mldsa44Cosignature = 0x06

  /// Bytes of a public key.
  var publicKeyByteCount: Int { self == .mldsa44Cosignature ? 1_312 : 32 }
}

/// A key that signatures of notes are verified with: name, kind and public key.
public struct NoteVerifierKey: Hashable, Sendable {
  /// Whose key it is.
  public let name: KeyName
  /// What its signatures are made over.
  public let kind: SignatureKind
  /// The public key.
  public let publicKey: [UInt8]
  /// Whether anything can be verified with it: see ``Ed25519/isSound(_:)``. Found once, for many notes.
  let isSound: Bool

  /// A key.
  ///
  /// - Throws: ``NoteError``: `.key` when it has the wrong size, or is a point of small order, under which anybody
  ///   can sign; `.cryptography` when that cannot be told.
  public init(name: KeyName, kind: SignatureKind, publicKey: [UInt8]) throws(NoteError) {
    guard publicKey.count == kind.publicKeyByteCount else { throw .key(.length) }
    if kind != .mldsa44Cosignature, Ed25519.hasSmallOrder(publicKey) { throw .key(.smallOrder) }
    (self.name, self.kind, self.publicKey) = (name, kind, publicKey)
    do throws(CryptographyError) {
      isSound = kind == .mldsa44Cosignature ? false : try Ed25519.isSound(publicKey)
    } catch {
      throw .cryptography(error)
    }
  }

  /// The first four bytes, big-endian, of the digest of name, kind and key.
  public var id: UInt32 {
    let digest = SHA256.digest(name.utf8 + [0x0a, kind.rawValue] + publicKey).bytes
    return digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads a key in the form `name+hhhhhhhh+base64`.
  ///
  /// - Throws: ``NoteError/key(_:)``.
  public init(_ text: String) throws(NoteError) {
    let parts = text.utf8.split(separator: 0x2b, maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3 else { throw .key(.form) }
    guard let name = KeyName(utf8: parts[0]) else { throw .key(.name) }
    guard let id = Hexadecimal.number(Substring(parts[1]), count: 8) else { throw .key(.form) }
    guard let bytes = Base64.decoded(parts[2]), let first = bytes.first else { throw .key(.form) }
    guard let kind = SignatureKind(rawValue: first) else { throw .key(.unknownKind(first)) }
    try self.init(name: name, kind: kind, publicKey: Array(bytes.dropFirst()))
    guard self.id == UInt32(truncatingIfNeeded: id) else { throw .key(.hash) }
  }

  /// The form that ``init(_:)`` reads.
  public var text: String {
    let hash = Hexadecimal.digits(UInt64(id), count: 8)
    return "\(name)+\(hash)+\(Base64.text([kind.rawValue] + publicKey))"
  }
}

/// A key that notes are signed with: an Ed25519 seed and the name it signs under.
///
/// The seed is never part of a description.
public struct NoteSignerKey: Sendable {
  /// What verifies its signatures.
  public let verifier: NoteVerifierKey
  private let seed: [UInt8]

  /// A key from its seed.
  ///
  /// - Throws: ``NoteError``: `.key` for a seed that is not of 32 bytes, `.cryptography`.
  public init(name: KeyName, kind: SignatureKind = .ed25519, seed: [UInt8]) throws(NoteError) {
    guard kind != .mldsa44Cosignature else { throw .key(.unknownKind(kind.rawValue)) }
    guard seed.count == Ed25519.seedByteCount else { throw .key(.length) }
    let publicKey: [UInt8]
    do throws(CryptographyError) { publicKey = try Ed25519.publicKey(seed: seed) } catch {
      throw .cryptography(error)
    }
    verifier = try NoteVerifierKey(name: name, kind: kind, publicKey: publicKey)
    self.seed = seed
  }

  /// Reads a key in the form of Go's `sumdb/note`: `PRIVATE+KEY+name+hhhhhhhh+base64`.
  ///
  /// - Throws: ``NoteError``: `.key`, `.cryptography`.
  public init(_ text: String) throws(NoteError) {
    let parts = text.utf8.split(separator: 0x2b, maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0].elementsEqual("PRIVATE".utf8),
      parts[1].elementsEqual("KEY".utf8)
    else { throw .key(.form) }
    guard let name = KeyName(utf8: parts[2]) else { throw .key(.name) }
    guard let id = Hexadecimal.number(Substring(parts[3]), count: 8) else { throw .key(.form) }
    guard let bytes = Base64.decoded(parts[4]), let first = bytes.first else { throw .key(.form) }
    guard let kind = SignatureKind(rawValue: first) else { throw .key(.unknownKind(first)) }
    try self.init(name: name, kind: kind, seed: Array(bytes.dropFirst()))
    guard verifier.id == UInt32(truncatingIfNeeded: id) else { throw .key(.hash) }
  }

  /// The form that ``init(_:)`` reads; it holds the secret.
  public var secretText: String {
    let hash = Hexadecimal.digits(UInt64(verifier.id), count: 8)
    return "PRIVATE+KEY+\(verifier.name)+\(hash)+"
      + Base64.text([verifier.kind.rawValue] + seed)
  }

  func signature(of message: [UInt8]) throws(NoteError) -> [UInt8] {
    do throws(CryptographyError) { return try Ed25519.signature(of: message, seed: seed) } catch {
      throw .cryptography(error)
    }
  }
}

extension NoteSignerKey: CustomStringConvertible, CustomReflectable {
  public var description: String { "secret key of \(verifier.text)" }
  /// Shows nothing of the seed.
  public var customMirror: Mirror { Mirror(self, children: ["verifier": verifier.text]) }
}
