import Quantities

/// Numbers since 1970-01-01T00:00:00Z whose unit is told by their magnitude.
///
/// | whole part without its sign | unit | reaches |
/// | --- | --- | --- |
/// | below 10^11 | seconds | the year 5138; what 64-bit nanoseconds cannot hold is refused |
/// | below 10^14 | milliseconds | from 1973-03-03 on |
/// | below 10^17 | microseconds | from 1973-03-03 on |
/// | others | nanoseconds | from 1973-03-03 on |
///
/// So a number in a smaller unit that is nearer to the epoch than March 1973 is read as a larger
/// unit; write such times as RFC 3339. Decimal places are exact to the nanosecond; what lies beyond
/// is cut off. Exponents are moved into the digits first.
enum EpochNumber {
  /// No number inside the range has more digits before its point.
  private static let wholeDigitLimit = 19

  /// Returns the moment a JSON number names, or nil when it is out of range.
  static func timestamp(_ token: Span<UInt8>) -> Timestamp? {
    guard let decimal = Decimal(token) else { return nil }
    let whole = decimal.whole
    let decimalPlaces: Int
    switch whole {
    case ..<100_000_000_000: decimalPlaces = 9
    case ..<100_000_000_000_000: decimalPlaces = 6
    case ..<100_000_000_000_000_000: decimalPlaces = 3
    default: decimalPlaces = 0
    }
    var magnitude = Int128(whole)
    for place in 0..<decimalPlaces { magnitude = magnitude * 10 + Int128(decimal.digit(place)) }
    return Int64(exactly: decimal.isNegative ? -magnitude : magnitude).map {
      Timestamp(rawValue: $0)
    }
  }

  /// A JSON number in digits, its exponent applied.
  private struct Decimal {
    var isNegative = false
    var whole: UInt64 = 0
    private var fraction: [UInt8] = []

    /// Returns nil when the whole part has too many digits.
    init?(_ token: Span<UInt8>) {
      var digits: [UInt8] = []
      var wholeCount: Int?
      var position = 0
      isNegative = token.count > 0 && token[0] == UInt8(ascii: "-")
      if isNegative { position += 1 }
      scan: while position < token.count {
        switch token[position] {
        case UInt8(ascii: "."): wholeCount = digits.count
        case UInt8(ascii: "e"), UInt8(ascii: "E"): break scan
        case let byte: digits.append(byte &- UInt8(ascii: "0"))
        }
        position += 1
      }
      let exponent = Self.exponent(token, from: position + 1)
      let significant = digits.firstIndex { $0 != 0 }
      guard let significant else { return }
      let pointPlace = (wholeCount ?? digits.count) + exponent
      guard pointPlace - significant <= EpochNumber.wholeDigitLimit else { return nil }
      for place in significant..<max(significant, pointPlace) {
        whole = whole * 10 + UInt64(place < digits.count ? digits[place] : 0)
      }
      for place in pointPlace..<pointPlace + 9 {
        fraction.append(digits.indices.contains(place) ? digits[place] : 0)
      }
    }

    func digit(_ place: Int) -> UInt8 { place < fraction.count ? fraction[place] : 0 }

    /// The exponent, held within bounds that put every number with it out of range or at zero.
    private static func exponent(_ token: Span<UInt8>, from start: Int) -> Int {
      let bound = 1 << 30
      var (value, sign, position) = (0, 1, start)
      while position < token.count {
        switch token[position] {
        case UInt8(ascii: "-"): sign = -1
        case UInt8(ascii: "+"): break
        case let byte: value = min(bound, value * 10 + Int(byte &- UInt8(ascii: "0")))
        }
        position += 1
      }
      return sign * value
    }
  }
}
