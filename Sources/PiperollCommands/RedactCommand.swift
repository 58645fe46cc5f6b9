internal import CommandLineInterface
internal import CommitLog
internal import Quantities

/// `piperoll redact`: takes the content of one record out of a store.
enum RedactCommand: ExecutableCommand {
  static let offset = Option<Offset>.required(
    "offset", "OFFSET", .offset, help: "the record")
  static let reason = Option<String>.defaulting(
    "reason", "TEXT", .text, to: "", help: "why, for whoever reads the statement")

  static let declaration = Command(
    "redact", summary: "take the content of one record out of a store",
    discussion: """
      States the redaction, with the leaf that the record has in the tree, then writes its segment again \
      without it and unlinks the old file. The offset stays empty; all other records, and every checkpoint and proof of \
      before, hold. It cannot be undone. Interrupted, it goes on when it is called again.

      The leaf has a hash of the content without a salt: who knows all but a few bits of a record can find \
      those by trying. For payloads that must withstand that, create the stream with --erasable and use \
      piperoll erase. Backups and copies keep what they have.
      """,
    parameters: [Shared.store, Shared.stream, offset, reason, Shared.adopt],
    examples: [
      .init(
        "piperoll redact my.store chat --offset 1041 --reason 'a password'",
        "takes one record out of the stream chat")
    ],
    exitCodes: [
      .init(.success, "the record is gone"),
      .init(.damaged, "the record's segment is damaged; nothing was taken out"),
      .init(
        .usage,
        "the command line is wrong, there is no such record, or it was not done; do it again"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let store = try openStore(arguments, console)
    defer { store.close() }
    let offset = arguments[offset]
    let statement: Offset?
    let log: StreamLog
    do throws(OpenError) { log = try store.stream(arguments[Shared.stream]) } catch {
      throw .open(error)
    }
    do throws(RedactionError) {
      statement = try store.redact(offset, in: log, reason: arguments[reason])
    } catch {
      guard case .damaged = error else { throw .message("\(error)") }
      console.writeError("piperoll redact: \(error)\n")
      return .damaged
    }
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("offset", offset.rawValue)
      json.name("statement")
      if let statement { json.value(statement.rawValue) } else { json.null() }
      json.endObject()
      try console.write(json)
    } else {
      let stated = statement.map { "; stated as record \($0) of the evidence stream" } ?? ""
      try console.write("record \(offset) is taken out\(stated)\n")
    }
    return .success
  }
}
