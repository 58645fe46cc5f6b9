/// The number of a record in its log: the first record of a stream has offset 0.
///
/// Offsets are dense while a segment is written; compaction may leave gaps but never renumbers.
public struct Offset: RawRepresentable, Hashable, Comparable, Sendable {
  /// The number itself, `0 ..< 2^63`; the upper half of the range is kept free, so that sums of an
  /// offset and a count cannot overflow.
  public var rawValue: UInt64

  /// Makes an offset from its number.
  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// The first offset of every log.
  public static let zero = Offset(rawValue: 0)

  /// The largest offset a log may reach (2^63 - 1).
  public static let maximum = Offset(rawValue: UInt64(Int64.max))

  @inlinable
  public static func < (left: Offset, right: Offset) -> Bool { left.rawValue < right.rawValue }

  /// Returns the offset `count` records later, wrapping never: both operands are below 2^63.
  @inlinable
  public func advanced(by count: UInt64) -> Offset { Offset(rawValue: rawValue &+ count) }
}

extension Offset: CustomStringConvertible {
  public var description: String { String(rawValue) }
}
