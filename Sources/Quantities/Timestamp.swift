/// A moment: nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time).
///
/// The range of a 64-bit count of nanoseconds is 1677-09-21 to 2262-04-11.
public struct Timestamp: RawRepresentable, Hashable, Comparable, Sendable {
  /// Nanoseconds since the epoch; negative before 1970.
  public var rawValue: Int64

  /// Makes a moment from nanoseconds since the epoch.
  @inlinable
  public init(rawValue: Int64) { self.rawValue = rawValue }

  @inlinable
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension Timestamp: CustomStringConvertible {
  public var description: String { String(rawValue) }
}
