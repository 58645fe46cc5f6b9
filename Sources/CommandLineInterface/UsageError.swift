/// A command line that cannot be understood, as one line for people; the exit code is `.usage`.
public struct UsageError: Error, Hashable, Sendable {
  /// The program, and the command if one was recognised: `piperoll append`.
  public let context: String
  /// The option (`--max-bytes`) or positional argument (`STREAM`) at fault, if there is one.
  public let parameter: String?
  /// What is wrong and what to do.
  public let problem: String

  /// Makes an error.
  public init(context: String, parameter: String? = nil, problem: String) {
    self.context = context
    self.parameter = parameter
    self.problem = problem
  }
}

extension UsageError: CustomStringConvertible {
  /// One line without a line break, safe to print on a terminal.
  public var description: String {
    let place = parameter.map { "\($0): " } ?? ""
    return "\(context): \(place)\(problem)"
  }
}

/// What a finished command tells its caller.
public struct ExitCode: Hashable, Sendable {
  /// The status given to the operating system.
  public let rawValue: Int32

  /// Makes an exit code of a command's own.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// Everything asked for was done.
  public static let success = ExitCode(rawValue: 0)
  /// A store was read and found damaged.
  public static let damaged = ExitCode(rawValue: 1)
  /// The command line was not understood, or reading or writing failed.
  public static let usage = ExitCode(rawValue: 2)
  /// Ctrl-C or SIGTERM ended it in order, as shells count that.
  public static let interrupted = ExitCode(rawValue: 130)
}
