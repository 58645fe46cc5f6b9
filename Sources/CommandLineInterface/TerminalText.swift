internal import PlatformIO

/// Text and bytes of unknown origin, made harmless to a terminal.
public enum TerminalText {
  /// Returns text with control characters, escapes and marks that reverse writing made visible.
  public static func escaped(_ text: String) -> String { escapedForTerminal(text) }

  /// Returns bytes as text: what is UTF-8 as `escaped(_:)` shows it, every other byte as `\xNN`.
  public static func escaped(_ bytes: [UInt8]) -> String {
    var result = ""
    var rest = bytes[...]
    while !rest.isEmpty {
      let valid = UTF8Check.validPrefixByteCount(of: rest.span)
      result += escapedForTerminal(String(decoding: rest.prefix(valid), as: UTF8.self))
      rest = rest.dropFirst(valid)
      guard let byte = rest.popFirst() else { break }
      result += byte < 16 ? "\\x0\(String(byte, radix: 16))" : "\\x\(String(byte, radix: 16))"
    }
    return result
  }
}
