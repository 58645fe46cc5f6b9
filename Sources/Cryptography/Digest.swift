internal import ByteCoding

/// A SHA-256 digest: 32 bytes (FIPS 180-4).
public struct Digest: Hashable, BitwiseCopyable, Sendable {
  /// Bytes of a digest.
  public static let byteCount = 32

  private var first: UInt64
  private var second: UInt64
  private var third: UInt64
  private var fourth: UInt64

  /// A digest of zeros, to be filled.
  public init() { (first, second, third, fourth) = (0, 0, 0, 0) }

  /// The digest that some bytes are; `nil` unless there are exactly 32.
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    // Safety: the size was checked above; any bit pattern is a valid digest.
    self = unsafe bytes.unsafeLoadUnaligned(as: Digest.self)
  }

  /// The digest that some bytes are; `nil` unless there are exactly 32.
  public init?(_ bytes: [UInt8]) { self.init(bytes.rawSpan) }

  /// A copy of the bytes.
  public var bytes: [UInt8] {
    // Safety: the value has 32 bytes without padding; the array copies them.
    unsafe Swift.withUnsafeBytes(of: self) { unsafe Array($0) }
  }
}

extension Digest: CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  public var description: String { Hexadecimal.text(bytes) }
}
