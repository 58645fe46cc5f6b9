/// Base64 with the standard alphabet and padding (RFC 4648, section 4).
public enum Base64 {
  private static let alphabet = Array(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Appends the encoding of bytes to a buffer; four characters for every three bytes begun.
  public static func append(_ bytes: Span<UInt8>, to buffer: inout [UInt8]) {
    let alphabet = alphabet
    var position = 0
    while position < bytes.count {
      let count = min(3, bytes.count - position)
      var group: UInt32 = 0
      for index in 0..<3 {
        group = group << 8 | (index < count ? UInt32(bytes[position + index]) : 0)
      }
      for index in 0..<4 {
        let digit = Int(group >> UInt32(18 - 6 * index) & 63)
        buffer.append(index <= count ? alphabet[digit] : UInt8(ascii: "="))
      }
      position += count
    }
  }

  /// Returns the encoding of bytes as text.
  public static func encode(_ bytes: [UInt8]) -> String {
    var buffer: [UInt8] = []
    append(bytes.span, to: &buffer)
    return String(decoding: buffer, as: UTF8.self)
  }
}
