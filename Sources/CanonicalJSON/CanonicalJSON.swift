/// JSON in the one form that RFC 8785 (JCS) gives it: equal documents are equal bytes.
///
/// Members are sorted by the UTF-16 code units of their names, numbers are written as ECMAScript writes doubles, and
/// only what must be is escaped in texts. Input is I-JSON (RFC 7493): UTF-8, no name twice in an object, no half of a
/// surrogate pair, numbers that a double can hold. What is hashed must have one reading, so nothing else is mended or
/// passed over; that is why the reader here is one of its own (Decision 0013).
public enum CanonicalJSON {
  /// Deepest nesting of arrays and objects.
  public static let depthLimit = 512

  /// Why bytes have no canonical form.
  public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public enum Kind: String, Hashable, Sendable {
      /// Not what the grammar of JSON has there.
      case syntax = "this is no JSON (RFC 8259); mend it there"
      /// The bytes of a text are not UTF-8.
      case encoding = "the text is not UTF-8; convert it"
      /// Half of a surrogate pair, which is no character.
      case surrogate = "half of a surrogate pair is no character; write both halves"
      /// A name that its object has already.
      case duplicate = "the object has this name already; name each member once"
      /// A number beyond the range of a double.
      case range = "no double holds this number; write it as a text"
      /// Nested deeper than ``CanonicalJSON/depthLimit``.
      case depth = "arrays and objects are nested deeper than 512; flatten them"
    }

    /// What.
    public let kind: Kind
    /// Bytes before it.
    public let position: Int

    /// The problem in words, and what helps.
    public var description: String { "byte \(position): \(kind.rawValue)" }
  }

  /// The canonical form of a document.
  ///
  /// - Parameter document: One JSON value, with or without blanks around it.
  /// - Throws: ``Problem``, whatever the bytes are.
  public static func canonicalized(_ document: [UInt8]) throws(Problem) -> [UInt8] {
    var reader = Reader(bytes: document)
    let value = try reader.value(depth: 0)
    reader.skipBlanks()
    guard reader.place == document.count else { throw reader.problem(.syntax) }
    return value
  }

  /// A number as ECMAScript writes it (`Number::toString`); `nil` for one that is not finite.
  public static func text(of number: Double) -> String? {
    guard number.isFinite else { return nil }
    guard number != 0 else { return "0" }
    // The shortest digits that lead back to the number, as the standard library finds them.
    let parts = number.magnitude.description.split(separator: "e")
    let exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
    let mantissa = parts[0].split(separator: ".")
    let whole = String(mantissa[0])
    let fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
    let all = whole + fraction
    let leading = all.prefix { $0 == "0" }.count
    var digits = Array(all.dropFirst(leading))
    while digits.last == "0" { digits.removeLast() }
    // The number is 0.DIGITS times ten to this power.
    let power = whole.count - leading + exponent
    return (number < 0 ? "-" : "") + place(digits, power)
  }

  private static func place(_ digits: [Character], _ power: Int) -> String {
    let count = digits.count
    switch power {
    case count...21 where count <= 21:
      return String(digits) + String(repeating: "0", count: power - count)
    case 1...21: return String(digits[..<power]) + "." + String(digits[power...])
    case -5...0: return "0." + String(repeating: "0", count: -power) + String(digits)
    default:
      let rest = count > 1 ? "." + String(digits[1...]) : ""
      let exponent = power - 1
      return String(digits[0]) + rest + "e" + (exponent < 0 ? "-" : "+") + "\(exponent.magnitude)"
    }
  }
}

/// Reads a document and writes its values as it goes.
private struct Reader {
  let bytes: [UInt8]
  var place = 0

  func problem(_ kind: CanonicalJSON.Problem.Kind) -> CanonicalJSON.Problem {
    CanonicalJSON.Problem(kind: kind, position: place)
  }

  private var next: UInt8? { place < bytes.count ? bytes[place] : nil }

