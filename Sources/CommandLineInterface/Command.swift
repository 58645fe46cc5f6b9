/// The declaration of one command, from which parsing, help, completion and the man page are made.
public struct Command: Sendable {
  /// A command line worth showing, and what it does.
  public struct Example: Hashable, Sendable {
    /// The command line as typed.
    public let line: String
    /// What it does, in a phrase.
    public let explanation: String

    /// Makes an example.
    public init(_ line: String, _ explanation: String) {
      self.line = line
      self.explanation = explanation
    }
  }

  /// A status a command ends with, and what it means.
  public struct ExitMeaning: Hashable, Sendable {
    /// The status.
    public let code: ExitCode
    /// What it means.
    public let meaning: String

    /// Makes a meaning.
    public init(_ code: ExitCode, _ meaning: String) {
      self.code = code
      self.meaning = meaning
    }

    /// The codes of a command that either works or does not.
    public static let usual = [
      ExitMeaning(.success, "done"),
      ExitMeaning(.usage, "the command line is wrong, or reading or writing failed"),
    ]
  }

  /// The word that chooses the command.
  public let name: String
  /// What it does, in one line without a full stop.
  public let summary: String
  /// What one needs to know to use it; paragraphs are separated by an empty line.
  public let discussion: String
  /// Everything the command accepts, in the order of help.
  public let parameters: [Parameter]
  /// Labels of parameters of which at most one may be given.
  public let exclusiveGroups: [[String]]
  /// Command lines worth showing.
  public let examples: [Example]
  /// What it ends with.
  public let exitCodes: [ExitMeaning]

  /// Declares a command.
  ///
  /// - Parameters:
  ///   - name: The word that chooses it.
  ///   - summary: What it does, in one line without a full stop.
  ///   - discussion: Paragraphs separated by an empty line.
  ///   - parameters: What it accepts; positional arguments in their order.
  ///   - exclusive: Groups of parameters of which at most one may be given.
  ///   - examples: Command lines worth showing.
  ///   - exitCodes: What it ends with.
  public init(
    _ name: String, summary: String, discussion: String = "",
    parameters: [any CommandParameter] = [], exclusive: [[any CommandParameter]] = [],
    examples: [Example] = [], exitCodes: [ExitMeaning] = ExitMeaning.usual
  ) {
    self.name = name
    self.summary = summary
    self.discussion = discussion
    self.parameters = parameters.map(\.parameter)
    self.exclusiveGroups = exclusive.map { $0.map(\.parameter.label) }
    self.examples = examples
    self.exitCodes = exitCodes
    checkDeclaration()
  }

  var positionals: [Parameter] { parameters.filter { $0.form == .positional } }
  var options: [Parameter] { parameters.filter { $0.form != .positional } }

  /// The same command with parameters every command of a program accepts.
  func adding(_ common: [Parameter]) -> Command {
    let names = Set(parameters.map(\.label))
    return Command(
      copying: self, parameters: parameters + common.filter { !names.contains($0.label) })
  }

  private init(copying other: Command, parameters: [Parameter]) {
    name = other.name
    summary = other.summary
    discussion = other.discussion
    self.parameters = parameters
    exclusiveGroups = other.exclusiveGroups
    examples = other.examples
    exitCodes = other.exitCodes
    checkDeclaration()
  }

  /// A declaration that contradicts itself is a mistake of the program, which stops at once.
  private func checkDeclaration() {
    let labels = parameters.map(\.label)
    precondition(Set(labels).count == labels.count, "'\(name)' declares a parameter twice")
    let letters = parameters.compactMap(\.short)
    precondition(Set(letters).count == letters.count, "'\(name)' declares a short option twice")
    for (index, parameter) in positionals.dropLast().enumerated() {
      precondition(
        !parameter.isRepeating && (parameter.isRequired || !positionals[index + 1].isRequired),
        "'\(name)': only the last arguments may be optional or repeat")
    }
    for label in exclusiveGroups.joined() {
      precondition(labels.contains(label), "'\(name)' excludes '\(label)' but does not declare it")
    }
  }
}

/// The values of one parsed command line, read by the declarations of its parameters.
public struct ParsedArguments: Sendable {
  var values: [String: [any Sendable]] = [:]

  /// The value of a parameter that the command declares.
  ///
  /// Reading a required parameter of another command is a mistake of the program and traps.
  public subscript<P: CommandParameter>(_ parameter: P) -> P.Output {
    parameter.output(of: values[parameter.parameter.label] ?? [])
  }

  /// Returns whether a parameter was written on the command line, whatever its default.
  public func isGiven(_ parameter: any CommandParameter) -> Bool {
    values[parameter.parameter.label] != nil
  }
}
