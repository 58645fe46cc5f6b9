internal import AuditReports
public import CommandLineInterface
internal import Cryptography
internal import PlatformIO

/// The command `piperoll-audit`.
public enum AuditProgram {
  /// The version of the program.
  public static let version = "0.1.0"

  /// What reports say they were made by.
  static let tool = ReportTool(name: "piperoll-audit", version: version)

  private static let commands: [any (AuditCommand & SendableMetatype).Type] = [
    VerifyCommand.self, CheckProofCommand.self, DiffCommand.self,
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
    var context = program.name
    do throws(UsageError) {
      switch try program.parse(words) {
      case .print(let text):
        return finish(context, console) { () throws(AuditFailure) in
          try console.write(Array(text.utf8))
          return .success
        }
      case .run(let command, let arguments):
        context += " \(command.name)"
        guard let found = commands.first(where: { $0.declaration.name == command.name }) else {
          preconditionFailure("a command is declared that does not exist")
        }
        return finish(context, console) { () throws(AuditFailure) in
          try found.run(arguments, console)
        }
      }
    } catch {
      console.writeError("\(error)\n")
      return .usage
    }
  }

  /// Runs a command and turns its failure into a line and an exit code.
  private static func finish(
    _ context: String, _ console: AuditConsole, _ body: () throws(AuditFailure) -> ExitCode
  ) -> ExitCode {
    do throws(AuditFailure) {
      let code = try body()
      try console.flush()
      return code
    } catch {
      // What was printed before is right and goes out, unless that is what failed.
      if case .output = error {} else { try? console.flush() }
      if let message = error.message { console.writeError("\(context): \(message)\n") }
      return error.exitCode
    }
  }

  /// Runs the command line of this process.
  ///
  /// Takes charge of the signals of the process: only the program itself calls it, once.
  /// - Returns: The status to end with.
  public static func main() -> Int32 {
    LibraryConfiguration.startWithout()
    Interruption.install()
    PosixFileSystem.ignoreFileSizeSignal()
    do throws(UsageError) {
      return run(try ProcessArguments.read(program: program.name), on: .standard()).rawValue
    } catch {
      StandardError.write("\(error)\n")
      return ExitCode.usage.rawValue
    }
  }
}
