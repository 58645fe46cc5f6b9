internal import PlatformIO

/// Why a command ended before its work was done, as far as whoever runs it wants to know.
public protocol CommandLineFailure: Error {
  /// What the program ends with.
  var exitCode: ExitCode { get }
  /// A line for standard error; `nil` where nothing went wrong.
  var message: String? { get }
  /// Whether it was standard output that could not be written.
  var isAboutOutput: Bool { get }
}

/// Where a program writes.
public struct CommandLineStreams<Failure: CommandLineFailure> {
  /// Writes text to standard output.
  let write: (String) throws(Failure) -> Void
  /// Hands what was written to whoever reads it.
  let flush: () throws(Failure) -> Void
  /// Writes text to standard error as it is.
  let writeError: (String) -> Void

  /// Puts them together.
  ///
  /// - Parameters:
  ///   - write: Writes text to standard output.
  ///   - flush: Hands what was written to whoever reads it.
  ///   - writeError: Writes text to standard error as it is.
  public init(
    write: @escaping (String) throws(Failure) -> Void, flush: @escaping () throws(Failure) -> Void,
    writeError: @escaping (String) -> Void
  ) {
    (self.write, self.flush, self.writeError) = (write, flush, writeError)
  }
}

extension Program {
  /// Runs a command line and says what to end with; everything else goes to the streams.
  ///
  /// - Parameters:
  ///   - words: The arguments without the program's own name.
  ///   - streams: Where the program writes.
  ///   - body: Does the work of a command.
  public func run<Failure: CommandLineFailure>(
    _ words: [String], on streams: CommandLineStreams<Failure>,
    _ body: (Command, ParsedArguments) throws(Failure) -> ExitCode
  ) -> ExitCode {
    do throws(UsageError) {
      switch try parse(words) {
      case .print(let text):
        return finish(name, streams) { () throws(Failure) in
          try streams.write(text)
          return .success
        }
      case .run(let command, let arguments):
        return finish("\(name) \(command.name)", streams) { () throws(Failure) in
          try body(command, arguments)
        }
      }
    } catch {
      streams.writeError("\(error)\n")
      return .usage
    }
  }

  /// Runs a command and turns its failure into a line and an exit code.
  private func finish<Failure: CommandLineFailure>(
    _ context: String, _ streams: CommandLineStreams<Failure>,
    _ body: () throws(Failure) -> ExitCode
  ) -> ExitCode {
    do throws(Failure) {
      let code = try body()
      try streams.flush()
      return code
    } catch {
      // What was printed before is right and goes out, unless that is what failed.
      if !error.isAboutOutput { try? streams.flush() }
      if let message = error.message { streams.writeError("\(context): \(message)\n") }
      return error.exitCode
    }
  }

  /// Runs the command line of this process.
  ///
  /// Takes charge of the signals of the process: only the program itself calls it, once.
  /// - Parameter body: Runs the words of the command line.
  /// - Returns: The status to end with.
  public func main(_ body: ([String]) -> ExitCode) -> Int32 {
    Interruption.install()
    PosixFileSystem.ignoreFileSizeSignal()
    do throws(UsageError) {
      return body(try ProcessArguments.read(program: name)).rawValue
    } catch {
      StandardError.write("\(error)\n")
      return ExitCode.usage.rawValue
    }
  }
}
