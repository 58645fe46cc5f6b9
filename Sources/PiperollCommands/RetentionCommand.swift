internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll retention`: how much of a stream is kept.
enum RetentionCommand: ExecutableCommand {
  /// What is done.
  enum Action: String, CaseIterable, Sendable { case show, set, apply }

  static let action = Argument<Action>.required(
    "ACTION", .choice(),
    help:
      "show: the policies; set: replace the policy of a stream; apply: remove what is beyond them now"
  )
  static let stream = Argument<StreamName?>.optional(
    "STREAM", .streamName, help: "the name of the stream; all where it is left out (show and apply)"
  )
  static let maxAge = Option<Duration?>.optional(
    "max-age", "TIME", .duration(in: .seconds(1) ... .seconds(86_400 * 36_500)),
    help: "set: how long records are kept after they were appended")
  static let maxBytes = Option<UInt64?>.optional(
    "max-bytes", "BYTES", .byteCount(in: 1...(1 << 60)),
    help: "set: how many bytes of the newest records are kept")
  static let maxRecords = Option<UInt64?>.optional(
    "max-records", "N", .unsigned(in: 1...(1 << 60)),
    help: "set: how many of the newest records are kept")
  static let cursor = Option<[String]>.repeating(
    "cursor", "NAME", .text, help: "set: a cursor that has a say, as --acknowledged tells")
  static let acknowledged = Option<RetentionPolicy.Acknowledgement>.defaulting(
    "acknowledged", "HOW", .choice(), to: .ignored,
    help:
      "set: records that no cursor needs any more go (removes), those that one needs stay whatever else "
      + "is said (protects), or both and nothing before (decides)")
  static let everything = Flag("everything", help: "set: keep all records from now on")
  static let plan = Flag("plan", help: "apply: print what would go, and remove nothing")

  static let declaration = Command(
    "retention", summary: "say how much of a stream is kept, and remove the rest",
    discussion: """
      Whole segments go, each once all of its records are beyond a bound: a little more is kept than asked for, \
      never less. Records grow old from their append, so clocks of producers have no say. In a stream with \
      evidence it is stated what goes; every checkpoint and proof of before holds. What a hold covers stays (see \
      hold).

      A program that has the store open carries out its policies by itself; apply is for stores that nobody has \
      open.
      """,
    parameters: [
      action, Shared.store, stream, maxAge, maxBytes, maxRecords, cursor, acknowledged, everything,
      plan, Shared.adopt,
    ],
    examples: [
      .init(
        "piperoll retention set my.store chat --max-age 30d", "keeps 30 days of the stream chat"),
      .init(
        "piperoll retention apply my.store --plan",
        "shows what is beyond the policies of all streams"),
    ],
    exitCodes: [
      .init(.success, "done"),
      .init(.usage, "the command line is wrong, or the policy could not be set or carried out"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let policy = try policy(arguments)
    switch arguments[action] {
    case .show: try show(arguments, console)
    case .set:
      guard let name = arguments[stream] else { throw .message("set needs the name of a STREAM") }
      guard let policy else {
        throw .message(
          "nothing is said to keep; use --max-age, --max-bytes, --max-records or --cursor, or --everything"
        )
      }
      let store = try openStore(arguments, console)
      defer { store.close() }
      let log = try opening { () throws(OpenError) in try store.stream(name) }
      try retaining { () throws(RetentionError) in try log.setRetention(policy) }
      try write([(log.name, policy)], arguments, console)
    case .apply: try apply(arguments, console)
    }
    return .success
  }

  /// The policy a command line asks for; `nil` when it says nothing of one.
  private static func policy(_ arguments: ParsedArguments) throws(CommandFailure)
    -> RetentionPolicy?
  {
    var policy = RetentionPolicy()
    policy.maximumAgeNanoseconds = arguments[maxAge]?.wholeNanoseconds ?? 0
    policy.maximumByteCount = arguments[maxBytes] ?? 0
    policy.maximumRecordCount = arguments[maxRecords] ?? 0
    policy.cursorNames = arguments[cursor]
    policy.acknowledgement = arguments[acknowledged]
    let isEmpty = policy == RetentionPolicy()
    guard isEmpty || !arguments[everything] else {
      throw .message("--everything keeps all records; leave the other bounds out")
    }
    guard arguments[action] == .set || (isEmpty && !arguments[everything]) else {
      throw .message("bounds belong to 'piperoll retention set'")
    }
    guard arguments[action] == .apply || !arguments[plan] else {
      throw .message("--plan belongs to 'piperoll retention apply'")
    }
    return isEmpty && !arguments[everything] ? nil : policy
  }

  private static func show(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
  {
    let reader = try openReader(arguments, console)
    let store = try opening { () throws(OpenError) in try reader.information() }
    let wanted = arguments[stream]
    let streams = store.streams.filter { stream in
      wanted.map { $0.text.utf8.elementsEqual(stream.name.utf8) } ?? true
    }
    if let wanted, streams.isEmpty { throw .open(.streamNotFound(name: wanted.text)) }
    try write(streams.map { ($0.name, $0.retention) }, arguments, console)
  }

  private static func write(
    _ policies: [(stream: String, policy: RetentionPolicy)], _ arguments: ParsedArguments,
    _ console: Console
  ) throws(CommandFailure) {
    guard !arguments[Flag.json] else {
      var json = JSONWriter()
      json.beginArray()
      for (stream, policy) in policies {
        json.beginObject()
        json.member("stream", stream)
        policy.write(to: &json)
        json.endObject()
      }
      json.endArray()
      return try console.write(json)
    }
    var table = TextTable(["stream", "kept"])
    for (stream, policy) in policies { table.add([escapedForTerminal(stream), policy.text]) }
    try console.write(table.text)
  }

  private static func apply(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
  {
    let store = try openStore(arguments, console)
    defer { store.close() }
    var names = store.streamNames
    if let wanted = arguments[stream] {
      names = names.filter { $0.utf8.elementsEqual(wanted.text.utf8) }
      guard !names.isEmpty else { throw .open(.streamNotFound(name: wanted.text)) }
    }
    var reports: [RetentionReport] = []
    for name in names {
      let name = try opening { () throws(OpenError) in try StreamName(name) }
      guard !name.isReserved else { continue }
      let log = try opening { () throws(OpenError) in try store.stream(name) }
      guard !log.retention.keepsEverything else { continue }
      reports.append(
        try retaining { () throws(RetentionError) in
          try arguments[plan] ? log.planRetention() : log.applyRetention()
        })
    }
    try write(reports, arguments, console)
  }

  private static func write(
    _ reports: [RetentionReport], _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) {
    guard !arguments[Flag.json] else {
      var json = JSONWriter()
      json.beginArray()
      for report in reports { report.write(to: &json) }
      json.endArray()
      return try console.write(json)
    }
    let isPlan = arguments[plan]
    var text = ""
    for report in reports {
      let name = "stream '\(escapedForTerminal(report.stream))'"
      for removal in report.removals {
        text += "\(name): \(isPlan ? "would remove" : "removed") \(removal.recordCount) records "
        text += "(\(removal.offsets.lowerBound) to \(removal.offsets.upperBound), "
        text += "\(HumanFormat.byteCount(removal.byteCount)) in \(removal.segmentCount) segments; "
        text += "\(removal.bound))\n"
      }
      if report.removals.isEmpty { text += "\(name): nothing is beyond its bounds\n" }
      if let reason = report.waitsFor {
        text += "\(name): more is beyond its bounds and waits for \(escapedForTerminal(reason))\n"
      }
      if report.futureSegmentCount > 0 {
        text +=
          "\(name): \(report.futureSegmentCount) segments say append times that have not come; "
        text += "they count as old as when that was seen first\n"
      }
      if let time = report.futureEventTime {
        text +=
          "\(name): a producer says \(RFC3339.format(time)), which has not come; it keeps nothing\n"
      }
    }
    try console.write(reports.isEmpty ? "no stream has a policy\n" : text)
  }
}

/// Runs what keeps and removes.
func retaining<Result>(
  _ body: () throws(RetentionError) -> Result
) throws(CommandFailure) -> Result {
  do throws(RetentionError) { return try body() } catch { throw .message("\(error)") }
}

extension RetentionPolicy {
  /// The policy in words.
  var text: String {
    var parts: [String] = []
    if maximumAgeNanoseconds > 0 {
      parts.append(HumanFormat.duration(.nanoseconds(Int64(clamping: maximumAgeNanoseconds))))
    }
    if maximumByteCount > 0 { parts.append(HumanFormat.exactByteCount(maximumByteCount)) }
    if maximumRecordCount > 0 { parts.append("\(maximumRecordCount) records") }
    if acknowledgement != .ignored {
      let names = cursorNames.map { escapedForTerminal($0) }.joined(separator: ", ")
      parts.append("acknowledged by \(names): \(acknowledgement.rawValue)")
    }
    return parts.isEmpty ? "everything" : parts.joined(separator: ", ")
  }

  func write(to json: inout JSONWriter) {
    json.member("maxAgeNanoseconds", maximumAgeNanoseconds)
    json.member("maxBytes", maximumByteCount)
    json.member("maxRecords", maximumRecordCount)
    json.member("acknowledged", acknowledgement.rawValue)
    json.name("cursors")
    json.beginArray()
    for name in cursorNames { json.value(name) }
    json.endArray()
  }
}

extension RetentionReport {
  fileprivate func write(to json: inout JSONWriter) {
    json.beginObject()
    json.member("stream", stream)
    json.name("removals")
    json.beginArray()
    for removal in removals {
      json.beginObject()
      json.member("bound", removal.bound)
      json.member("firstOffset", removal.offsets.lowerBound.rawValue)
      json.member("nextOffset", removal.offsets.upperBound.rawValue)
      json.member("records", removal.recordCount)
      json.member("bytes", removal.byteCount)
      json.member("segments", removal.segmentCount)
      json.endObject()
    }
    json.endArray()
    json.name("waitsFor")
    if let waitsFor { json.value(waitsFor) } else { json.null() }
    json.member("futureSegments", futureSegmentCount)
    json.member("clockAheadNanoseconds", clockAheadNanoseconds)
    json.endObject()
  }
}
