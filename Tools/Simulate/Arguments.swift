/// Arguments of the form `--name value`.
struct Arguments {
  /// The first word.
  let command: String
  private var values: [String: String] = [:]

  /// A wrong argument.
  struct Problem: Error, CustomStringConvertible {
    let description: String
  }

  init(_ words: some Sequence<String>) {
    var command = "help"
    var name: String?
    for (index, word) in words.enumerated() {
      if index == 0 {
        command = word
      } else if word.hasPrefix("--") {
        name = String(word.dropFirst(2))
      } else if let key = name {
        values[key] = word
        name = nil
      }
    }
    self.command = command
  }

  /// A text.
  func text(_ name: String) -> String? { values[name] }

  /// A number.
  func number<Number: FixedWidthInteger>(_ name: String, default value: Number) throws(Problem)
    -> Number
  {
    try number(name) ?? value
  }

  /// A number, if it was given.
  func number<Number: FixedWidthInteger>(_ name: String) throws(Problem) -> Number? {
    guard let text = values[name] else { return nil }
    guard let number = Number(text.filter { $0 != "," && $0 != "_" }) else {
      throw Problem(description: "--\(name) needs a number, not '\(text)'")
    }
    return number
  }
}
