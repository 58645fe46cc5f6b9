internal import ByteCoding

/// HMAC with SHA-256 (RFC 2104, FIPS 198-1): what only holders of a key can make and check.
public enum HMACSHA256 {
  private static let blockByteCount = 64

  /// The code of a message under a key of any size.
  public static func code(of message: [UInt8], key: [UInt8]) -> Digest {
    var block = key.count > blockByteCount ? SHA256.digest(key).bytes : key
    block += [UInt8](repeating: 0, count: blockByteCount - block.count)
    let inner = SHA256.digest(prefix: block.map { $0 ^ 0x36 }, message.rawSpan)
    return SHA256.digest(block.map { $0 ^ 0x5c } + inner.bytes)
  }

  /// Whether a code is that of a message; takes as long for a wrong one as for the right one.
  public static func isValid(_ code: [UInt8], of message: [UInt8], key: [UInt8]) -> Bool {
    let expected = Self.code(of: message, key: key).bytes
    guard code.count == expected.count else { return false }
    return zip(code, expected).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
