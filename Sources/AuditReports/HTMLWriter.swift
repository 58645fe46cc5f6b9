internal import CommandLineInterface

/// Writes HTML: tags are literals of the program, everything else is escaped.
struct HTMLWriter {
  /// The HTML so far.
  private(set) var html = ""

  /// Writes tags as they are; only literals of the program can be given.
  mutating func markup(_ markup: StaticString) { html += markup.description }

  /// Writes a style sheet of the program as it is.
  mutating func style(_ css: String) { html += css }

  /// Writes text between tags.
  mutating func text(_ text: String) { html += Self.escaped(text) }

  /// Writes text that comes from the log or from the caller: control characters become visible, and marks of
  /// direction in it have no power over what stands around it.
  mutating func foreign(_ text: String) {
    html += "<bdi>" + Self.escaped(TerminalText.escaped(text)) + "</bdi>"
  }

  /// Writes a sentence of the audit, which may have texts of the log in it.
  mutating func sentence(_ text: String) {
    html += "<bdi>" + Self.escaped(ReportText.sentence(text)) + "</bdi>"
  }

  /// Writes the value of an attribute, between double quotes that the markup around it has.
  mutating func attribute(_ text: String) { html += Self.escaped(TerminalText.escaped(text)) }

  /// Writes a whole number.
  mutating func number(_ number: some BinaryInteger) { html += "\(number)" }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\u{0}"..."\u{8}", "\u{b}", "\u{c}", "\u{e}"..."\u{1f}", "\u{7f}"..."\u{9f}":
        result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
