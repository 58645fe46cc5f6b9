public import Quantities

/// Date and time as text (RFC 3339, section 5.6), with nanoseconds.
///
/// Accepted: `2024-02-29T12:00:00Z`, one to nine digits of a second's fraction, offsets to ±23:59
/// (`-00:00` is UTC), and `t` and `z` in lower case, which the standard allows. Refused: a blank
/// for the `T`, a comma for the point, the leap second 60 (POSIX time has no place for it), ten
/// digits or more (they would be lost), and moments outside a 64-bit count of nanoseconds.
public enum RFC3339 {
  /// Why a text is not a moment.
  public enum Failure: Error, Hashable, Sendable {
    /// The text has another form.
    case form
    /// A part is outside its range, or the day does not exist.
    case noSuchMoment
    /// The second is 60.
    case leapSecond
    /// The moment is before 1677-09-21 or after 2262-04-11.
    case outOfRange
  }

  /// Returns the moment a text names.
  public static func parse(_ text: String) throws(Failure) -> Timestamp {
    try parse(text.utf8Span.span)
  }

  /// Returns the moment a text of ASCII bytes names.
  public static func parse(_ text: Span<UInt8>) throws(Failure) -> Timestamp {
    var scan = Scan(text)
    let year = try scan.number(digits: 4)
    try scan.expect(UInt8(ascii: "-"))
    let month = try scan.number(digits: 2)
    try scan.expect(UInt8(ascii: "-"))
    let day = try scan.number(digits: 2)
    guard scan.take(UInt8(ascii: "T")) || scan.take(UInt8(ascii: "t")) else { throw .form }
    let hour = try scan.number(digits: 2)
    try scan.expect(UInt8(ascii: ":"))
    let minute = try scan.number(digits: 2)
    try scan.expect(UInt8(ascii: ":"))
    let second = try scan.number(digits: 2)
    let nanoseconds = try scan.fraction()
    let offsetSeconds = try scan.offsetSeconds()
    guard scan.isAtEnd else { throw .form }
    guard let date = CivilDate(year: year, month: month, day: day), hour < 24, minute < 60,
      second <= 60
    else { throw .noSuchMoment }
    guard second < 60 else { throw .leapSecond }
    // Four digits of year keep this far inside 64 bits.
    let seconds =
      date.daysSinceEpoch * 86_400 + hour * 3_600 + minute * 60 + second - offsetSeconds
    let total = Int128(seconds) * 1_000_000_000 + Int128(nanoseconds)
    guard let value = Int64(exactly: total) else { throw .outOfRange }
    return Timestamp(rawValue: value)
  }

  /// Returns a moment in UTC with nine digits of fraction: `2024-02-29T12:00:00.000000000Z`.
  ///
  /// All results have the same length and sort like the moments.
  public static func format(_ moment: Timestamp) -> String {
    var bytes: [UInt8] = []
    append(moment, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends what `format(_:)` returns to a buffer.
  public static func append(_ moment: Timestamp, to buffer: inout [UInt8]) {
    let (days, nanosecondsOfDay) = floorDivide(moment.rawValue, by: 86_400_000_000_000)
    let date = CivilDate(daysSinceEpoch: Int(days))
    let (seconds, nanoseconds) = floorDivide(nanosecondsOfDay, by: 1_000_000_000)
    let second = Int(seconds)
    append(date.year, digits: 4, then: "-", to: &buffer)
    append(date.month, digits: 2, then: "-", to: &buffer)
    append(date.day, digits: 2, then: "T", to: &buffer)
    append(second / 3_600, digits: 2, then: ":", to: &buffer)
    append(second / 60 % 60, digits: 2, then: ":", to: &buffer)
    append(second % 60, digits: 2, then: ".", to: &buffer)
    append(Int(nanoseconds), digits: 9, then: "Z", to: &buffer)
  }

  private static func append(
    _ number: Int, digits: Int, then mark: Unicode.Scalar, to buffer: inout [UInt8]
  ) {
    let start = buffer.count
    var rest = number
    for _ in 0..<digits {
      buffer.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    }
    buffer[start...].reverse()
    buffer.append(UInt8(ascii: mark))
  }

  private static func floorDivide(_ number: Int64, by divisor: Int64) -> (Int64, Int64) {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  /// A reading place in the text.
  private struct Scan: ~Escapable {
    let text: Span<UInt8>
    var position = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    @_lifetime(self: copy self)
    mutating func take(_ byte: UInt8) -> Bool {
      guard position < text.count, text[position] == byte else { return false }
      position += 1
      return true
    }

    @_lifetime(self: copy self)
    mutating func expect(_ byte: UInt8) throws(Failure) {
      guard take(byte) else { throw .form }
    }

    @_lifetime(self: copy self)
    mutating func digit() -> Int? {
      guard position < text.count,
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position])
      else { return nil }
      position += 1
      return Int(text[position - 1] - UInt8(ascii: "0"))
    }

    @_lifetime(self: copy self)
    mutating func number(digits: Int) throws(Failure) -> Int {
      var number = 0
      for _ in 0..<digits {
        guard let digit = digit() else { throw .form }
        number = number * 10 + digit
      }
      return number
    }

    /// Nanoseconds behind a point, or 0 without one.
    @_lifetime(self: copy self)
    mutating func fraction() throws(Failure) -> Int {
      guard take(UInt8(ascii: ".")) else { return 0 }
      var (number, count) = (0, 0)
      while let digit = digit() {
        guard count < 9 else { throw .form }
        number = number * 10 + digit
        count += 1
      }
      guard count > 0 else { throw .form }
      for _ in count..<9 { number *= 10 }
      return number
    }

    @_lifetime(self: copy self)
    mutating func offsetSeconds() throws(Failure) -> Int {
      if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
      let isEast = take(UInt8(ascii: "+"))
      guard isEast || take(UInt8(ascii: "-")) else { throw .form }
      let hours = try number(digits: 2)
      try expect(UInt8(ascii: ":"))
      let minutes = try number(digits: 2)
      guard hours < 24, minutes < 60 else { throw .noSuchMoment }
      return (isEast ? 1 : -1) * (hours * 3_600 + minutes * 60)
    }
  }
}

extension RFC3339.Failure: CustomStringConvertible {
  /// The words that follow the text at fault.
  public var description: String {
    switch self {
    case .form: "is not a date and time; write it as 2024-02-29T12:00:00Z"
    case .noSuchMoment: "names a day or time that does not exist; check its parts"
    case .leapSecond: "has a leap second, which POSIX time cannot hold; write second 59"
    case .outOfRange: "is out of range; use 1677-09-21 to 2262-04-11"
    }
  }
}
