extension JSONWriter {
  /// Appends well-formed UTF-8 as the inside of a JSON string; runs without a special character are
  /// copied as they are.
  mutating func writeEscaped(_ text: Span<UInt8>) {
    var position = 0
    while position < text.count {
      let end = Self.plainEnd(in: text, from: position)
      // Safety: the buffer is used only inside the closure, which copies it.
      unsafe text.extracting(position..<end).withUnsafeBufferPointer { run in
        unsafe bytes.append(contentsOf: run)
      }
      position = end
      guard position < text.count else { return }
      let byte = text[position]
      if byte < 0x80 {
        writeEscape(of: byte)
        position += 1
      } else {
        position += writeCharacter(in: text, at: position)
      }
    }
  }

  /// Returns the first position at or after `start` whose byte needs a closer look.
  private static func plainEnd(in text: Span<UInt8>, from start: Int) -> Int {
    var position = start
    while let word = EightBytes.load(text, at: position) {
      let special =
        word & EightBytes.highs | EightBytes.controls(word)
        | EightBytes.matches(word, UInt8(ascii: "\""))
        | EightBytes.matches(word, UInt8(ascii: "\\"))
        | EightBytes.matches(word, 0x7f)
      // Bits above the lowest set one may be false alarms, the lowest is right.
      guard special == 0 else { return position + special.trailingZeroBitCount / 8 }
      position += 8
    }
    while position < text.count, isPlain(text[position]) { position += 1 }
    return position
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func writeEscape(of byte: UInt8) {
    let letter: Character
    switch byte {
    case UInt8(ascii: "\""): letter = "\""
    case UInt8(ascii: "\\"): letter = "\\"
    case UInt8(ascii: "\n"): letter = "n"
    case UInt8(ascii: "\r"): letter = "r"
    case UInt8(ascii: "\t"): letter = "t"
    case 0x08: letter = "b"
    case 0x0c: letter = "f"
    default: return writeEscape(of: UInt16(byte))
    }
    bytes.append(UInt8(ascii: "\\"))
    bytes.append(letter.asciiValue ?? 0)
  }

  private mutating func writeEscape(of unit: UInt16) {
    bytes.append(UInt8(ascii: "\\"))
    bytes.append(UInt8(ascii: "u"))
    for index in 0..<4 {
      let digit = UInt8(unit >> UInt16(12 - 4 * index) & 15)
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }

  /// Writes one character of two to four bytes and returns its length.
  private mutating func writeCharacter(in text: Span<UInt8>, at position: Int) -> Int {
    let lead = text[position]
    let length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    var value = UInt32(lead) & (0x7f >> UInt32(length))
    for offset in 1..<length { value = value << 6 | UInt32(text[position + offset] & 0x3f) }
    switch value {
    case 0x80..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff:
      writeEscape(of: UInt16(value))
    default:
      for offset in 0..<length { bytes.append(text[position + offset]) }
    }
    return length
  }
}
