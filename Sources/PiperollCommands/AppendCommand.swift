internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// `piperoll append`: records from standard input.
enum AppendCommand: ExecutableCommand {
  static let key = Option<String?>.optional(
    "key", short: "k", "K", .text, help: "the key of every record")
  static let type = Option<String?>.optional(
    "type", short: "t", "T", .text, help: "the type of every record")
  static let ack = Flag(
    "ack", short: "a",
    help: "print the offset of each record, a line each, once the record is what the class of the "
      + "stream promises")
  static let lines = Flag("lines", help: "a record a line (the default)")
  static let lengthPrefixed = Flag(
    "length-prefixed", help: "every record follows its length, 4 bytes little-endian")

  static let declaration = Command(
    "append", summary: "append records from standard input",
    discussion: """
      Each line becomes a record, without its line feed and with everything else: carriage returns, \
      zero bytes, bytes that are not UTF-8. An empty line is an empty record. A last line without a \
      line feed becomes a record too; it gets the header piperoll-no-newline, so that export can \
      give back exactly the bytes that came in.

      Lines are committed as soon as no more input is waiting, so what a person types is kept line \
      by line. When the command ends, everything it read is committed, also after Ctrl-C.

      A stream that does not exist is made, with class disk. To an erasable stream records are \
      appended for a --subject, a line each.
      """,
    parameters: [
      Shared.store, Shared.stream, key, type, ack, lines, lengthPrefixed,
      SubjectParameters.subject, SubjectParameters.keys, SubjectParameters.masterKey, Shared.adopt,
    ],
    exclusive: [[lines, lengthPrefixed], [lengthPrefixed, SubjectParameters.subject]],
    examples: [
      .init("echo hello | piperoll append my.store greetings", "appends one record"),
      .init(
        "tail -f app.log | piperoll append my.store app --ack",
        "appends lines as they come and prints the offset of each when it is durable"),
    ],
    exitCodes: Shared.appendingExits)

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let store = try openStore(arguments, console)
    defer { store.close() }
    let name = arguments[Shared.stream]
    let log = try opening { () throws(OpenError) in try store.streamCreatingIfNeeded(name) }
    if let erasable = try SubjectAppender(log, of: store, arguments, console) {
      return try erasable.run(console)
    }
    var appender = BatchAppender(
      log, key: arguments[key].map { Array($0.utf8) }, type: arguments[type].map { Array($0.utf8) })
    let isJSON = arguments[Flag.json]
    if arguments[ack] {
      appender.acknowledge = { offsets throws(CommandFailure) in
        try acknowledge(offsets, isJSON, console)
      }
    }
    do throws(CommandFailure) {
      if arguments[lengthPrefixed] {
        try appendPrefixed(&appender, console)
      } else {
        try appendLines(&appender, console)
      }
    } catch {
      // Whatever ended the input, what came before it is kept; closing the store commits it.
      appender.sendBeforeFailing()
      throw error
    }
    try appender.finish()
    if isJSON, !arguments[ack] { try console.write(summary(appender, log)) }
    return .success
  }

  private static func appendLines(_ appender: inout BatchAppender, _ console: Console)
    throws(CommandFailure)
  {
    var lines = LineReader(
      console.input, lineByteCountLimit: FormatLimits().recordByteCountLimit)
    while true {
      while try taking({ () throws(InputError) in try lines.advanceWithoutReading() }) {
        try appender.add(lines.line)
      }
      // Nothing whole is left in memory: what there is must not wait for input to come.
      try appender.send()
      guard try taking({ () throws(InputError) in try lines.advance() }) else { return }
      try appender.add(lines.line, hasNewline: lines.isTerminated)
    }
  }

  private static func appendPrefixed(_ appender: inout BatchAppender, _ console: Console)
    throws(CommandFailure)
  {
    var records = LengthPrefixedReader(
      console.input, recordByteCountLimit: FormatLimits().recordByteCountLimit)
    while true {
      while try taking({ () throws(InputError) in try records.advanceWithoutReading() }) {
        try appender.add(records.record)
      }
      try appender.send()
      guard try taking({ () throws(InputError) in try records.advance() }) else { return }
      try appender.add(records.record)
    }
  }

  private static func acknowledge(
    _ offsets: Range<UInt64>, _ isJSON: Bool, _ console: Console
  ) throws(CommandFailure) {
    for offset in offsets {
      try console.write(isJSON ? "{\"offset\":\(offset)}\n" : "\(offset)\n")
    }
    try console.flush()
  }

  private static func summary(_ appender: borrowing BatchAppender, _ log: StreamLog) -> JSONWriter {
    var json = JSONWriter()
    json.beginObject()
    json.member("stream", log.name)
    json.member("records", appender.recordCount)
    json.name("firstOffset")
    if let first = appender.firstOffset { json.value(first.rawValue) } else { json.null() }
    json.member("nextOffset", log.logEndOffset.rawValue)
    json.endObject()
    return json
  }
}
