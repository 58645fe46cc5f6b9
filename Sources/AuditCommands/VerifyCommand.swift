internal import AuditReports
internal import AuditVerification
internal import CommandLineInterface
internal import EvidenceFiles
internal import Integrity
internal import PlatformIO
internal import Quantities

/// `piperoll-audit verify`: whether a log is what its evidence says.
enum VerifyCommand: AuditCommand {
  /// Formats that go to standard output.
  enum Report: String, CaseIterable, Sendable {
    case text, json, sarif, junit

    var format: ReportFormat {
      switch self {
      case .text: .text
      case .json: .json
      case .sarif: .sarif
      case .junit: .junit
      }
    }
  }

  static let place = Argument<String>.required(
    "PLACE", .path, help: "the directory of a store or of a copy of it, or one segment file")
  static let checkpoints = Option<[String]>.repeating(
    "checkpoint", short: "c", "FILE", .path, help: "a checkpoint that was kept, a signed note")
  static let seals = Option<String?>.optional(
    "seals", "FILE", .path,
    help:
      "what verifies seals: the verifier's file of 'piperoll seal generate', readable for its owner "
      + "alone; with --origin or --key")
  static let since = Option<String?>.optional(
    "since", "FILE", .path, help: "the state of an earlier audit; what it covered is relied upon")
  static let stateOut = Option<String?>.optional(
    "state-out", "FILE", .path, help: "write a state for --since, unless the log is broken")
  static let report = Option<Report>.defaulting(
    "report", short: "r", "FORMAT", .choice(), to: .text,
    help: "how the report is printed: text, json (the same as --json), sarif or junit")
  static let html = Option<String?>.optional(
    "html", "FILE", .path, help: "write the report as a page for people, too")
  static let jobs = Option<Int>.defaulting(
    "jobs", short: "j", "N", .integer(in: 0...1_024), to: 0, help: "threads; 0 for one a processor")
  static let nice = Option<Int>.defaulting(
    "nice", "N", .integer(in: 0...19), to: 10,
    help: "how far it gives way to others, as nice(1) has it; 0 for not at all")
  static let noProgress = Flag("no-progress", help: "draw no progress on a terminal")

  static let declaration = Command(
    "verify", summary: "tell whether a log is what its evidence says",
    discussion: """
      Reads every byte of the store, makes chain and tree again and compares them with what the log \
      and the checkpoints say. Damage is named to the bit where that can be proven. What was not \
      checked, and what it would take, is a part of the report.

      Without a checkpoint or state from an earlier time, nobody can tell whether the end of the log \
      was cut off or the whole log was made anew: keep some, where the log's owner cannot reach them.

      With --seals each seal of the store is verified: the code under the key of its epoch, the chain that \
      it is of, and whether records were sealed in the time in which they were appended.
      """,
    parameters: [
      place, checkpoints, Trust.keys, Trust.origin, Trust.policy, seals, since, stateOut, report,
      html, jobs, nice, noProgress,
    ],
    examples: [
      .init("piperoll-audit verify my.store", "checks a store against itself"),
      .init(
        "piperoll-audit verify my.store -c monday.checkpoint --key \"$(cat log.vkey)\" --html audit.html",
        "checks it against a checkpoint that was kept, and writes a page"),
    ],
    exitCodes: [
      .init(.success, "proven: what is covered holds, and all that was asked for was checked"),
      .init(.damaged, "broken: something contradicts the evidence"),
      .init(.usage, "the command line is wrong, or a file could not be read or written"),
      .init(.incomplete, "incomplete: something that was asked for could not be checked"),
      .init(.interrupted, "interrupted"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: AuditConsole) throws(AuditFailure)
    -> ExitCode
  {
    // A log is audited while it is written: whoever appends goes first.
    console.giveWay(arguments[nice])
    let outcome = try audit(
      try options(arguments, console), arguments, console)
    let verdict = outcome.report.verdict
    let kind = arguments[Flag.json] ? Report.json : arguments[report]
    if kind == .text {
      let text = TextReport(outcome.report, isColoured: console.output.isTerminal).text
      try console.write(Array(text.utf8))
    } else {
      try console.write(kind.format.encoded(outcome.report, by: AuditProgram.tool))
    }
    // Behind the report, which goes out even when these fail.
    if let path = arguments[html] {
      try NamedFile.write(
        ReportFormat.html.encoded(outcome.report, by: AuditProgram.tool), to: path)
    }
    if let path = arguments[stateOut], verdict != .broken, let state = outcome.state {
      try NamedFile.write(state.encoded, to: path)
    }
    return ExitCode(rawValue: verdict.exitStatus)
  }

  /// What the clock of the machine that seals may be ahead of this one, in nanoseconds.
  private static let clockTolerance: Int64 = 300_000_000_000

  /// What the command line asks for, with the files that it names.
  private static func options(_ arguments: ParsedArguments, _ console: AuditConsole)
    throws(AuditFailure) -> AuditOptions
  {
    var options = AuditOptions(path: arguments[place])
    for path in arguments[checkpoints] {
      let bytes = try NamedFile.read(path, limit: SignedNote.byteCountLimit, kind: "a checkpoint")
      options.checkpoints.append(.init(path: path, bytes: bytes))
    }
    options.keys = arguments[Trust.keys]
    options.origin = arguments[Trust.origin]
    options.policy = try Trust.policy(arguments)
    options.workerCount = arguments[jobs]
    if let path = arguments[seals] {
      do throws(SealVerifierFileError) { options.sealPlan = try SealVerifierFile.read(path) } catch
      {
        throw .message("\(error)")
      }
      let (now, isOver) = console.time.now().rawValue.addingReportingOverflow(clockTolerance)
      options.now = isOver ? .max : now
    }
    guard let path = arguments[since] else { return options }
    let bytes = try NamedFile.read(path, limit: AuditState.byteCountLimit, kind: "a state")
    guard let state = AuditState(bytes) else {
      throw .message(
        "'\(TerminalText.escaped(path))' is no state of an audit; give a file that --state-out wrote"
      )
    }
    options.earlier = state
    return options
  }

  /// Audits, and shows how far it is.
  private static func audit(
    _ options: AuditOptions, _ arguments: ParsedArguments, _ console: AuditConsole
  ) throws(AuditFailure) -> AuditOutcome {
    let isShown = console.showsProgress && !arguments[noProgress]
    let progress = AuditProgress(isShown: isShown, time: console.time, write: console.writeError)
    let isInterrupted = console.interruption
    do throws(AuditError) {
      let outcome = try Audit(options, fileSystem: console.fileSystem).run { done, total in
        progress.update(done, of: total)
        return !isInterrupted()
      }
      progress.finish()
      return outcome
    } catch {
      progress.finish()
      if case .cancelled = error { throw .interrupted }
      throw .message("\(error)")
    }
  }
}
