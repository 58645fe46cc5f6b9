internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll verify`: every byte of a store that means something.
enum VerifyCommand: ExecutableCommand {
  static let declaration = Command(
    "verify", summary: "look at every byte of a store",
    discussion: """
      Checks the superblock, the manifest, and of every segment its headers, recovery slots, frames, \
      padding and seal block, and that the segments of a stream continue each other. Needs no lock; \
      while a writer is at work, what is visible counts.

      Each finding is one line that names the stream, the segment's file, the positions and the \
      offsets lost.
      """,
    parameters: [Shared.store],
    examples: [.init("piperoll verify my.store", "checks a store")],
    exitCodes: [
      .init(.success, "sound"), .init(.damaged, "damaged; the findings are printed"),
      .init(.usage, "the command line is wrong, or the store could not be read"),
      .init(.interrupted, "interrupted"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    var progress = CommandProgress("verify", console)
    let report = try opening { () throws(OpenError) in
      try StoreVerification.run(
        at: arguments[Shared.store], environment: console.environment
      ) { position, total in
        progress.update(position, of: total)
        return !console.isInterrupted
      }
    }
    progress.finish()
    if arguments[Flag.json] {
      try console.write(json(report))
    } else {
      try show(report, console)
    }
    if !report.isSound { return .damaged }
    return report.isComplete ? .success : .interrupted
  }

  private static func show(_ report: VerificationReport, _ console: Console)
    throws(CommandFailure)
  {
    for finding in report.findings { try console.write("damaged: \(finding)\n") }
    for note in report.notes { try console.write("note: \(note)\n") }
    let verdict =
      !report.isSound
      ? "damaged: \(report.findings.count) findings" : report.isComplete ? "sound" : "interrupted"
    let groups =
      report.groupCount + report.unverifiableGroupCount == 0
      ? ""
      : ", \(report.groupCount) groups of chain and tree"
        + (report.unverifiableGroupCount == 0
          ? "" : " (\(report.unverifiableGroupCount) more whose records are gone)")
    try console.write(
      "\(verdict); \(report.streamCount) streams, \(report.segmentCount) segments, "
        + "\(report.recordCount) records\(groups), \(HumanFormat.byteCount(report.byteCount)) looked at\n"
    )
  }

  private static func json(_ report: VerificationReport) -> JSONWriter {
    var json = JSONWriter()
    json.beginObject()
    json.member("sound", report.isSound)
    json.member("complete", report.isComplete)
    json.member("streams", report.streamCount)
    json.member("segments", report.segmentCount)
    json.member("records", report.recordCount)
    json.member("groups", report.groupCount)
    json.member("unverifiableGroups", report.unverifiableGroupCount)
    json.member("bytes", report.byteCount)
    json.name("findings")
    json.beginArray()
    for finding in report.findings {
      json.beginObject()
      json.name("stream")
      if let stream = finding.stream { json.value(stream) } else { json.null() }
      json.name("segment")
      if let id = finding.segmentID { json.value(id) } else { json.null() }
      json.member("file", finding.path)
      json.member("from", finding.from.rawValue)
      json.member("to", finding.to.rawValue)
      json.member("firstOffset", finding.firstOffset.rawValue)
      json.member("nextOffset", finding.nextOffset.rawValue)
      json.member("problem", finding.problem)
      json.endObject()
    }
    json.endArray()
    json.name("notes")
    json.beginArray()
    for note in report.notes { json.value(note) }
    json.endArray()
    json.endObject()
    return json
  }
}
