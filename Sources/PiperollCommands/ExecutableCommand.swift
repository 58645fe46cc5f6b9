internal import CommandLineInterface
internal import CommitLog

/// One command: what it accepts and what it does.
protocol ExecutableCommand: SendableMetatype {
  /// Name, parameters and help.
  static var declaration: Command { get }
  /// Does the work; results go to the console.
  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
}

extension ExecutableCommand {
  /// Opens the store of the command line for writing.
  static func openStore(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> Store
  {
    var options = StoreOptions()
    options.adoptsCopy = arguments[Shared.adopt]
    let path = arguments[Shared.store]
    return try opening { () throws(OpenError) in
      try Store.open(at: path, options: options, environment: console.environment)
    }
  }

  /// Opens the store of the command line for reading.
  static func openReader(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> StoreReader
  {
    let path = arguments[Shared.store]
    return try opening { () throws(OpenError) in
      try StoreReader.open(at: path, environment: console.environment)
    }
  }
}
