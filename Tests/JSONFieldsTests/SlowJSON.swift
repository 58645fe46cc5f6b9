/// RFC 8259, written down rule by rule, with what the reader demands besides: an object or an array
/// at the top, pairs of surrogates, no more than 64 levels.
struct SlowJSON {
  private let bytes: [UInt8]
  private var position = 0

  static func isDocument(_ bytes: [UInt8]) -> Bool {
    guard String(validating: bytes, as: UTF8.self) != nil else { return false }
    var scan = SlowJSON(bytes: bytes)
    scan.blanks()
    guard scan.next == "{" || scan.next == "[", scan.value(level: 0) else { return false }
    scan.blanks()
    return scan.position == bytes.count
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: Character? {
    position < bytes.count ? Character(Unicode.Scalar(bytes[position])) : nil
  }

  private mutating func take(_ character: Character) -> Bool {
    guard position < bytes.count, Unicode.Scalar(bytes[position]).isASCII, next == character else {
      return false
    }
    position += 1
    return true
  }

  private mutating func take(word: String) -> Bool {
    guard bytes[position...].starts(with: word.utf8) else { return false }
    position += word.utf8.count
    return true
  }

  private mutating func blanks() {
    while position < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[position]) {
      position += 1
    }
  }

  private mutating func value(level: Int) -> Bool {
    switch next {
    case "{": level < 64 && members(level: level)
    case "[": level < 64 && elements(level: level)
    case "\"": string()
    default: take(word: "true") || take(word: "false") || take(word: "null") || number()
    }
  }

  private mutating func members(level: Int) -> Bool {
    position += 1
    blanks()
    if take("}") { return true }
    while true {
      blanks()
      guard string() else { return false }
      blanks()
      guard take(":") else { return false }
      blanks()
      guard value(level: level + 1) else { return false }
      blanks()
      if take("}") { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func elements(level: Int) -> Bool {
    position += 1
    blanks()
    if take("]") { return true }
    while true {
      blanks()
      guard value(level: level + 1) else { return false }
      blanks()
      if take("]") { return true }
      guard take(",") else { return false }
    }
  }

  private mutating func digits() -> Bool {
    let start = position
    while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
    return position > start
  }

  private mutating func number() -> Bool {
    _ = take("-")
    if !take("0"), !digits() { return false }
    if take("."), !digits() { return false }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      return digits()
    }
    return true
  }

  private mutating func string() -> Bool {
    guard take("\"") else { return false }
    while position < bytes.count {
      if take("\"") { return true }
      guard bytes[position] >= 0x20 else { return false }
      guard take("\\") else {
        position += 1
        continue
      }
      guard escape() else { return false }
    }
    return false
  }

  private mutating func escape() -> Bool {
    if "\"\\/bfnrt".contains(where: { take($0) }) { return true }
    guard let unit = codeUnit() else { return false }
    guard (0xd800...0xdfff).contains(unit) else { return true }
    guard unit < 0xdc00, take("\\"), let low = codeUnit() else { return false }
    return (0xdc00...0xdfff).contains(low)
  }

  private mutating func codeUnit() -> UInt16? {
    guard take("u"), position + 4 <= bytes.count else { return nil }
    let text = String(decoding: bytes[position..<position + 4], as: UTF8.self)
    guard text.utf8.count == 4, text.allSatisfy(\.isHexDigit) else { return nil }
    position += 4
    return UInt16(text, radix: 16)
  }
}
