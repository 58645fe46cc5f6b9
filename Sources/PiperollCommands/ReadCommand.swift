internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import Quantities

/// `piperoll read`: records of a stream, up to its present end.
enum ReadCommand: ExecutableCommand {
  static let from = Shared.from(
    .earliest,
    "where to begin: an offset, earliest, latest, or @2024-02-29T12:00:00Z for the first "
      + "record appended at or after that time")
  static let to = Option<Offset?>.optional(
    "to", "OFFSET", .offset, help: "end before this offset")

  static let declaration = Command(
    "read", summary: "print records",
    discussion: """
      Prints the records that are visible when the command starts. In raw format each value is \
      followed by a line feed; on a terminal, characters that could steer it are made visible.

      Where bytes are damaged, the place and the offsets lost are named on standard error, the \
      records behind it are printed, and the exit code is 1.

      With --subject, the payloads of an erasable stream that are about the subject are printed, \
      opened; others are left out.
      """,
    parameters: [
      Shared.store, Shared.stream, from, to, Shared.limit, Shared.format,
      SubjectParameters.subject, SubjectParameters.keys, SubjectParameters.masterKey,
    ],
    examples: [
      .init("piperoll read my.store orders --max 10", "prints the first ten records"),
      .init(
        "piperoll read my.store orders --from @2024-02-29T12:00:00Z --format json",
        "prints what was appended since then, with offsets, times, keys and types"),
    ],
    exitCodes: Shared.readingExits)

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let store = try openReader(arguments, console)
    let reader = try reading { () throws(ReadError) in
      try store.makeReader(of: arguments[Shared.stream], from: arguments[from])
    }
    // A writer may be faster than we are: the end is what it is now.
    var end = reader.visibleOffset
    if let to = arguments[to] {
      guard to >= reader.nextOffset else {
        throw .message("--to \(to) lies before --from, which is offset \(reader.nextOffset)")
      }
      end = min(end, to)
    }
    let printer = RecordPrinter(arguments.recordFormat, to: console.output)
    let opener = try SubjectOpener(store, arguments[Shared.stream], arguments, console)
    var pump = RecordPump(reader, context: "piperoll read", console)
    _ = try pump.run(before: end, limit: arguments[Shared.limit] ?? .max, printer) {
      guard let opener else { return printer.print($0) }
      if let payload = opener.payload(of: $0) { printer.print($0, value: payload.rawSpan) }
    }
    return opener.map { $0.damageCount > 0 } == true ? .damaged : pump.exitCode
  }
}

extension ParsedArguments {
  /// The format asked for; `--json` is another way to write `--format json`.
  var recordFormat: RecordFormat { self[Flag.json] ? .json : self[Shared.format] }
}
