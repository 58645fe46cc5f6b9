internal import ByteCoding
internal import Cryptography

/// A structure in a disk sector of its own, so that nothing written beside it can harm it: 512 bytes.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 4 | magic |
/// | 4 | 1 | version, 1 |
/// | 5 | 3 | zeros |
/// | 8 | n | body |
/// | 8 + n | 32 | SHA-256 of everything before |
/// | 40 + n | 472 - n | zeros |
enum Sector {
  static let byteCount = 512
  static let zeros = [UInt8](repeating: 0, count: byteCount)

  private static let bodyPosition = 8

  static func encoded(_ magic: String, _ body: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    // At once, or growing would leave copies of a body that is secret.
    bytes.reserveCapacity(byteCount)
    bytes += magic.utf8
    bytes += [1, 0, 0, 0]
    bytes += body
    bytes += SHA256.digest(bytes).bytes
    precondition(magic.utf8.count == 4 && bytes.count <= byteCount)
    bytes.append(contentsOf: repeatElement(0, count: byteCount - bytes.count))
    return bytes
  }

  /// The body; `nil` unless the bytes are exactly what ``encoded(_:_:)`` gives.
  static func body(_ magic: String, byteCount count: Int, in bytes: RawSpan) -> [UInt8]? {
    let end = bodyPosition + count
    guard bytes.byteCount == byteCount, end + Digest.byteCount <= byteCount else { return nil }
    let rest = bytes.extracting((end + Digest.byteCount)..<byteCount)
    guard bytes.extracting(0..<bodyPosition).copyBytes() == Array(magic.utf8) + [1, 0, 0, 0],
      Digest(bytes.extracting(end..<end + Digest.byteCount))
        == SHA256.digest(bytes.extracting(0..<end)),
      rest.isAllZero
    else { return nil }
    return bytes.extracting(bodyPosition..<end).copyBytes()
  }
}
