/// Quantities as people read them: three significant digits and a unit.
public enum HumanFormat {
  /// Returns a count of bytes in binary units: `512 B`, `1.5 KiB`, `64.0 MiB`.
  public static func byteCount(_ count: UInt64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    guard count >= 1024 else { return "\(count) B" }
    var power = 0
    while power + 1 < units.count, count >> (10 * UInt64(power + 2)) > 0 { power += 1 }
    // Tenths, rounded; the last unit holds 16 EiB, so ten times the count needs 128 bits.
    let scale = UInt128(1) << UInt128(10 * (power + 1))
    var tenths = (UInt128(count) * 10 + scale / 2) / scale
    if tenths >= 10_240, power + 1 < units.count {
      tenths = 10
      power += 1
    }
    return "\(tenths / 10).\(tenths % 10) \(units[power])"
  }

  /// Returns a count of bytes that reads back as the same count: `64MiB`, `1000`.
  public static func exactByteCount(_ count: UInt64) -> String {
    for (unit, shift) in [("TiB", UInt64(40)), ("GiB", 30), ("MiB", 20), ("KiB", 10)]
    where count > 0 && count & ((1 << shift) - 1) == 0 {
      return "\(count >> shift)\(unit)"
    }
    return "\(count)"
  }

  /// Returns a rate: `12.3 MiB/s`; `-` when no time has passed.
  public static func rate(byteCount: UInt64, nanoseconds: UInt64) -> String {
    guard nanoseconds > 0 else { return "-" }
    let perSecond = UInt128(byteCount) * 1_000_000_000 / UInt128(nanoseconds)
    return "\(Self.byteCount(UInt64(clamping: perSecond)))/s"
  }

  /// Returns a duration in its largest unit that divides it, so that it reads back the same:
  /// `250ms`, `5s`, `2h`.
  public static func duration(_ duration: Duration) -> String {
    let nanoseconds = nanoseconds(of: duration)
    guard nanoseconds != 0 else { return "0s" }
    let units: [(String, Int64)] = [
      ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000),
      ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
    ]
    for (unit, length) in units where nanoseconds % length == 0 {
      return "\(nanoseconds / length)\(unit)"
    }
    return "\(nanoseconds)ns"
  }

  /// Returns a time span as a clock shows it: `0:07`, `12:34`, `1:02:03`, `3d 04:05:06`.
  ///
  /// - Parameter seconds: Whole seconds.
  public static func clock(seconds: UInt64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
    let tail = "\(twoDigits(minutes)):\(twoDigits(seconds % 60))"
    if days > 0 { return "\(days)d \(twoDigits(hours)):\(tail)" }
    if hours > 0 { return "\(hours):\(tail)" }
    return "\(minutes):\(twoDigits(seconds % 60))"
  }

  private static func twoDigits(_ number: UInt64) -> String {
    number < 10 ? "0\(number)" : "\(number)"
  }

  private static func nanoseconds(of duration: Duration) -> Int64 {
    let (seconds, attoseconds) = duration.components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    guard !overflow else { return seconds < 0 ? .min : .max }
    let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carry ? (seconds < 0 ? .min : .max) : sum
  }
}
