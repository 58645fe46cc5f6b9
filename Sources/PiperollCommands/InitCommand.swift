internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO

/// `piperoll init`: makes an empty store.
enum InitCommand: ExecutableCommand {
  static let declaration = Command(
    "init", summary: "make an empty store",
    discussion: """
      The directory is created with mode 0700 when it is missing; its parent must exist. An existing \
      directory must be empty.
      """,
    parameters: [Shared.store],
    examples: [.init("piperoll init my.store", "makes the store my.store")])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let path = arguments[Shared.store]
    try opening { () throws(OpenError) in
      try Store.create(at: path, environment: console.environment)
    }
    let reader = try openReader(arguments, console)
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("path", path)
      json.member("id", "\(reader.id)")
      json.endObject()
      try console.write(json)
    } else {
      try console.write("made store \(reader.id) in '\(escapedForTerminal(path))'\n")
    }
    return .success
  }
}
