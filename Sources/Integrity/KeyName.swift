/// The name of a key or of a log in a signed note: UTF-8 without spaces and plus signs
/// (C2SP signed-note). Names are equal when their bytes are.
public struct KeyName: Hashable, Sendable {
  /// The name, in UTF-8.
  public let utf8: [UInt8]

  /// A name; `nil` when it is empty, not UTF-8, or holds a Unicode space, a control character or `+`.
  public init?(utf8: some Collection<UInt8>) {
    let bytes = Array(utf8)
    guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else { return nil }
    for scalar in text.unicodeScalars
    where scalar == "+" || scalar.properties.isWhitespace || scalar.value < 0x20 {
      return nil
    }
    self.utf8 = bytes
  }

  /// A name; `nil` as for ``init(utf8:)``.
  public init?(_ text: String) { self.init(utf8: Array(text.utf8)) }
}

extension KeyName: CustomStringConvertible {
  public var description: String { String(decoding: utf8, as: UTF8.self) }
}
