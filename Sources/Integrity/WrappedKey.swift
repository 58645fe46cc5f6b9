internal import ByteCoding
public import Cryptography

/// A key under a master key: 76 bytes that can lie on a disk, encrypted with AES-256-GCM. Numbers are
/// little-endian.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 4 | `PRWK` |
/// | 4 | 1 | version, 1 |
/// | 5 | 3 | zeros |
/// | 8 | 8 | number of the master key |
/// | 16 | 12 | nonce |
/// | 28 | 32 | the key, encrypted |
/// | 60 | 16 | tag |
///
/// Authenticated beside the key: `piperoll wrapped key v1`, a newline, the first 16 bytes and the name of
/// the subject, so that no key can be put in the place of another's. The number of a master key is the
/// first 8 bytes of its HMAC-SHA-256 over `piperoll master key number v1` and a newline; it tells a wrong
/// master key from damage, and nothing about the key.
public struct WrappedKey: Hashable, Sendable {
  /// Bytes of a wrapped key.
  public static let byteCount = 76
  /// Bytes of a nonce.
  public static let nonceByteCount = AESGCM.nonceByteCount

  private static let magic = Array("PRWK".utf8)
  private static let context = Array("piperoll wrapped key v1\n".utf8)
  private static let numberContext = Array("piperoll master key number v1\n".utf8)

  /// Which master key it is under.
  public let masterNumber: UInt64
  private let nonce: [UInt8]
  private let sealed: [UInt8]

  /// Wraps a key.
  ///
  /// - Parameters:
  ///   - key: The key.
  ///   - master: The key that opens it again.
  ///   - subject: Whose key it is; needed to open it.
  ///   - nonce: 12 bytes, random, never used with this master key before.
  /// - Throws: `CryptographyError`; `.keyLength` for a nonce of another size.
  public init(_ key: SecretKey, by master: SecretKey, for subject: [UInt8], nonce: [UInt8])
    throws(CryptographyError)
  {
    guard nonce.count == Self.nonceByteCount else {
      throw .keyLength(expected: Self.nonceByteCount, found: nonce.count)
    }
    let number = Self.number(of: master)
    masterNumber = number
    self.nonce = nonce
    sealed = try key.withBytes { (key) throws(CryptographyError) in
      try AESGCM.seal(
        key, authenticating: Self.authenticated(number, subject), key: master, nonce: nonce)
    }
  }

  /// Reads a wrapped key.
  ///
  /// - Throws: ``WrappedKeyError``: `.length`, `.form`.
  public init(_ bytes: RawSpan) throws(WrappedKeyError) {
    guard bytes.byteCount == Self.byteCount, let number = bytes.littleEndianUnsigned64(at: 8) else {
      throw .length(found: bytes.byteCount)
    }
    guard bytes.extracting(0..<8).copyBytes() == Self.magic + [1, 0, 0, 0] else { throw .form }
    masterNumber = number
    nonce = bytes.extracting(16..<28).copyBytes()
    sealed = bytes.extracting(28..<Self.byteCount).copyBytes()
  }

  /// The 76 bytes.
  public var encoded: [UInt8] { Self.head(masterNumber) + nonce + sealed }

  /// The key.
  ///
  /// - Parameters:
  ///   - master: The master key.
  ///   - subject: Whose key it is.
  /// - Throws: ``WrappedKeyError``.
  public func key(under master: SecretKey, for subject: [UInt8]) throws(WrappedKeyError)
    -> SecretKey
  {
    let number = Self.number(of: master)
    guard number == masterNumber else { throw .masterKey(expected: masterNumber, given: number) }
    do throws(CryptographyError) {
      let opened = try AESGCM.open(
        sealed, authenticating: Self.authenticated(number, subject), key: master, nonce: nonce)
      if var bytes = opened, let key = SecretKey(wiping: &bytes) { return key }
    } catch {
      throw .cryptography(error)
    }
    throw .changed
  }

  /// The number of a master key.
  public static func number(of master: SecretKey) -> UInt64 {
    master.code(of: numberContext).bytes.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
  }

  private static func head(_ masterNumber: UInt64) -> [UInt8] {
    var bytes = magic + [1, 0, 0, 0]
    bytes.appendLittleEndian(masterNumber)
    return bytes
  }

  private static func authenticated(_ masterNumber: UInt64, _ subject: [UInt8]) -> [UInt8] {
    context + head(masterNumber) + subject
  }
}

/// Why a wrapped key cannot be opened.
public enum WrappedKeyError: Error, Hashable, Sendable {
  /// Too few or too many bytes.
  case length(found: Int)
  /// Not a wrapped key, or of a newer version.
  case form
  /// It is under another master key.
  case masterKey(expected: UInt64, given: UInt64)
  /// Its bytes were changed, or it is another subject's.
  case changed
  /// libcrypto could not tell.
  case cryptography(CryptographyError)
}

extension WrappedKeyError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .length(let found):
      "a wrapped key has \(WrappedKey.byteCount) bytes, this has \(found); restore it"
    case .form: "not a wrapped key, or one of a newer version; restore it, or upgrade"
    case .masterKey(let expected, let given):
      "it is under master key \(Hexadecimal.digits(expected, count: 16)), not under "
        + "\(Hexadecimal.digits(given, count: 16)); give that one"
    case .changed: "the wrapped key was changed, or is another subject's; restore it"
    case .cryptography(let error): "\(error)"
    }
  }
}
