internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO

/// Why a command ended before its work was done.
enum CommandFailure: Error {
  /// A store or stream could not be opened.
  case open(OpenError)
  /// Records could not be appended.
  case append(AppendError)
  /// Records could not be read.
  case read(ReadError)
  /// Input could not be read.
  case input(InputError)
  /// Output could not be written.
  case output(OutputError)
  /// A file outside the store could not be used.
  case file(FileSystemError)
  /// Anything else, as a line for people that is harmless to a terminal.
  case message(String)
  /// Ctrl-C or SIGTERM; everything read before is committed.
  case interrupted
}

extension CommandFailure: CommandLineFailure {
  /// What the program ends with.
  var exitCode: ExitCode {
    switch self {
    case .output(let error): error.exitCode
    case .interrupted, .input(.interrupted): .interrupted
    default: .usage
    }
  }

  var isAboutOutput: Bool { if case .output = self { true } else { false } }

  /// A line for standard error; `nil` where nothing went wrong.
  var message: String? {
    switch self {
    case .open(let error): error.description
    case .append(let error): error.description
    case .read(let error): error.description
    case .input(.interrupted), .interrupted, .output(.closedPipe): nil
    case .input(let error): "standard input: \(error)"
    case .output(let error): error.description
    case .file(let error): error.description
    case .message(let text): text
    }
  }
}

/// Runs what opens stores and streams.
func opening<Result: ~Copyable>(
  _ body: () throws(OpenError) -> Result
) throws(CommandFailure) -> Result {
  do throws(OpenError) { return try body() } catch { throw .open(error) }
}

/// Runs what appends.
func appending<Result>(
  _ body: () throws(AppendError) -> Result
) throws(CommandFailure) -> Result {
  do throws(AppendError) { return try body() } catch { throw .append(error) }
}

/// Runs what reads records.
func reading<Result: ~Copyable>(
  _ body: () throws(ReadError) -> Result
) throws(CommandFailure) -> Result {
  do throws(ReadError) { return try body() } catch { throw .read(error) }
}

/// Runs what reads input.
func taking<Result>(_ body: () throws(InputError) -> Result) throws(CommandFailure) -> Result {
  do throws(InputError) { return try body() } catch { throw .input(error) }
}

/// Runs what writes output.
func printing<Result>(_ body: () throws(OutputError) -> Result) throws(CommandFailure) -> Result {
  do throws(OutputError) { return try body() } catch { throw .output(error) }
}

/// Runs what uses files outside the store.
func using<Result: ~Copyable>(
  _ body: () throws(FileSystemError) -> Result
) throws(CommandFailure) -> Result {
  do throws(FileSystemError) { return try body() } catch { throw .file(error) }
}
