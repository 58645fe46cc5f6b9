/// Lower-case hexadecimal text of bytes and numbers.
public enum Hexadecimal {
  /// Two digits a byte, in order.
  public static func text(_ bytes: some Sequence<UInt8>) -> String {
    var result = ""
    for byte in bytes {
      result += digits(UInt64(byte), count: 2)
    }
    return result
  }

  /// A number with leading zeros, `count` digits wide.
  public static func digits(_ value: UInt64, count: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }

  /// The number that exactly `count` lower-case digits spell, or `nil` for any other text.
  public static func number(_ text: some StringProtocol, count: Int) -> UInt64? {
    guard text.utf8.count == count, count <= 16 else { return nil }
    var value: UInt64 = 0
    for character in text.utf8 {
      switch character {
      case 0x30...0x39: value = value << 4 | UInt64(character - 0x30)
      case 0x61...0x66: value = value << 4 | UInt64(character - 0x61 + 10)
      default: return nil
      }
    }
    return value
  }

  /// The bytes that pairs of lower-case digits spell, or `nil` for any other text.
  public static func bytes(_ text: some StringProtocol) -> [UInt8]? {
    guard text.utf8.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while !rest.isEmpty {
      guard let value = number(String(decoding: rest.prefix(2), as: UTF8.self), count: 2) else {
        return nil
      }
      bytes.append(UInt8(truncatingIfNeeded: value))
      rest = rest.dropFirst(2)
    }
    return bytes
  }
}
