internal import CommandLineInterface
internal import CommitLog
internal import ErasableRecords
internal import EvidenceFiles
internal import Quantities

/// `piperoll erase`: destroys the key of a subject.
enum EraseCommand: ExecutableCommand {
  static let reason = Option<String>.defaulting(
    "reason", "TEXT", .text, to: "",
    help: "why, for whoever reads the statement; it must not name the subject")

  static let declaration = Command(
    "erase", summary: "erase a subject's payloads for ever",
    discussion: """
      Destroys the subject's key, durably, and states that in the store: its payloads in erasable streams \
      can be opened by nobody any more, in no copy of the store. Chain, tree, checkpoints and proofs hold as before. It takes \
      the same time however many records there are, and cannot be undone.

      Copies of the folder of keys from before still hold the key: rewrap them under a new master key \
      and destroy the old one.
      """,
    parameters: [
      Shared.store, SubjectParameters.subject, SubjectParameters.keys, SubjectParameters.masterKey,
      reason, Shared.adopt,
    ],
    examples: [
      .init(
        "piperoll erase my.store --subject user-42 --keys keys --master-key master --reason 'ticket 7'",
        "erases all payloads about user-42")
    ],
    exitCodes: [
      .init(.success, "the key is destroyed, and the store says so"),
      .init(.damaged, "the subject has no key here, so nothing was erased"),
      .init(.usage, "the command line is wrong, or it was not done; do it again"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    guard let (subject, keys) = try SubjectParameters.opened(arguments, console) else {
      throw .message("name the subject with --subject")
    }
    let store = try openStore(arguments, console)
    defer { store.close() }
    let statement: Offset?
    do throws(ErasableError) {
      statement = try store.erase(subject: subject, keys: keys, reason: arguments[reason])
    } catch {
      throw .message("\(error)")
    }
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("erased", statement != nil)
      json.name("statement")
      if let statement { json.value(statement.rawValue) } else { json.null() }
      json.endObject()
      try console.write(json)
    } else if let statement {
      try console.write("erased; stated as record \(statement) of the evidence stream\n")
    } else {
      console.writeError("piperoll erase: the subject has no key here; nothing was erased\n")
    }
    return statement == nil ? .damaged : .success
  }
}
