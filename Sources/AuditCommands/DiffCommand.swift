internal import AuditVerification
internal import CommandLineInterface

/// `piperoll-audit diff`: where two copies of a store part.
enum DiffCommand: AuditCommand {
  static let first = Argument<String>.required("FIRST", .path, help: "the directory of a store")
  static let second = Argument<String>.required("SECOND", .path, help: "the directory of another")

  static let declaration = Command(
    "diff", summary: "tell where two copies of a store part",
    discussion: """
      Compares the streams of two stores by name: the heads of their chains first, then their records. \
      How records are stored does not matter. What cannot be read counts as missing: verify says why.
      """,
    parameters: [first, second],
    examples: [
      .init("piperoll-audit diff my.store backup.store", "compares a store with a backup")
    ],
    exitCodes: [
      .init(.success, "both have the same streams with the same records"),
      .init(.damaged, "they differ"),
      .init(.usage, "the command line is wrong, or a store could not be read"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: AuditConsole) throws(AuditFailure)
    -> ExitCode
  {
    let difference: StoreDifference
    do throws(AuditError) {
      difference = try StoreDifference(
        arguments[first], arguments[second], fileSystem: console.fileSystem)
    } catch {
      throw .message("\(error)")
    }
    if arguments[Flag.json] {
      try console.write(json(difference))
    } else {
      try console.write(Array(text(difference).utf8))
    }
    return difference.isEmpty ? .success : .damaged
  }

  private static func text(_ difference: StoreDifference) -> String {
    var text =
      difference.isEmpty ? "SAME: both have the same records\n" : "DIFFERENT: see the streams\n"
    for stream in difference.streams {
      text += "  \(TerminalText.escaped(stream.name)): \(sentence(stream))\n"
    }
    for name in difference.onlyInFirst {
      text += "  \(TerminalText.escaped(name)): only the first has it\n"
    }
    for name in difference.onlyInSecond {
      text += "  \(TerminalText.escaped(name)): only the second has it\n"
    }
    return text
  }

  private static func sentence(_ stream: StoreDifference.Stream) -> String {
    let common =
      stream.commonGroupCount == 0
      ? ""
      : "; \(stream.commonGroupCount) groups in common, before offset \(stream.commonGroupedOffset)"
    guard let offset = stream.partingOffset else { return "the same\(common)" }
    if stream.isConflicting { return "different records at offset \(offset)\(common)" }
    switch stream.longer {
    case .first: return "only the first goes on at offset \(offset)\(common)"
    case .second: return "only the second goes on at offset \(offset)\(common)"
    case nil: return "one of them lacks what is at offset \(offset)\(common)"
    }
  }

  private static func json(_ difference: StoreDifference) -> [UInt8] {
    var json = JSONWriter()
    json.beginObject()
    names("onlyInFirst", difference.onlyInFirst, to: &json)
    names("onlyInSecond", difference.onlyInSecond, to: &json)
    json.member("same", difference.isEmpty)
    json.name("streams")
    json.beginArray()
    for stream in difference.streams { write(stream, to: &json) }
    json.endArray()
    json.endObject()
    json.endDocument()
    return json.bytes
  }

  private static func names(_ member: String, _ names: [String], to json: inout JSONWriter) {
    json.name(member)
    json.beginArray()
    for name in names { json.value(name) }
    json.endArray()
  }

  private static func write(_ stream: StoreDifference.Stream, to json: inout JSONWriter) {
    json.beginObject()
    json.member("commonGroupedOffset", stream.commonGroupedOffset)
    json.member("commonGroups", stream.commonGroupCount)
    json.member("conflicting", stream.isConflicting)
    json.name("longer")
    if let longer = stream.longer { json.value(longer.rawValue) } else { json.null() }
    json.member("name", stream.name)
    json.name("nextOffsets")
    json.beginArray()
    for offset in stream.nextOffsets { json.value(offset) }
    json.endArray()
    json.name("partingOffset")
    if let offset = stream.partingOffset { json.value(offset) } else { json.null() }
    json.endObject()
  }
}
