internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll hold`: keeps records from going.
enum HoldCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable { case list, place, release }

  static let action = Argument<Action>.required(
    "ACTION", .choice(), help: "list: all holds; place: keep records; release: let them go again")
  static let name = Argument<String?>.optional(
    "NAME", .text, help: "the name of the hold (place and release)")
  static let reason = Option<String?>.optional(
    "reason", "TEXT", .text, help: "place: why, for whoever asks later: a case, a person, a letter")
  static let stream = Option<StreamName?>.optional(
    "stream", "STREAM", .streamName, help: "place: only this stream; all where it is left out")
  static let from = Option<Offset?>.optional(
    "from", "OFFSET", .offset, help: "place: the first record that is held")
  static let to = Option<Offset?>.optional(
    "to", "OFFSET", .offset, help: "place: the first record behind it that is not")

  static let declaration = Command(
    "hold", summary: "keep records from being removed",
    discussion: """
      A hold keeps records whatever policies and people say: they are not removed, redacted or erased until it is \
      released. Placing the same hold again changes nothing.
      """,
    parameters: [action, Shared.store, name, reason, stream, from, to, Shared.adopt],
    examples: [
      .init(
        "piperoll hold place my.store case-17 --reason 'letter of 2026-03-02' --stream chat",
        "keeps all records of the stream chat"),
      .init("piperoll hold release my.store case-17", "lets them go again"),
    ],
    exitCodes: [
      .init(.success, "done"),
      .init(.usage, "the command line is wrong, or the hold could not be placed or released"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    guard arguments[action] != .list else {
      let reader = try openReader(arguments, console)
      let store = try opening { () throws(OpenError) in try reader.information() }
      try write(store.holds, arguments, console)
      return .success
    }
    guard let name = arguments[name] else {
      throw .message("\(arguments[action].rawValue) needs the NAME of a hold")
    }
    let isPlaced = arguments[action] == .place
    guard !isPlaced || arguments[reason] != nil else {
      throw .message("a hold needs a --reason")
    }
    let store = try openStore(arguments, console)
    defer { store.close() }
    let first = arguments[from] ?? .zero
    let next = arguments[to] ?? .maximum
    let hold = try retaining { () throws(RetentionError) in
      guard isPlaced else { return try store.releaseHold(name) }
      guard first < next else {
        throw RetentionError.invalid("--from must lie before --to")
      }
      return try store.placeHold(
        name, reason: arguments[reason] ?? "", on: arguments[stream], offsets: first..<next)
    }
    try write([hold], arguments, console)
    return .success
  }

  private static func write(
    _ holds: [RetentionHold], _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) {
    guard !arguments[Flag.json] else {
      var json = JSONWriter()
      json.beginArray()
      for hold in holds { hold.write(to: &json) }
      json.endArray()
      return try console.write(json)
    }
    var table = TextTable(["hold", "stream", "from", "to", "placed", "reason"])
    for hold in holds {
      table.add([
        escapedForTerminal(hold.name), hold.stream.map { escapedForTerminal($0) } ?? "all",
        "\(hold.offsets.lowerBound)",
        hold.offsets.upperBound == .maximum ? "the end" : "\(hold.offsets.upperBound)",
        RFC3339.format(hold.time), escapedForTerminal(hold.reason),
      ])
    }
    try console.write(holds.isEmpty ? "no holds\n" : table.text)
  }
}

extension RetentionHold {
  func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("name", name)
    json.member("reason", reason)
    json.name("stream")
    if let stream { json.value(stream) } else { json.null() }
    json.member("firstOffset", offsets.lowerBound.rawValue)
    json.member("nextOffset", offsets.upperBound.rawValue)
    json.member("placed", RFC3339.format(time))
    json.endObject()
  }
}
