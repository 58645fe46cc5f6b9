public import Cryptography

extension SignedNote {
  /// What a timestamp of a checkpoint is of: the note with the log's own signature and no other line.
  ///
  /// That is the text, which ends with a newline, a blank line, and the line of the log's key with its
  /// newline, byte for byte as they stand in the note. So cosignatures that are added or removed later do
  /// not disturb a stamp, and a stamp proves that the log had signed by then.
  ///
  /// - Parameter key: The log's key, from the caller, never from the note.
  /// - Throws: ``NoteError``: `.unverified` without a line of that key, `.signature` when it does not verify,
  ///   `.cryptography`.
  public func stampedBytes(signedBy key: NoteVerifierKey) throws(NoteError) -> [UInt8] {
    guard let line = try verified(by: [key]).first else { throw .unverified }
    return text + [0x0a] + line.encoded
  }

  /// The imprint of a timestamp of this checkpoint: SHA-256 of ``stampedBytes(signedBy:)``.
  ///
  /// - Parameter key: The log's key, from the caller, never from the note.
  /// - Throws: ``NoteError``.
  public func timestampImprint(signedBy key: NoteVerifierKey) throws(NoteError) -> Digest {
    SHA256.digest(try stampedBytes(signedBy: key))
  }
}
