/// A 128-bit identifier, written like a UUID: of a store, or of a message.
public struct UniqueIdentifier: Hashable, Sendable {
  /// Bytes 0 to 7, most significant first in the text form, as one big-endian number.
  public let high: UInt64
  /// Bytes 8 to 15 in the same way.
  public let low: UInt64

  /// Makes an identifier from its two halves.
  public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Makes a version 4 (random) UUID of RFC 9562 from 128 random bits.
  public init(random high: UInt64, _ low: UInt64) {
    self.high = high & 0xffff_ffff_ffff_0fff | 0x4000
    self.low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
  }
}

extension UniqueIdentifier {
  /// The 16 bytes in the order in which the text shows them.
  public var bytes: [UInt8] {
    [high, low].flatMap { half in (0..<8).map { UInt8(truncatingIfNeeded: half >> (56 - 8 * $0)) } }
  }
}

extension UniqueIdentifier: CustomStringConvertible {
  public var description: String {
    let digits = Array(Hexadecimal.digits(high, count: 16) + Hexadecimal.digits(low, count: 16))
    let groups = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32]
    return groups.map { String(digits[$0]) }.joined(separator: "-")
  }
}
