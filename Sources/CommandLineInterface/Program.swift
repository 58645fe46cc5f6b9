/// A program made of commands; `help` and `--version` come with it.
public struct Program: Sendable {
  /// The name users type: `piperoll`.
  public let name: String
  /// The version `--version` prints.
  public let version: String
  /// The day of the release, `2025-11-21`, for the man page.
  public let date: String
  /// What the program is, in one line without a full stop.
  public let summary: String
  /// What one needs to know first; paragraphs are separated by an empty line.
  public let discussion: String
  /// All commands in the order of help, `help` last; each accepts the common parameters.
  public let commands: [Command]

  /// Declares a program.
  ///
  /// - Parameters:
  ///   - name: The name users type.
  ///   - version: What `--version` prints.
  ///   - date: The day of the release, `YYYY-MM-DD`.
  ///   - summary: One line without a full stop.
  ///   - discussion: Paragraphs separated by an empty line.
  ///   - common: Parameters that every command accepts, as `Flag.json`.
  ///   - commands: The commands in the order of help.
  public init(
    _ name: String, version: String, date: String, summary: String, discussion: String = "",
    common: [any CommandParameter] = [Flag.json], commands: [Command]
  ) {
    self.name = name
    self.version = version
    self.date = date
    self.summary = summary
    self.discussion = discussion
    self.commands = commands.map { $0.adding(common.map(\.parameter)) } + [HelpCommand.declaration]
    let names = self.commands.map(\.name)
    precondition(Set(names).count == names.count, "'\(name)' declares a command twice")
  }

  func command(named name: String) -> Command? { commands.first { $0.name == name } }
}

extension Flag {
  /// `--json`: results as JSON, one stable object per line.
  public static let json = Flag("json", help: "print the result as JSON")
}

/// What a command line asks for.
public enum Invocation: Sendable {
  /// Run a command with these values.
  case run(Command, ParsedArguments)
  /// Print this text on standard output and end with `.success`.
  case print(String)
}

/// The shells completion scripts are made for.
public enum Shell: String, CaseIterable, Sendable {
  /// GNU Bash 4 or newer.
  case bash
  /// The Z shell.
  case zsh
  /// fish 3 or newer.
  case fish
}

/// The built-in command that explains the others.
enum HelpCommand {
  static let topic = Argument<String?>.optional("COMMAND", .string, help: "the command to explain")
  static let manual = Flag("man", help: "print the man page of all commands (roff)")
  static let completions = Option<Shell?>.optional(
    "completions", "SHELL", .choice(), help: "print a completion script: bash, zsh or fish")

  static let declaration = Command(
    "help", summary: "explain a command", discussion: "Without a command, lists all of them.",
    parameters: [topic, manual, completions], exclusive: [[topic, manual, completions]],
    exitCodes: Command.ExitMeaning.usual)

  static func text(for arguments: ParsedArguments, of program: Program) throws(UsageError) -> String
  {
    if arguments[manual] { return ManualPage(program).text }
    if let shell = arguments[completions] { return ShellCompletion(program).script(for: shell) }
    guard let name = arguments[topic] else { return HelpText(program).overview }
    guard let command = program.command(named: name) else {
      throw program.unknownCommand(name, context: "\(program.name) help")
    }
    return HelpText(program).page(of: command)
  }
}
