/// A whole number followed by a unit, as `64MiB` or `250ms`, split but not yet understood.
private struct NumberWithUnit {
  var number: UInt64
  var unit: String

  /// Returns nil when the text does not begin with a digit or the number exceeds 64 bits.
  init?(_ text: String) {
    let digits = text.utf8.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard !digits.isEmpty, let number = UInt64(String(Substring(digits))) else { return nil }
    self.number = number
    var unit = text.utf8.dropFirst(digits.count)
    if unit.first == UInt8(ascii: " ") { unit = unit.dropFirst() }
    self.unit = String(Substring(unit))
  }
}

/// Reads counts of bytes with decimal and binary units.
enum ByteCountText {
  private static let units: [String: UInt64] = [
    "": 1, "b": 1,
    "k": 1_000, "kb": 1_000, "m": 1_000_000, "mb": 1_000_000,
    "g": 1_000_000_000, "gb": 1_000_000_000, "t": 1_000_000_000_000, "tb": 1_000_000_000_000,
    "ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20,
    "gi": 1 << 30, "gib": 1 << 30, "ti": 1 << 40, "tib": 1 << 40,
  ]

  /// Returns the count a text stands for.
  static func parse(_ text: String) throws(ValueError) -> UInt64 {
    guard let parts = NumberWithUnit(text), let factor = units[parts.unit.lowercased()] else {
      throw ValueError("is not a byte count; use a number with KiB, MiB or GiB")
    }
    let (count, overflow) = parts.number.multipliedReportingOverflow(by: factor)
    guard !overflow else { throw ValueError("is more than a 64-bit count of bytes; use less") }
    return count
  }
}

/// Reads lengths of time.
enum DurationText {
  private static let nanosecondsPerUnit: [String: UInt64] = [
    "ns": 1, "us": 1_000, "\u{b5}s": 1_000, "\u{3bc}s": 1_000, "ms": 1_000_000,
    "s": 1_000_000_000, "m": 60_000_000_000, "min": 60_000_000_000, "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
  ]

  /// Returns the duration a text stands for; at most 2^63 nanoseconds, 292 years.
  static func parse(_ text: String) throws(ValueError) -> Duration {
    guard let parts = NumberWithUnit(text), let factor = nanosecondsPerUnit[parts.unit] else {
      throw ValueError("is not a duration; use a number with ms, s, m, h or d")
    }
    let (count, overflow) = parts.number.multipliedReportingOverflow(by: factor)
    guard !overflow, let nanoseconds = Int64(exactly: count) else {
      throw ValueError("is longer than 292 years; use less")
    }
    return .nanoseconds(nanoseconds)
  }
}
