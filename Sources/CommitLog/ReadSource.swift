internal import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

/// What a reader needs to know of a stream, in the writer's process or in another one.
protocol ReadSource: AnyObject, Sendable {
  var streamName: String { get }
  var streamID: UInt64 { get }
  var limits: FormatLimits { get }
  /// First offset that may not be seen yet; a hint in other processes.
  var visible: UInt64 { get }
  /// First offset kept.
  var logStart: UInt64 { get }
  /// The segments known, ascending.
  var entries: [SegmentEntry] { get }
  /// Learns of segments that were added or removed.
  func refresh() throws(ReadError)
  /// Sleeps until something beyond `offset` may be visible, or the time is over.
  func wait(beyond offset: UInt64, timeoutNanoseconds: UInt64)
  /// Leases, where the reader may write them.
  var readers: ReaderTable? { get }
}

extension StreamLog: ReadSource {
  var streamName: String { definition.name }
  var streamID: UInt64 { definition.streamID }
  var limits: FormatLimits { core.options.limits }
  var visible: UInt64 { watermarks.visible.load(ordering: .acquiring) }
  var logStart: UInt64 { watermarks.logStart.load(ordering: .acquiring) }
  var entries: [SegmentEntry] { segments.all }
  func refresh() throws(ReadError) {}
  var readers: ReaderTable? { core.shared.readers }

  func wait(beyond offset: UInt64, timeoutNanoseconds: UInt64) {
    watermarks.cell.whileWaiting {
      let ticket = watermarks.cell.ticket
      if visible > offset { return }
      watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: timeoutNanoseconds)
    }
  }

  /// Makes a reader in the writer's process.
  ///
  /// - Throws: ``ReadError``: `.expired` or `.beyondEnd` for an offset outside the log.
  public func makeReader(
    from start: StartPosition = .earliest, options: ReaderOptions = ReaderOptions()
  ) throws(ReadError) -> LogReader {
    try LogReader(self, from: start, options)
  }
}

/// Where a reader begins.
public enum StartPosition: Hashable, Sendable {
  /// The first record kept.
  case earliest
  /// Behind the last visible record: only what is appended from now on.
  case latest
  /// A record, by its offset; the log end offset is allowed.
  case offset(Offset)
  /// The first record appended at or after a time, by the engine's append clock.
  case time(Timestamp)
}

/// Settings of a reader.
public struct ReaderOptions: Sendable {
  /// How checksums are treated. Default: once a segment and process.
  public var verification: VerificationMode = .once
  /// Whether the reader counts as one that removals may have to wait for. Default: yes, where shared
  /// memory may be written.
  public var takesLease = true
  /// Nanoseconds a waiting reader spins before it sleeps. Default 20,000.
  public var spinNanoseconds: UInt64 = 20_000

  /// Makes the default settings.
  public init() {}
}
