/// Base64 with padding (RFC 4648, section 4), canonical only: text that decodes is the text that encoding
/// gives back.
public enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  private static let values: [UInt8] = {
    var values = [UInt8](repeating: 0xff, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  /// Appends the text of some bytes, as ASCII: four characters for every three bytes begun.
  public static func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
    let alphabet = alphabet
    var position = 0
    while position < bytes.count {
      let count = min(3, bytes.count - position)
      var group: UInt32 = 0
      for index in 0..<3 {
        group = group << 8 | (index < count ? UInt32(bytes[position + index]) : 0)
      }
      for index in 0..<4 {
        let value = Int(group >> UInt32(18 - 6 * index) & 63)
        text.append(index <= count ? alphabet[value] : 0x3d)
      }
      position += count
    }
  }

  /// The text of some bytes, as ASCII.
  public static func encoded(_ bytes: [UInt8]) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    append(bytes.span, to: &text)
    return text
  }

  /// The text of some bytes.
  public static func text(_ bytes: [UInt8]) -> String {
    String(decoding: encoded(bytes), as: UTF8.self)
  }

  /// The bytes that a text stands for; `nil` when it is not canonical Base64.
  public static func decoded(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 == 0 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3)
    var bits: UInt32 = 0
    var index = 0
    var paddingCount = 0
    for character in text {
      if character == 0x3d, index % 4 >= 2, text.count - index <= 2 {
        paddingCount += 1
        bits <<= 6
      } else {
        let value = values[Int(character)]
        guard value != 0xff, paddingCount == 0 else { return nil }
        bits = bits << 6 | UInt32(value)
      }
      index += 1
      guard index % 4 == 0 else { continue }
      // What the padding leaves over must be zero.
      let unused: UInt32 = paddingCount == 2 ? 0xffff : paddingCount == 1 ? 0xff : 0
      guard bits & unused == 0 else { return nil }
      bytes.append(UInt8(truncatingIfNeeded: bits >> 16))
      if paddingCount < 2 { bytes.append(UInt8(truncatingIfNeeded: bits >> 8)) }
      if paddingCount < 1 { bytes.append(UInt8(truncatingIfNeeded: bits)) }
      bits = 0
    }
    return bytes
  }
}
