/// The lowest, the middle and the highest of some figures.
struct Spread: Equatable {
  let minimum: Double
  let median: Double
  let maximum: Double

  /// Returns nil when there are no figures.
  init?(_ figures: [Double]) {
    let sorted = figures.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    minimum = first
    maximum = last
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// Numbers as text, without a formatting library.
enum Figures {
  /// A number with a fixed count of decimals.
  static func fixed(_ value: Double, decimals: Int) -> String {
    guard value.isFinite else { return "-" }
    var scale: Double = 1
    for _ in 0..<decimals { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 9e15 else { return "\(value)" }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let digits = String(UInt64(scaled))
    guard decimals > 0 else { return sign + digits }
    let padding = String(repeating: "0", count: max(0, decimals + 1 - digits.count))
    let padded = padding + digits
    return sign + padded.dropLast(decimals) + "." + padded.suffix(decimals)
  }

  /// About three significant digits.
  static func short(_ value: Double) -> String {
    switch value.magnitude {
    case 0: "0"
    case ..<0.001: "<0.001"
    case ..<0.1: fixed(value, decimals: 3)
    case ..<10: fixed(value, decimals: 2)
    case ..<100: fixed(value, decimals: 1)
    default: fixed(value, decimals: 0)
    }
  }

  /// As many decimals as needed, at most two.
  static func plain(_ value: Double) -> String {
    if value == value.rounded() { return fixed(value, decimals: 0) }
    return fixed(value * 10, decimals: 6) == fixed((value * 10).rounded(), decimals: 6)
      ? fixed(value, decimals: 1) : fixed(value, decimals: 2)
  }

  /// A rate with k, M or G.
  static func rate(_ value: Double) -> String {
    switch value {
    case 999_500_000...: short(value / 1e9) + " G"
    case 999_500...: short(value / 1e6) + " M"
    case 999.5...: short(value / 1e3) + " k"
    default: short(value)
    }
  }

  /// A duration with its unit.
  static func duration(nanoseconds: Double) -> String {
    switch nanoseconds {
    case 999_500_000...: short(nanoseconds / 1e9) + " s"
    case 999_500...: short(nanoseconds / 1e6) + " ms"
    case 999.5...: short(nanoseconds / 1e3) + " us"
    default: short(nanoseconds) + " ns"
    }
  }
}
