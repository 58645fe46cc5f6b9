/// Why a text is not a value of its kind; the text itself is added by whoever reports it.
public struct ValueError: Error, Hashable, Sendable {
  /// What is wrong and what to write instead, to stand after the quoted text:
  /// `is not a byte count; use a number with KiB, MiB or GiB`.
  public let reason: String

  /// Makes an error from the words that follow the quoted text.
  public init(_ reason: String) { self.reason = reason }
}

/// What a shell may offer where a value is expected.
public enum Completion: Hashable, Sendable {
  /// Nothing is known about the values.
  case none
  /// The value is the path of a file or a directory.
  case path
  /// The value is one of these words.
  case words([String])
}

/// How one kind of value is read from a command line, shown in help and completed by shells.
public struct ValueKind<Value: Sendable>: Sendable {
  /// What shells may offer.
  public let completion: Completion
  let parse: @Sendable (String) throws(ValueError) -> Value
  let format: @Sendable (Value) -> String

  /// Makes a kind.
  ///
  /// - Parameters:
  ///   - completion: What shells may offer.
  ///   - format: The text of a value as help shows it for a default.
  ///   - parse: Reads the text of an argument; throws `ValueError` when it is not such a value.
  public init(
    completion: Completion = .none,
    format: @escaping @Sendable (Value) -> String = { "\($0)" },
    parse: @escaping @Sendable (String) throws(ValueError) -> Value
  ) {
    self.completion = completion
    self.format = format
    self.parse = parse
  }
}

extension ValueKind where Value == String {
  /// Any text that is not empty.
  public static var string: ValueKind { text(completion: .none) }

  /// The path of a file or directory; not empty.
  public static var path: ValueKind { text(completion: .path) }

  private static func text(completion: Completion) -> ValueKind {
    ValueKind(completion: completion) { text throws(ValueError) in
      guard !text.isEmpty else { throw ValueError("is empty; write at least one character") }
      return text
    }
  }
}

extension ValueKind where Value == Int {
  /// A whole number, negative ones included.
  ///
  /// - Parameter range: The numbers accepted.
  public static func integer(in range: ClosedRange<Int> = .min ... .max) -> ValueKind {
    ValueKind { text throws(ValueError) in
      guard let number = Int(text), range.contains(number) else {
        throw ValueError(
          WholeNumber.refusal(text, lowest: range.lowerBound, highest: range.upperBound))
      }
      return number
    }
  }
}

extension ValueKind where Value == UInt64 {
  /// A whole number that is not negative.
  ///
  /// - Parameter range: The numbers accepted.
  public static func unsigned(in range: ClosedRange<UInt64> = 0...UInt64.max) -> ValueKind {
    ValueKind { text throws(ValueError) in
      guard let number = UInt64(text), range.contains(number) else {
        throw ValueError(
          WholeNumber.refusal(text, lowest: range.lowerBound, highest: range.upperBound))
      }
      return number
    }
  }

  /// A count of bytes: `4096`, `64KiB` (binary units), `10MB` or `1k` (decimal units); whole
  /// numbers only, upper and lower case alike.
  ///
  /// - Parameter range: The counts accepted.
  public static func byteCount(in range: ClosedRange<UInt64> = 0...UInt64.max) -> ValueKind {
    ValueKind(format: HumanFormat.exactByteCount) { text throws(ValueError) in
      let count = try ByteCountText.parse(text)
      guard range.contains(count) else {
        let lowest = HumanFormat.exactByteCount(range.lowerBound)
        let highest = HumanFormat.exactByteCount(range.upperBound)
        throw ValueError("is out of range; use \(lowest) to \(highest)")
      }
      return count
    }
  }
}

extension ValueKind where Value == Duration {
  /// A length of time with its unit: `250ms`, `5s`, `2h`; units are ns, us, ms, s, m, h and d.
  ///
  /// - Parameter range: The durations accepted.
  public static func duration(
    in range: ClosedRange<Duration> = .zero ... .seconds(86_400 * 36_500)
  ) -> ValueKind {
    ValueKind(format: HumanFormat.duration) { text throws(ValueError) in
      let duration = try DurationText.parse(text)
      guard range.contains(duration) else {
        let lowest = HumanFormat.duration(range.lowerBound)
        let highest = HumanFormat.duration(range.upperBound)
        throw ValueError("is out of range; use \(lowest) to \(highest)")
      }
      return duration
    }
  }
}

extension ValueKind where Value: CaseIterable & RawRepresentable, Value.RawValue == String {
  /// One of the words an enumeration lists, in exactly this spelling.
  public static func choice(_ type: Value.Type = Value.self) -> ValueKind {
    let words = Value.allCases.map(\.rawValue)
    let parse = { @Sendable (text: String) throws(ValueError) -> Value in
      if let value = Value(rawValue: text) { return value }
      let list = words.joined(separator: ", ")
      guard let near = Suggestion.nearest(to: text, among: words) else {
        throw ValueError("is not known; use one of \(list)")
      }
      throw ValueError("is not one of \(list); did you mean '\(near)'?")
    }
    return ValueKind(completion: .words(words), format: { $0.rawValue }, parse: parse)
  }
}

/// The words with which a number is refused.
enum WholeNumber {
  /// Says whether the text is no number at all or one outside the range.
  static func refusal<Number: FixedWidthInteger>(
    _ text: String, lowest: Number, highest: Number
  ) -> String {
    let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
    let signs = text.utf8.count - digits.count
    let isNumber =
      signs <= 1 && !digits.isEmpty
      && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    let range = "\(lowest) to \(highest)"
    return isNumber
      ? "is out of range; use \(range)" : "is not a whole number; use digits, \(range)"
  }
}
