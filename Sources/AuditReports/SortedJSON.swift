internal import CommandLineInterface

/// A JSON value whose members come out sorted by name, as RFC 8785 sorts them: equal values give equal
/// bytes.
///
/// All names are ASCII, so their bytes sort as their UTF-16 units do. Numbers are whole and exact. Escapes
/// are those of `JSONWriter`: besides what RFC 8785 escapes, characters that can steer a terminal.
indirect enum SortedJSON {
  case null
  case flag(Bool)
  case number(UInt64)
  case text(String)
  case array([SortedJSON])
  case object([String: SortedJSON])

  /// A number, or `null`.
  static func number(_ number: UInt64?) -> SortedJSON { number.map { .number($0) } ?? .null }
  /// A text, or `null`.
  static func text(_ text: String?) -> SortedJSON { text.map { .text($0) } ?? .null }
  /// `true`, `false`, or `null`.
  static func flag(_ flag: Bool?) -> SortedJSON { flag.map { .flag($0) } ?? .null }

  /// The value on one line, with a line feed at the end.
  var document: [UInt8] {
    var json = JSONWriter()
    write(to: &json)
    json.endDocument()
    return json.bytes
  }

  private func write(to json: inout JSONWriter) {
    switch self {
    case .null: json.null()
    case .flag(let flag): json.value(flag)
    case .number(let number): json.value(number)
    case .text(let text): json.value(text)
    case .array(let values):
      json.beginArray()
      for value in values { value.write(to: &json) }
      json.endArray()
    case .object(let members):
      json.beginObject()
      for (name, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      ) {
        json.name(name)
        value.write(to: &json)
      }
      json.endObject()
    }
  }
}
