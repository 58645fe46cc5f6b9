internal import ByteCoding
public import Cryptography

/// Seals the payloads of one subject's records in one stream, with AES-256-GCM.
///
/// A sealed payload has 37 bytes more than the payload. All numbers are little-endian.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 4 | epoch of the writer |
/// | 5 | 16 | key check |
/// | 21 | n | ciphertext |
/// | 21 + n | 16 | tag |
///
/// The nonce is not stored as such: it is the epoch (4 bytes) and the record's offset (8 bytes). The epoch
/// rises whenever a stream is opened for writing, so that an offset that was given out, lost in a crash and
/// given out again brings no nonce back. The key check is the first half of the HMAC-SHA-256 under the
/// payload key of `piperoll payload check v1`, a newline and the offset: it tells a wrong key from changed
/// bytes, ties the ciphertext to one key, and differs from record to record, so that records of an erased
/// subject cannot be told from those of others. What is authenticated beside the ciphertext is
/// `piperoll payload v1`, a newline, the stream's identity, the offset, the sizes of key and type (8 bytes
/// each, increased by one, 0 for none) and the 21 bytes in front of the ciphertext.
public final class PayloadCipher: Sendable {
  /// Bytes by which a sealed payload is longer than the payload.
  public static let overheadByteCount = 37

  private static let context = Array("piperoll payload v1\n".utf8)
  private static let checkContext = Array("piperoll payload check v1\n".utf8)
  private static let version: UInt8 = 1
  private static let checkRange = 5..<21

  private let key: SecretKey
  private let streamID: [UInt8]

  init(_ key: SecretKey, streamID: [UInt8]) { (self.key, self.streamID) = (key, streamID) }

  /// What stands around a payload, and is changed as little as the payload.
  public struct Place: Hashable, Sendable {
    /// The record's offset.
    public var offset: UInt64
    /// Bytes of the record's key; `nil` for none.
    public var keyByteCount: Int?
    /// Bytes of the record's type; `nil` for none.
    public var typeByteCount: Int?

    /// A place.
    public init(offset: UInt64, keyByteCount: Int? = nil, typeByteCount: Int? = nil) {
      self.offset = offset
      (self.keyByteCount, self.typeByteCount) = (keyByteCount, typeByteCount)
    }
  }

  /// Seals a payload.
  ///
  /// - Parameters:
  ///   - payload: The payload.
  ///   - place: Where its record stands.
  ///   - epoch: The epoch of the writer. No two payloads may be sealed with the same epoch and offset.
  /// - Throws: `CryptographyError`.
  public func seal(_ payload: [UInt8], at place: Place, epoch: UInt32) throws(CryptographyError)
    -> [UInt8]
  {
    var head = [Self.version]
    head.appendLittleEndian(epoch)
    head += check(place.offset)
    return try head
      + AESGCM.seal(
        payload.rawSpan, authenticating: authenticated(place, head), key: key,
        nonce: Self.nonce(epoch, place.offset))
  }

  /// Opens a sealed payload.
  ///
  /// - Parameters:
  ///   - sealed: What ``seal(_:at:epoch:)`` gave.
  ///   - place: Where its record stands.
  /// - Returns: The payload.
  /// - Throws: ``PayloadCipherError``.
  public func open(_ sealed: [UInt8], at place: Place) throws(PayloadCipherError) -> [UInt8] {
    let bytes = sealed.rawSpan
    guard let version = bytes.unsigned8(at: 0) else { throw .cut(byteCount: 0) }
    guard version == Self.version else { throw .unknownVersion(version) }
    guard sealed.count >= Self.overheadByteCount, let epoch = bytes.littleEndianUnsigned32(at: 1)
    else { throw .cut(byteCount: sealed.count) }
    var head = Array(sealed[..<Self.checkRange.upperBound])
    let check = check(place.offset)
    let isOfThisKey = Array(head[Self.checkRange]) == check
    // With the check as it should be: the tag then tells whether the check alone was changed.
    head.replaceSubrange(Self.checkRange, with: check)
    let payload: [UInt8]?
    do throws(CryptographyError) {
      payload = try AESGCM.open(
        Array(sealed[Self.checkRange.upperBound...]), authenticating: authenticated(place, head),
        key: key, nonce: Self.nonce(epoch, place.offset))
    } catch {
      throw .cryptography(error)
    }
    if isOfThisKey, let payload { return payload }
    throw isOfThisKey || payload != nil
      ? .changed(offset: place.offset) : .wrongKey(offset: place.offset)
  }

  private func check(_ offset: UInt64) -> [UInt8] {
    var message = Self.checkContext
    message.appendLittleEndian(offset)
    return Array(key.code(of: message).bytes.prefix(Self.checkRange.count))
  }

  private func authenticated(_ place: Place, _ head: [UInt8]) -> [UInt8] {
    var bytes = Self.context + streamID
    bytes.appendLittleEndian(place.offset)
    for count in [place.keyByteCount, place.typeByteCount] {
      bytes.appendLittleEndian(count.map { UInt64(clamping: $0) + 1 } ?? 0)
    }
    return bytes + head
  }

  private static func nonce(_ epoch: UInt32, _ offset: UInt64) -> [UInt8] {
    var nonce: [UInt8] = []
    nonce.appendLittleEndian(epoch)
    nonce.appendLittleEndian(offset)
    return nonce
  }
}

/// Why a sealed payload cannot be opened.
public enum PayloadCipherError: Error, Hashable, Sendable {
  /// Fewer bytes than any sealed payload has.
  case cut(byteCount: Int)
  /// Made by a newer program, or not a sealed payload.
  case unknownVersion(UInt8)
  /// It was sealed under another key, for another stream or at another offset; or so much of it was
  /// changed that it cannot be told from that.
  case wrongKey(offset: UInt64)
  /// The key is the right one, and bytes were changed or cut, or key and type have other sizes.
  case changed(offset: UInt64)
  /// libcrypto could not tell.
  case cryptography(CryptographyError)
}

extension PayloadCipherError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .cut(let byteCount):
      "a sealed payload has at least \(PayloadCipher.overheadByteCount) bytes, this has \(byteCount); "
        + "restore the record"
    case .unknownVersion(let version):
      "a sealed payload of version \(version); a newer program wrote it, or it is none"
    case .wrongKey(let offset):
      "the payload at offset \(offset) was sealed under another key; give the key of its subject and "
        + "the stream it was written to"
    case .changed(let offset):
      "the payload at offset \(offset) is not what was sealed; restore the record"
    case .cryptography(let error): "\(error)"
    }
  }
}
