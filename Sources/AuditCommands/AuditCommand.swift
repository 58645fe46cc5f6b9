internal import CommandLineInterface

/// One command: what it accepts and what it does.
protocol AuditCommand: SendableMetatype {
  /// Name, parameters and help.
  static var declaration: Command { get }
  /// Does the work; results go to the console.
  static func run(_ arguments: ParsedArguments, _ console: AuditConsole) throws(AuditFailure)
    -> ExitCode
}

extension ExitCode {
  /// Something that was asked for could not be checked.
  static let incomplete = ExitCode(rawValue: 3)
}
