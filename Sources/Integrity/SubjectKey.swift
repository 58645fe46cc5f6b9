internal import ByteCoding
public import Cryptography

/// The key of one subject: a person, or whatever is to be forgotten on request, whose records' salts and
/// payload keys all follow from it.
///
/// Erase the key, and the payloads are lost and the commitments tell nothing any more, while every leaf,
/// root and proof stays as it was. No salt is stored, so none can be left behind. Whoever holds an object
/// of this type can go on using it: hold it for a call, not for a day.
public final class SubjectKey: Sendable {
  /// Bytes of a stream's identity.
  public static let streamIDByteCount = 16

  private static let saltContext = Array("piperoll record salt v1\n".utf8)
  private static let cipherContext = Array("piperoll payload key v1\n".utf8)

  private let secret: SecretKey

  /// The key that a secret is.
  public init(_ secret: SecretKey) { self.secret = secret }

  /// The salt of a record's commitment (``RecordContent``): HMAC-SHA-256 under the subject's key of
  /// `piperoll record salt v1`, a newline, the stream's identity and the offset in 8 bytes,
  /// little-endian.
  ///
  /// - Parameters:
  ///   - streamID: The stream's identity, 16 bytes, never used for another stream.
  ///   - offset: The record's offset.
  /// - Returns: 32 bytes.
  public func salt(streamID: [UInt8], offset: UInt64) -> [UInt8] {
    precondition(streamID.count == Self.streamIDByteCount)
    var message = Self.saltContext + streamID
    message.appendLittleEndian(offset)
    return secret.code(of: message).bytes
  }

  /// What seals and opens the payloads of this subject's records in a stream.
  ///
  /// Its key is the HMAC-SHA-256 under the subject's key of `piperoll payload key v1`, a newline and the
  /// stream's identity: two streams have records at the same offset, and a nonce names no stream.
  ///
  /// - Parameter streamID: The stream's identity, 16 bytes, never used for another stream.
  public func cipher(streamID: [UInt8]) -> PayloadCipher {
    precondition(streamID.count == Self.streamIDByteCount)
    return PayloadCipher(secret.derived(Self.cipherContext + streamID), streamID: streamID)
  }

  /// This key under a master key.
  ///
  /// - Parameters:
  ///   - master: The key that opens it again.
  ///   - subject: Whose key it is; needed to open it.
  ///   - nonce: 12 bytes, random, never used with this master key before.
  /// - Throws: `CryptographyError`.
  public func wrapped(by master: SecretKey, for subject: [UInt8], nonce: [UInt8])
    throws(CryptographyError) -> WrappedKey
  {
    try WrappedKey(secret, by: master, for: subject, nonce: nonce)
  }
}
