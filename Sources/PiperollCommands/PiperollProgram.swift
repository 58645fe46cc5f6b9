public import CommandLineInterface

/// The command `piperoll`.
public enum PiperollProgram {
  /// The version of the program.
  public static let version = "0.1.0"

  private static let commands: [any (ExecutableCommand & SendableMetatype).Type] =
    [
      InitCommand.self, CreateCommand.self, AppendCommand.self, ImportCommand.self,
      ReadCommand.self, TailCommand.self, ExportCommand.self, InfoCommand.self,
      VerifyCommand.self, DumpCommand.self, BenchCommand.self, KeyCommand.self,
      EvidenceCommand.self, SealCommand.self, TimestampCommand.self, SubjectsCommand.self,
      EraseCommand.self, RedactCommand.self, RetentionCommand.self, HoldCommand.self,
    ] + network

  /// Commands that need the network.
  #if HTTP
    private static let network: [any (ExecutableCommand & SendableMetatype).Type] = [
      WitnessCommand.self
    ]
  #else
    private static let network: [any (ExecutableCommand & SendableMetatype).Type] = []
  #endif

  /// The declaration of all commands, from which help, completions and the man page are made.
  public static let program = Program(
    "piperoll", version: version, date: "2026-11-21",
    summary: "append-only logs in a directory",
    discussion: """
      A store is a directory that holds streams. A stream is a log of records, numbered from 0; the \
      number of a record is its offset. One process writes to a store at a time, any number of \
      processes read it meanwhile, without a lock.

      Data goes to standard output, everything else to standard error. Errors are one line.
      """,
    commands: commands.map { $0.declaration })

  /// Runs a command line and says what to end with; everything else goes to the console.
  ///
  /// - Parameters:
  ///   - words: The arguments without the program's own name.
  ///   - console: What the command may touch.
  public static func run(_ words: [String], on console: Console) -> ExitCode {
    program.run(words, on: console.streams) { command, arguments throws(CommandFailure) in
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
  public static func main() -> Int32 { program.main { run($0, on: .standard()) } }
}
