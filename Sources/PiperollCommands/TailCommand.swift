internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll tail`: records as they come.
enum TailCommand: ExecutableCommand {
  /// How long one wait may last before interruption is looked at again.
  private static let waitNanoseconds: UInt64 = 100_000_000

  static let from = Shared.from(
    .latest, "where to begin: an offset, earliest, latest, or @2024-02-29T12:00:00Z")
  static let timeout = Option<Duration?>.optional(
    "timeout", "TIME", .duration(), help: "end when no record came for this long")

  static let declaration = Command(
    "tail", summary: "print records as they come",
    discussion: """
      Prints records and waits for more until Ctrl-C, --max or --timeout. Writers and readers may \
      come and go meanwhile; nothing is printed twice.
      """,
    parameters: [Shared.store, Shared.stream, from, Shared.limit, timeout, Shared.format],
    examples: [
      .init("piperoll tail my.store orders", "prints what is appended from now on"),
      .init(
        "piperoll tail my.store orders --from earliest --timeout 1s",
        "prints everything and ends when nothing came for a second"),
    ],
    exitCodes: Shared.readingExits.map {
      $0.code == .interrupted ? .init(.interrupted, "ended by Ctrl-C") : $0
    })

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let store = try openReader(arguments, console)
    let reader = try reading { () throws(ReadError) in
      try store.makeReader(of: arguments[Shared.stream], from: arguments[from])
    }
    let printer = RecordPrinter(arguments.recordFormat, to: console.output)
    var pump = RecordPump(reader, context: "piperoll tail", console)
    let limit = arguments[Shared.limit] ?? .max
    let patience = arguments[timeout]?.wholeNanoseconds ?? .max
    let time = console.environment.time
    var lastRecordAt = time.monotonicNanoseconds()
    while printer.count < limit {
      let left = limit - printer.count
      let count = try pump.run(before: pump.reader.visibleOffset, limit: left, printer) {
        printer.print($0)
      }
      let now = time.monotonicNanoseconds()
      if count > 0 {
        try console.flush()
        lastRecordAt = now
        continue
      }
      try console.checkInterruption()
      let waited = now - min(now, lastRecordAt)
      guard waited < patience else { break }
      _ = pump.reader.wait(timeoutNanoseconds: min(waitNanoseconds, patience - waited))
    }
    return pump.exitCode
  }
}
