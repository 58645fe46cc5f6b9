/// The help of a program and its commands, 80 columns wide.
struct HelpText {
  static let columns = 80
  private static let termColumns = 26

  let program: Program

  init(_ program: Program) { self.program = program }

  /// What `piperoll help` prints.
  var overview: String {
    var lines = ["\(program.name) \(program.version) - \(program.summary)", ""]
    lines += ["Usage: \(program.name) COMMAND [options] [arguments]", ""]
    lines += Self.paragraphs(program.discussion)
    lines.append("Commands:")
    for command in program.commands { lines += Self.term(command.name, command.summary) }
    lines += ["", "'\(program.name) help COMMAND' explains a command."]
    return lines.joined(separator: "\n") + "\n"
  }

  /// What `piperoll help COMMAND` and `piperoll COMMAND --help` print.
  func page(of command: Command) -> String {
    let context = "\(program.name) \(command.name)"
    var lines = ["\(context) - \(command.summary)", ""]
    lines += Self.wrap("Usage: " + Self.usage(of: command, context: context), hanging: 7) + [""]
    lines += Self.paragraphs(command.discussion)
    if !command.positionals.isEmpty {
      lines.append("Arguments:")
      for parameter in command.positionals { lines += Self.term(parameter.name, parameter.help) }
      lines.append("")
    }
    lines.append("Options:")
    for parameter in command.options {
      lines += Self.term(Self.heading(of: parameter), Self.explanation(of: parameter))
    }
    lines += Self.term("    --help", "print this help") + [""]
    for group in command.exclusiveGroups {
      lines += Self.wrap("At most one of " + group.joined(separator: ", ") + ".", hanging: 0) + [""]
    }
    if !command.examples.isEmpty {
      lines.append("Examples:")
      for example in command.examples {
        lines += ["  \(example.line)", "      \(example.explanation)"]
      }
      lines.append("")
    }
    lines.append("Exit codes:")
    for exit in command.exitCodes {
      lines += Self.term("\(exit.code.rawValue)", exit.meaning, width: 5)
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The shape of a command line: `piperoll append [options] STORE STREAM`.
  static func usage(of command: Command, context: String) -> String {
    var words = [context]
    words += command.options.filter(\.isRequired).map { "\($0.label) \($0.placeholder)" }
    words.append("[options]")
    for parameter in command.positionals {
      let name = parameter.name + (parameter.isRepeating ? "..." : "")
      words.append(parameter.isRequired ? name : "[\(name)]")
    }
    return words.joined(separator: " ")
  }

  /// `-k, --key K`, with room for the short form where there is none.
  private static func heading(of parameter: Parameter) -> String {
    let short = parameter.short.map { "-\($0), " } ?? "    "
    let value = parameter.form == .option ? " \(parameter.placeholder)" : ""
    return short + parameter.label + value
  }

  /// The help of a parameter with its default and how often it may be given.
  static func explanation(of parameter: Parameter) -> String {
    var text = parameter.help
    if let value = parameter.defaultText { text += " (default: \(value))" }
    if parameter.form == .option, parameter.isRequired { text += " (required)" }
    if parameter.form == .option, parameter.isRepeating { text += " (may be repeated)" }
    return text
  }

  private static func term(_ name: String, _ text: String, width: Int = termColumns) -> [String] {
    let head = "  " + name
    let indent = String(repeating: " ", count: width)
    let lines = wrap(text, hanging: 0, columns: columns - width)
    guard head.count + 2 <= width, let first = lines.first else {
      return [head] + lines.map { indent + $0 }
    }
    let gap = String(repeating: " ", count: width - head.count)
    return [head + gap + first] + lines.dropFirst().map { indent + $0 }
  }

  private static func paragraphs(_ text: String) -> [String] {
    split(paragraphs: text).flatMap { wrap($0, hanging: 0) + [""] }
  }

  /// Splits text at empty lines.
  static func split(paragraphs text: String) -> [String] {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.split { $0.allSatisfy(\.isWhitespace) }.map { $0.joined(separator: " ") }
  }

  /// Breaks text between words; lines after the first are indented by `hanging`.
  static func wrap(_ text: String, hanging: Int, columns: Int = columns) -> [String] {
    var lines: [String] = []
    var line = ""
    for word in text.split(whereSeparator: \.isWhitespace) {
      if !line.isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = String(repeating: " ", count: hanging) + word
      } else {
        line += line.isEmpty ? String(word) : " " + word
      }
    }
    return line.isEmpty ? lines : lines + [line]
  }
}
