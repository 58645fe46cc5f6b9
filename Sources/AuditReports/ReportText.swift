internal import CommandLineInterface

/// Sentences of an audit, for people.
enum ReportText {
  /// A sentence that the audit made: what came from the log in it was made visible there, so backslashes are
  /// as they should be. Should a character that steers a terminal be left, it becomes visible here.
  static func sentence(_ text: String) -> String {
    text.split(separator: "\\", omittingEmptySubsequences: false)
      .map { TerminalText.escaped(String($0)) }.joined(separator: "\\")
  }
}
