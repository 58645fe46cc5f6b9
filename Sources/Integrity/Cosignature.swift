internal import ByteCoding

/// A witness's signature (C2SP cosignature/v1): at some time the checkpoint was the largest consistent
/// tree of its origin that the witness had seen.
public struct Cosignature: Hashable, Sendable {
  /// The witness.
  public let name: KeyName
  /// Which of its keys.
  public let keyID: UInt32
  /// When it signed, in seconds since 1970-01-01 UTC.
  public let time: UInt64

  /// Bytes of a signature line's payload behind the key's number: time and signature.
  static let byteCount = 72

  /// The bytes that are signed.
  static func message(time: UInt64, text: [UInt8]) -> [UInt8] {
    Array("cosignature/v1\ntime \(time)\n".utf8) + text
  }

  /// The line of a witness for the text of a checkpoint.
  ///
  /// - Parameters:
  ///   - text: The text of the checkpoint, with the newline at its end.
  ///   - time: Seconds since 1970-01-01 UTC, in `1..<2^63`.
  ///   - key: The witness's key.
  /// - Throws: ``NoteError``: `.key` for keys that are not for cosignatures, `.cryptography`.
  public static func line(over text: [UInt8], time: UInt64, key: NoteSignerKey) throws(NoteError)
    -> SignedNote.Line
  {
    guard key.verifier.kind == .ed25519Cosignature else {
      throw .key(.unknownKind(key.verifier.kind.rawValue))
    }
    let signature = try key.signature(of: message(time: time, text: text))
    let stamp = stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: time >> $0) }
    return SignedNote.Line(
      name: key.verifier.name, keyID: key.verifier.id, signature: stamp + signature)
  }

  /// The cosignatures of known witnesses on a note, all of which verify; others are ignored.
  ///
  /// - Throws: ``NoteError``: `.signature` when a known witness's line does not verify, `.cryptography`.
  public static func verified(_ note: SignedNote, by keys: [NoteVerifierKey]) throws(NoteError)
    -> [Cosignature]
  {
    var verified: [Cosignature] = []
    for line in note.lines {
      guard let key = try keys.key(of: line, kind: .ed25519Cosignature) else { continue }
      let found = try cosignature(line, over: note.text, key)
      if !verified.contains(where: { $0.name == found.name && $0.keyID == found.keyID }) {
        verified.append(found)
      }
    }
    return verified
  }

  private static func cosignature(
    _ line: SignedNote.Line, over text: [UInt8], _ key: NoteVerifierKey
  ) throws(NoteError) -> Cosignature {
    let failure = NoteError.signature(name: line.name, keyID: line.keyID)
    guard line.signature.count == byteCount else { throw failure }
    let time = line.signature.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard time <= UInt64(Int64.max),
      try key.isValid(Array(line.signature.dropFirst(8)), of: message(time: time, text: text))
    else { throw failure }
    return Cosignature(name: line.name, keyID: line.keyID, time: time)
  }
}
