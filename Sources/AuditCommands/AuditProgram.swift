internal import AuditReports
public import CommandLineInterface
internal import Cryptography

/// The command `piperoll-audit`.
public enum AuditProgram {
  /// The version of the program.
  public static let version = "0.1.0"

  /// What reports say they were made by.
  static let tool = ReportTool(name: "piperoll-audit", version: version)

  private static let commands: [any (AuditCommand & SendableMetatype).Type] = [
    VerifyCommand.self, ProveCommand.self, CheckProofCommand.self, DiffCommand.self,
  ]

  /// The declaration of all commands, from which help, completions and the man page are made.
  public static let program = Program(
    "piperoll-audit", version: version, date: "2026-11-22",
    summary: "check the evidence of append-only logs",
    discussion: """
      Reads a store, or a copy of one, and says whether its records are those that its evidence was made \
      from. It writes nothing to the store, takes no lock, needs no network and no configuration; keys, \
      origins and checkpoints come from the command line alone, never from the log.

      Data goes to standard output, everything else to standard error. Errors are one line.
      """,
    commands: commands.map { $0.declaration })

  /// Runs a command line and says what to end with; everything else goes to the console.
  ///
  /// - Parameters:
  ///   - words: The arguments without the program's own name.
  ///   - console: What the command may touch.
  public static func run(_ words: [String], on console: AuditConsole) -> ExitCode {
    program.run(words, on: console.streams) { command, arguments throws(AuditFailure) in
      guard let found = commands.first(where: { $0.declaration.name == command.name }) else {
        preconditionFailure("a command is declared that does not exist")
      }
      return try found.run(arguments, console)
    }
  }

  /// Runs the command line of this process.
  ///
  /// Takes charge of the signals of the process: only the program itself calls it, once.
  /// - Returns: The status to end with.
  public static func main() -> Int32 {
    LibraryConfiguration.startWithout()
    return program.main { run($0, on: .standard()) }
  }
}
