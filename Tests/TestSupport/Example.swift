import ByteCoding
import LogFormat
import Quantities

/// A worked hex example of `FORMAT.md`: bytes the code produces, field by field.
public struct Example: Sendable {
  /// A run of bytes.
  public struct Field: Sendable {
    let byteCount: Int
    let name: String
    /// Printed as one line saying how many bytes of zero there are.
    let isZero: Bool

    static func field(_ byteCount: Int, _ name: String) -> Field {
      Field(byteCount: byteCount, name: name, isZero: false)
    }
    static func zeros(_ byteCount: Int) -> Field {
      Field(byteCount: byteCount, name: "zero", isZero: true)
    }
  }

  /// Name in the markers.
  public let name: String
  public let bytes: [UInt8]
  public let fields: [Field]

  /// The annotated bytes.
  public var text: String {
    var lines: [String] = []
    var position = 0
    for field in fields {
      let end = position + field.byteCount
      precondition(end <= bytes.count, "\(name): field \(field.name) is outside")
      if field.isZero {
        precondition(bytes[position..<end].allSatisfy { $0 == 0 }, "\(name) is not zero")
        lines.append(Self.line(position, [], "\(field.byteCount) bytes of zero"))
        position = end
        continue
      }
      var label = field.name
      while position < end {
        let stop = min(end, position + 16)
        lines.append(Self.line(position, Array(bytes[position..<stop]), label))
        label = ""
        position = stop
      }
    }
    precondition(
      position == bytes.count, "\(name): \(bytes.count - position) bytes without a field")
    return lines.joined(separator: "\n")
  }

  private static func line(_ position: Int, _ bytes: [UInt8], _ label: String) -> String {
    let number = String(repeating: " ", count: max(0, 5 - "\(position)".count)) + "\(position)"
    let hex = bytes.map { Hexadecimal.digits(UInt64($0), count: 2) }.joined(separator: " ")
    let full = label.isEmpty ? "\(number)  \(hex)" : ""
    if label.isEmpty { return full }
    return "\(number)  \(hex)" + String(repeating: " ", count: max(2, 49 - hex.count)) + label
  }

  /// Puts every example between its markers.
  ///
  /// - Returns: The document, and the names that have no markers in it.
  public static func inserted(into document: String) throws(FormatError) -> (String, [String]) {
    var result: [Substring] = []
    var missing = Set(try all().map(\.name))
    var isSkipping = false
    let examples = Dictionary(uniqueKeysWithValues: try all().map { ($0.name, $0.text) })
    for line in document.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("<!-- end -->") { isSkipping = false }
      if !isSkipping { result.append(line) }
      guard line.hasPrefix("<!-- example: "), line.hasSuffix(" -->") else { continue }
      let name = String(line.dropFirst(14).dropLast(4))
      guard let text = examples[name] else { continue }
      missing.remove(name)
      isSkipping = true
      result += ["```text"] + text.split(separator: "\n") + ["```"]
    }
    return (result.joined(separator: "\n"), missing.sorted())
  }
}
