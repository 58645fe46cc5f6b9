internal import CommandLineInterface
internal import CommitLog
internal import LogFormat
internal import Quantities

/// Moves records from a reader to an output, reports damage on the way and goes on behind it.
struct RecordPump: ~Copyable {
  /// Records handed out between two looks at interruption and output.
  private static let roundCount = 1_024

  /// Places that were not intact.
  private(set) var damageCount = 0
  var reader: LogReader
  private let context: String
  private let console: Console

  /// Makes a pump.
  ///
  /// - Parameter context: How messages about damage begin: `piperoll read`.
  init(_ reader: consuming LogReader, context: String, _ console: Console) {
    self.reader = reader
    self.context = context
    self.console = console
  }

  /// What the command ends with.
  var exitCode: ExitCode { damageCount > 0 ? .damaged : .success }

  /// Hands out records before an offset, at most `limit`.
  ///
  /// - Returns: How many records were handed out.
  mutating func run(
    before end: Offset, limit: UInt64 = .max, _ printer: RecordPrinter,
    _ body: (borrowing RecordView) -> Void
  ) throws(CommandFailure) -> UInt64 {
    var done: UInt64 = 0
    while done < limit, reader.nextOffset < end {
      try console.checkInterruption()
      let left = min(limit - done, end.rawValue - reader.nextOffset.rawValue)
      let count = try round(Int(clamping: min(left, UInt64(Self.roundCount))), before: end, body)
      try printer.check()
      guard let count else { continue }
      done += count
      if count == 0 { break }
    }
    return done
  }

  /// One round; `nil` when there was damage and reading can go on behind it.
  private mutating func round(
    _ count: Int, before end: Offset, _ body: (borrowing RecordView) -> Void
  ) throws(CommandFailure) -> UInt64? {
    do throws(ReadError) {
      var delivered: UInt64 = 0
      _ = try reader.read(max: count) { record in
        // Offsets may have gaps, so a count alone could run over the end.
        guard record.offset < end else { return }
        body(record)
        delivered += 1
      }
      return delivered
    } catch {
      guard case .damaged(let report) = error else { throw .read(error) }
      damageCount += 1
      console.writeError("\(context): \(report)\n")
      return nil
    }
  }
}