  mutating func skipBlanks() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
      place += 1
    }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    place += 1
    return true
  }

  mutating func value(depth: Int) throws(CanonicalJSON.Problem) -> [UInt8] {
    guard depth < CanonicalJSON.depthLimit else { throw problem(.depth) }
    skipBlanks()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return Self.quoted(try text())
    case UInt8(ascii: "t"): return try word("true")
    case UInt8(ascii: "f"): return try word("false")
    case UInt8(ascii: "n"): return try word("null")
    default: return try number()
    }
  }

  private mutating func word(_ word: String) throws(CanonicalJSON.Problem) -> [UInt8] {
    let wanted = Array(word.utf8)
    guard bytes[place...].starts(with: wanted) else { throw problem(.syntax) }
    place += wanted.count
    return wanted
  }

  private mutating func array(depth: Int) throws(CanonicalJSON.Problem) -> [UInt8] {
    place += 1
    var out = [UInt8(ascii: "[")]
    skipBlanks()
    if !take("]") {
      while true {
        out += try value(depth: depth + 1)
        skipBlanks()
        if take("]") { break }
        guard take(",") else { throw problem(.syntax) }
        out.append(UInt8(ascii: ","))
      }
    }
    return out + [UInt8(ascii: "]")]
  }

  private mutating func object(depth: Int) throws(CanonicalJSON.Problem) -> [UInt8] {
    place += 1
    var members: [(name: [UInt16], text: [UInt8])] = []
    var names: Set<[UInt16]> = []
    skipBlanks()
    if !take("}") {
      while true {
        skipBlanks()
        let start = self
        guard next == UInt8(ascii: "\"") else { throw problem(.syntax) }
        let name = try text()
        guard names.insert(Array(name.utf16)).inserted else { throw start.problem(.duplicate) }
        skipBlanks()
        guard take(":") else { throw problem(.syntax) }
        let value = try value(depth: depth + 1)
        members.append((Array(name.utf16), Self.quoted(name) + [UInt8(ascii: ":")] + value))
        skipBlanks()
        if take("}") { break }
        guard take(",") else { throw problem(.syntax) }
      }
    }
    members.sort { $0.name.lexicographicallyPrecedes($1.name) }
    let body = members.map(\.text).joined(separator: [UInt8(ascii: ",")])
    return [UInt8(ascii: "{")] + body + [UInt8(ascii: "}")]
  }

  // MARK: Numbers

  private mutating func digits() throws(CanonicalJSON.Problem) {
    let start = place
    while let byte = next, byte >= 0x30, byte <= 0x39 { place += 1 }
    guard place > start else { throw problem(.syntax) }
  }

  private mutating func number() throws(CanonicalJSON.Problem) -> [UInt8] {
    let start = self
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start.place..<place], as: UTF8.self)
    guard let number = Double(text), let canonical = CanonicalJSON.text(of: number) else {
      throw start.problem(.range)
    }
    return Array(canonical.utf8)
  }

  // MARK: Texts

  /// The scalars of a text; the quotation mark is next.
  private mutating func text() throws(CanonicalJSON.Problem) -> String.UnicodeScalarView {
    place += 1
    var scalars = String.UnicodeScalarView()
    var run = place
    while true {
      guard let byte = next, byte >= 0x20 else { throw problem(.syntax) }
      guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
        place += 1
        continue
      }
      guard let plain = String(validating: bytes[run..<place], as: UTF8.self) else {
        throw CanonicalJSON.Problem(kind: .encoding, position: run)
      }
      scalars += plain.unicodeScalars
      place += 1
      if byte == UInt8(ascii: "\"") { return scalars }
      scalars.append(try escaped())
      run = place
    }
  }

  private static let escapes: [UInt8: Unicode.Scalar] = [
    UInt8(ascii: "\""): "\"", UInt8(ascii: "\\"): "\\", UInt8(ascii: "/"): "/",
    UInt8(ascii: "b"): "\u{8}", UInt8(ascii: "f"): "\u{c}", UInt8(ascii: "n"): "\n",
    UInt8(ascii: "r"): "\r", UInt8(ascii: "t"): "\t",
  ]

  /// What stands behind a backslash.
  private mutating func escaped() throws(CanonicalJSON.Problem) -> Unicode.Scalar {
    guard let byte = next else { throw problem(.syntax) }
    if let scalar = Self.escapes[byte] {
      place += 1
      return scalar
    }
    guard take("u") else { throw problem(.syntax) }
    let high = try codeUnit()
    if let scalar = Unicode.Scalar(high) { return scalar }
    guard high < 0xdc00, take("\\"), take("u") else { throw problem(.surrogate) }
    let low = try codeUnit()
    guard low >= 0xdc00, low < 0xe000,
      let scalar = Unicode.Scalar(0x10000 + (high & 0x3ff) << 10 | low & 0x3ff)
    else { throw problem(.surrogate) }
    return scalar
  }

  private mutating func codeUnit() throws(CanonicalJSON.Problem) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw problem(.syntax)
      }
      unit = unit << 4 | UInt32(digit)
      place += 1
    }
    return unit
  }

  private static func quoted(_ text: String.UnicodeScalarView) -> [UInt8] {
    var out = [UInt8(ascii: "\"")]
    for scalar in text {
      switch scalar {
      case "\"": out += Array(#"\""#.utf8)
      case "\\": out += Array(#"\\"#.utf8)
      case "\u{8}": out += Array(#"\b"#.utf8)
      case "\t": out += Array(#"\t"#.utf8)
      case "\n": out += Array(#"\n"#.utf8)
      case "\u{c}": out += Array(#"\f"#.utf8)
      case "\r": out += Array(#"\r"#.utf8)
      case "\u{0}"..."\u{1f}":
        let digits = String(scalar.value, radix: 16)
        out += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
      default: out += Array(String(Character(scalar)).utf8)
      }
    }
    return out + [UInt8(ascii: "\"")]
  }
}

extension String.UnicodeScalarView {
  fileprivate var utf16: String.UTF16View { String(self).utf16 }
}
