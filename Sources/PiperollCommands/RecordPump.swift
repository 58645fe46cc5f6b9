internal import CommandLineInterface
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Moves records from a reader to an output, reports damage on the way and goes on behind it.
struct RecordPump: ~Copyable {
  /// Records handed out between two looks at interruption and output.
  private static let roundCount = 1_024
  /// Looks for the next record, 5 ms apart, before that is an error.
  private static let stallLimit = 2_000

  /// Places that were not intact.
  private(set) var damageCount = 0
  private var stallCount = 0
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
      try waitIfStalled(count)
    }
    if done < limit { try reportEnd() }
    return done
  }

  /// A writer may have shown records a moment before its next segment can be found.
  private mutating func waitIfStalled(_ count: UInt64) throws(CommandFailure) {
    guard count == 0 else {
      stallCount = 0
      return
    }
    stallCount += 1
    guard stallCount < Self.stallLimit else {
      throw .message(
        "\(context): offset \(reader.nextOffset) is said to be there, but no segment has it; run "
          + "`piperoll verify`")
    }
    sleepNanoseconds(5_000_000)
  }

  /// What may be missing behind the last record.
  private mutating func reportEnd() throws(CommandFailure) {
    do throws(ReadError) { try reader.checkEnd() } catch {
      try note(error)
    }
  }

  /// Counts and shows damage, behind which reading goes on; throws everything else.
  private mutating func note(_ error: ReadError) throws(CommandFailure) {
    guard case .damaged(let report) = error else { throw .read(error) }
    damageCount += 1
    console.writeError("\(context): \(report)\n")
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
      try note(error)
      return nil
    }
  }
}
