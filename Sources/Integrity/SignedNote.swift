internal import ByteCoding
internal import Cryptography

/// Text with signatures (C2SP signed-note): lines, a blank line, and a line for each signature.
public struct SignedNote: Hashable, Sendable {
  /// One signature.
  public struct Line: Hashable, Sendable {
    /// Who claims to have made it.
    public let name: KeyName
    /// Which of that name's keys.
    public let keyID: UInt32
    /// The signature; for cosignatures with what stands in front of it.
    public let signature: [UInt8]

    /// A line.
    public init(name: KeyName, keyID: UInt32, signature: [UInt8]) {
      (self.name, self.keyID, self.signature) = (name, keyID, signature)
    }

    /// The line with its newline.
    public var encoded: [UInt8] {
      let id = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: keyID >> UInt32($0)) }
      return SignedNote.dash + name.utf8 + [0x20] + Base64.encoded(id + signature) + [0x0a]
    }
  }

  /// Largest note that is read, in bytes.
  public static let byteCountLimit = 1 << 20
  /// Most signatures a note is read with.
  public static let lineCountLimit = 100

  /// An em dash and a space, which signatures begin with.
  static let dash: [UInt8] = [0xe2, 0x80, 0x94, 0x20]

  /// The signed text, with the newline at its end.
  public let text: [UInt8]
  /// The signatures, in order.
  public var lines: [Line]

  /// A note without signatures.
  ///
  /// - Throws: ``NoteError/note(_:)`` for text that is not UTF-8, has control characters, or does not end
  ///   with a newline.
  public init(text: [UInt8]) throws(NoteError) {
    try Self.check(text)
    guard text.last == 0x0a else { throw .note(.form) }
    (self.text, lines) = (text, [])
  }

  /// Reads a note. Signatures are not verified yet.
  ///
  /// - Throws: ``NoteError/note(_:)``.
  public init(_ bytes: [UInt8]) throws(NoteError) {
    guard bytes.count <= Self.byteCountLimit else { throw .note(.tooLarge) }
    try Self.check(bytes)
    guard bytes.last == 0x0a, let blank = Self.lastBlankLine(bytes) else { throw .note(.form) }
    text = Array(bytes[...blank])
    lines = []
    let rest = bytes[(blank + 2)...].dropLast()
    guard !rest.isEmpty else { throw .note(.form) }
    for (number, line) in rest.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated()
    {
      guard number < Self.lineCountLimit else { throw .note(.tooManySignatures) }
      guard let read = Self.line(line) else { throw .note(.signatureLine(number + 1)) }
      lines.append(read)
    }
  }

  private static func check(_ bytes: [UInt8]) throws(NoteError) {
    let isText = bytes.allSatisfy { $0 >= 0x20 || $0 == 0x0a }
    guard isText, String(validating: bytes, as: UTF8.self) != nil else { throw .note(.characters) }
  }

  /// The position of the newline in front of the last blank line.
  private static func lastBlankLine(_ bytes: [UInt8]) -> Int? {
    var position = bytes.count - 2
    while position >= 0 {
      if bytes[position] == 0x0a, bytes[position + 1] == 0x0a { return position }
      position -= 1
    }
    return nil
  }

  private static func line(_ line: ArraySlice<UInt8>) -> Line? {
    guard line.starts(with: dash) else { return nil }
    let words = line.dropFirst(dash.count).split(separator: 0x20, omittingEmptySubsequences: false)
    guard words.count == 2, let name = KeyName(utf8: words[0]),
      let bytes = Base64.decoded(words[1]), bytes.count >= 5
    else { return nil }
    return Line(
      name: name, keyID: bytes.prefix(4).reduce(0) { $0 << 8 | UInt32($1) },
      signature: Array(bytes.dropFirst(4)))
  }

  /// The note as it is stored and sent.
  public var encoded: [UInt8] { lines.reduce(text + [0x0a]) { $0 + $1.encoded } }

  // MARK: Signatures

  /// Adds the signature of a key.
  ///
  /// - Throws: ``NoteError``: `.key` for cosignature keys, `.cryptography`.
  public mutating func sign(with key: NoteSignerKey) throws(NoteError) {
    guard key.verifier.kind == .ed25519 else {
      throw .key(.unknownKind(key.verifier.kind.rawValue))
    }
    lines.append(
      Line(
        name: key.verifier.name, keyID: key.verifier.id, signature: try key.signature(of: text)))
  }

  /// The lines of known keys, all of which verify; lines of other keys are ignored.
  ///
  /// Keys that sign otherwise than over the bare text are not looked for: see ``Cosignature``.
  ///
  /// - Throws: ``NoteError``: `.signature` when a known key's line does not verify, `.unverified` when
  ///   there is none, `.key(.ambiguous)`, `.cryptography`.
  public func verified(by keys: [NoteVerifierKey]) throws(NoteError) -> [Line] {
    var verified: [Line] = []
    for line in lines {
      guard let key = try keys.key(of: line, kind: .ed25519) else { continue }
      guard try key.isValid(line.signature, of: text) else {
        throw .signature(name: line.name, keyID: line.keyID)
      }
      // A key's second line says nothing new.
      if !verified.contains(where: { $0.name == line.name && $0.keyID == line.keyID }) {
        verified.append(line)
      }
    }
    guard !verified.isEmpty else { throw .unverified }
    return verified
  }
}

extension [NoteVerifierKey] {
  /// The key that a line claims to be of; `nil` when it is not among these.
  ///
  /// - Throws: `.key(.ambiguous)` when there are several.
  func key(of line: SignedNote.Line, kind: SignatureKind) throws(NoteError) -> NoteVerifierKey? {
    let found = filter { $0.kind == kind && $0.name == line.name && $0.id == line.keyID }
    guard found.count <= 1 else { throw .key(.ambiguous) }
    return found.first
  }
}

extension NoteVerifierKey {
  func isValid(_ signature: [UInt8], of message: [UInt8]) throws(NoteError) -> Bool {
    guard isSound else { return false }
    do throws(CryptographyError) {
      return try Ed25519.isValid(
        signature, of: message, publicKey: publicKey, isKeySound: true)
    } catch {
      throw .cryptography(error)
    }
  }
}
