internal import CommandLineInterface
internal import PlatformIO

/// Why a command ended before its work was done.
enum AuditFailure: CommandLineFailure {
  /// Output could not be written.
  case output(OutputError)
  /// A file could not be read or written.
  case file(FileSystemError)
  /// Anything else, as a line for people that is harmless to a terminal.
  case message(String)
  /// Ctrl-C or SIGTERM.
  case interrupted

  /// What the program ends with.
  var exitCode: ExitCode {
    switch self {
    case .output(let error): error.exitCode
    case .interrupted: .interrupted
    default: .usage
    }
  }

  var isAboutOutput: Bool { if case .output = self { true } else { false } }

  /// A line for standard error; `nil` where nothing went wrong.
  var message: String? {
    switch self {
    case .output(.closedPipe), .interrupted: nil
    case .output(let error): error.description
    case .file(let error): error.description
    case .message(let text): text
    }
  }
}
