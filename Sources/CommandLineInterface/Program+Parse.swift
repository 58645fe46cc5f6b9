internal import PlatformIO

extension Program {
  /// Finds out what a command line asks for.
  ///
  /// Options may stand before, between and after positional arguments until `--`. A word that
  /// begins with a dash is an option, except `-` alone and negative numbers; to give such a word as
  /// a value, write `--name=-word` or put it after `--`.
  ///
  /// - Parameter words: The arguments without the program's own name.
  /// - Throws: `UsageError` at the first thing that is wrong.
  public func parse(_ words: [String]) throws(UsageError) -> Invocation {
    guard let first = words.first else {
      throw UsageError(context: name, problem: "no command given; '\(name) help' lists them")
    }
    switch first {
    case "--help", "-h": return .print(HelpText(self).overview)
    case "--version": return .print("\(name) \(version)\n")
    default: break
    }
    if first.hasPrefix("-") {
      throw UsageError(
        context: name,
        problem: "\(quoted(first)) stands before the command; write '\(name) COMMAND' first")
    }
    guard let command = command(named: first) else { throw unknownCommand(first, context: name) }
    var scan = CommandScan(command: command, context: "\(name) \(command.name)")
    guard let arguments = try scan.run(words.dropFirst()) else {
      return .print(HelpText(self).page(of: command))
    }
    guard command.name == HelpCommand.declaration.name else { return .run(command, arguments) }
    return .print(try HelpCommand.text(for: arguments, of: self))
  }

  func unknownCommand(_ word: String, context: String) -> UsageError {
    let near = Suggestion.nearest(to: word, among: commands.map(\.name))
    let advice = near.map { "did you mean '\($0)'?" } ?? "'\(name) help' lists the commands"
    return UsageError(context: context, problem: "\(quoted(word)) is not a command; \(advice)")
  }
}

/// Returns a word from outside in quotes, harmless to a terminal and of bounded length.
func quoted(_ word: String) -> String {
  let limit = 80
  let head = String(word.unicodeScalars.prefix(limit))
  let isCut = head.unicodeScalars.count < word.unicodeScalars.count
  return "'\(escapedForTerminal(head))\(isCut ? "..." : "")'"
}

/// Reads the words after a command's name.
private struct CommandScan {
  let command: Command
  let context: String
  private var arguments = ParsedArguments()
  private var positionalCount = 0
  private var words: [String] = []
  private var next = 0

  init(command: Command, context: String) {
    self.command = command
    self.context = context
  }

  /// Returns the values, or nil when help was asked for.
  mutating func run(_ rest: ArraySlice<String>) throws(UsageError) -> ParsedArguments? {
    words = Array(rest)
    var onlyPositionals = false
    while next < words.count {
      let word = words[next]
      next += 1
      if onlyPositionals || !looksLikeOption(word) {
        try takePositional(word)
      } else if word == "--" {
        onlyPositionals = true
      } else if word == "--help" || word == "-h" && parameter(short: "h") == nil {
        return nil
      } else if word.hasPrefix("--") {
        try takeLong(word.dropFirst(2))
      } else {
        try takeShorts(word.dropFirst())
      }
    }
    try checkCompleteness()
    return arguments
  }

  /// A dash and more, but not a negative number unless its digit is the name of an option.
  private func looksLikeOption(_ word: String) -> Bool {
    guard word.utf8.first == UInt8(ascii: "-"), word != "-" else { return false }
    guard isNegativeNumber(word), let digit = word.dropFirst().first else { return true }
    return parameter(short: digit) != nil
  }

  private func isNegativeNumber(_ word: String) -> Bool {
    var rest = word.utf8.dropFirst()
    if rest.first == UInt8(ascii: ".") { rest = rest.dropFirst() }
    guard let digit = rest.first else { return false }
    return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit)
  }

  private func parameter(short: Character) -> Parameter? {
    command.options.first { $0.short == short }
  }

  private mutating func takePositional(_ word: String) throws(UsageError) {
    let positionals = command.positionals
    guard let last = positionals.last, positionalCount < positionals.count || last.isRepeating
    else {
      let expected =
        positionals.isEmpty ? "no argument" : positionals.map(\.name).joined(separator: " ")
      throw UsageError(
        context: context, problem: "\(quoted(word)) is one argument too many; expected \(expected)")
    }
    try store(word, for: positionals[min(positionalCount, positionals.count - 1)])
    positionalCount += 1
  }

  private mutating func takeLong(_ body: Substring) throws(UsageError) {
    let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = parts.first.map { String($0) } ?? ""
    let value = parts.count == 2 ? String(parts[1]) : nil
    guard let parameter = command.options.first(where: { $0.name == name }) else {
      throw unknownOption("--\(name)")
    }
    guard parameter.form == .flag else {
      guard let value else { return try store(try takeValue(of: parameter), for: parameter) }
      return try store(value, for: parameter)
    }
    guard value == nil else {
      throw UsageError(context: context, parameter: parameter.label, problem: "takes no value")
    }
    try store("", for: parameter)
  }

  /// Letters behind one dash: flags, up to an option whose value is the rest or the next word.
  private mutating func takeShorts(_ body: Substring) throws(UsageError) {
    var rest = body
    while let letter = rest.popFirst() {
      guard let parameter = parameter(short: letter) else { throw unknownOption("-\(letter)") }
      guard parameter.form == .option else {
        try store("", for: parameter)
        continue
      }
      let value = rest.isEmpty ? try takeValue(of: parameter) : String(rest)
      return try store(value, for: parameter)
    }
  }

  private mutating func takeValue(of parameter: Parameter) throws(UsageError) -> String {
    guard next < words.count else {
      throw UsageError(
        context: context, parameter: parameter.label,
        problem: "needs a value; write \(parameter.label) \(parameter.placeholder)")
    }
    let word = words[next]
    guard word.utf8.first != UInt8(ascii: "-") || word == "-" || isNegativeNumber(word) else {
      throw UsageError(
        context: context, parameter: parameter.label,
        problem: "needs a value before \(quoted(word)); write \(parameter.label)=VALUE "
          + "if the value begins with a dash")
    }
    next += 1
    return word
  }

  private mutating func store(_ text: String, for parameter: Parameter) throws(UsageError) {
    let label = parameter.label
    if arguments.values[label] != nil, parameter.form == .option, !parameter.isRepeating {
      throw UsageError(context: context, parameter: label, problem: "given twice; give it once")
    }
    do throws(ValueError) {
      arguments.values[label, default: []].append(try parameter.parse(text))
    } catch {
      throw UsageError(
        context: context, parameter: label, problem: "\(quoted(text)) \(error.reason)")
    }
  }

  private func unknownOption(_ word: String) -> UsageError {
    let known = command.options.map(\.label) + ["--help"]
    let near = word.hasPrefix("--") ? Suggestion.nearest(to: word, among: known) : nil
    let advice = near.map { "did you mean '\($0)'?" } ?? "'\(context) --help' lists the options"
    return UsageError(context: context, problem: "\(quoted(word)) is not an option; \(advice)")
  }

  private func checkCompleteness() throws(UsageError) {
    for parameter in command.parameters
    where parameter.isRequired && arguments.values[parameter.label] == nil {
      throw UsageError(
        context: context, parameter: parameter.label,
        problem: "missing; usage: \(HelpText.usage(of: command, context: context))")
    }
    for group in command.exclusiveGroups {
      let given = group.filter { arguments.values[$0] != nil }
      guard given.count > 1 else { continue }
      throw UsageError(
        context: context, parameter: given[1],
        problem: "cannot be used with \(given[0]); choose one")
    }
  }
}
