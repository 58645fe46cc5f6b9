internal import CommandLineInterface
internal import CommitLog
internal import JSONFields
internal import PlatformIO

/// `piperoll import`: files of lines, resumable.
enum ImportCommand: ExecutableCommand {
  static let files = Argument<[String]>.repeating("FILE", .path, help: "files of lines")
  static let key = Option<FieldPath?>.optional(
    "key", short: "k", "FIELD", .fieldPath, help: "JSON Lines: the field that is the record's key")
  static let type = Option<FieldPath?>.optional(
    "type", short: "t", "FIELD", .fieldPath,
    help: "JSON Lines: the field that is the record's type")
  static let time = Option<FieldPath?>.optional(
    "time", "FIELD", .fieldPath,
    help: "JSON Lines: the field that is the record's event time, as text of RFC 3339 or a number "
      + "since 1970")

  static let declaration = Command(
    "import", summary: "import files of lines",
    discussion: """
      Each line becomes a record as with append. With --key, --type or --time the lines are JSON \
      documents (blank lines excepted) whose fields become keys, types and event times; a field is \
      named as a.b or as a JSON pointer, /a/b. The value of a record is the line, unchanged.

      An import that was cut short is continued by running it again: every file is known by the \
      stream, its path and its first line, and what is in the stream already is passed over. A file \
      that has grown is continued in the same way; one that was cut, or whose last line imported has \
      changed, is refused.

      export gives back the bytes of the files.
      """,
    parameters: [Shared.store, Shared.stream, files, key, type, time, Shared.adopt],
    examples: [
      .init(
        "piperoll import my.store chat messages.jsonl --key session --type role",
        "imports messages with their session as key and their role as type")
    ],
    exitCodes: Shared.appendingExits)

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let fields = ImportFields(
      key: arguments[key], type: arguments[type], time: arguments[time])
    let store = try openStore(arguments, console)
    defer { store.close() }
    let name = arguments[Shared.stream]
    let log = try opening { () throws(OpenError) in try store.streamCreatingIfNeeded(name) }
    for path in arguments[files] {
      var job = try FileImport(path, into: log, fields: fields, console)
      try job.run()
      try report(job, path, log, asJSON: arguments[Flag.json], console)
    }
    return .success
  }

  private static func report(
    _ job: borrowing FileImport, _ path: String, _ log: StreamLog, asJSON: Bool,
    _ console: Console
  ) throws(CommandFailure) {
    guard asJSON else {
      let skipped = job.skippedCount > 0 ? ", \(job.skippedCount) were there already" : ""
      console.writeError(
        "piperoll import: '\(escapedForTerminal(path))': \(job.importedCount) records\(skipped)\n")
      return
    }
    var json = JSONWriter()
    json.beginObject()
    json.member("stream", log.name)
    json.member("file", path)
    json.member("records", job.importedCount)
    json.member("skipped", job.skippedCount)
    json.endObject()
    try console.write(json)
  }
}

extension ValueKind where Value == FieldPath {
  /// The way to a field of a JSON document.
  static var fieldPath: ValueKind {
    ValueKind(format: { $0.text }) { text throws(ValueError) in
      do throws(FieldPath.Failure) { return try FieldPath(text) } catch {
        throw ValueError(error.description)
      }
    }
  }
}
