internal import CommandLineInterface
internal import Quantities

/// Moments as reports show them: RFC 3339, in UTC.
enum MomentText {
  /// A moment in nanoseconds since 1970-01-01 UTC, without those zeros of its fraction that end it.
  static func text(nanoseconds: Int64) -> String {
    let full = RFC3339.format(Timestamp(rawValue: nanoseconds))
    var digits = full.dropLast()
    while digits.last == "0" { digits.removeLast() }
    if digits.last == "." { digits.removeLast() }
    return digits + "Z"
  }

  /// A moment in seconds since 1970-01-01 UTC; as a number of seconds where it lies beyond the year 2262.
  static func text(seconds: UInt64) -> String {
    guard let seconds = Int64(exactly: seconds) else {
      return "\(seconds) s after 1970-01-01T00:00:00Z"
    }
    let (nanoseconds, isOver) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return isOver ? "\(seconds) s after 1970-01-01T00:00:00Z" : text(nanoseconds: nanoseconds)
  }
}
