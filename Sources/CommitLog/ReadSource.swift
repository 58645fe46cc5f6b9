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
  /// What is wrong with the end of the stream, where the files cannot be believed.
  var endProblem: ReadError? { get }
  /// Why nothing will be appended any more, where the writer is of this process.
  var endOfWriting: ReadError? { get }
  /// Learns of segments that were added or removed, also of those that only files tell of.
  func refreshFromFiles() throws(ReadError)
  /// Learns of segments that were added or removed.
  func refresh() throws(ReadError)
  /// Sleeps until something beyond `offset` may be visible, or the time is over.
  func wait(beyond offset: UInt64, timeoutNanoseconds: UInt64)
  /// Calls `body` once when something beyond `offset` is visible or never will be; false when the
  /// source cannot, so that somebody has to wait on a thread.
  func notify(beyond offset: UInt64, _ body: @escaping @Sendable () -> Void) -> Bool
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
  var endProblem: ReadError? { nil }
  var endOfWriting: ReadError? {
    state.withLock { state in
      if let failure = state.failure { return .open(.streamFailed(failure)) }
      return state.isClosed ? .open(.closed) : nil
    }
  }
  func refreshFromFiles() throws(ReadError) {}
  var readers: ReaderTable? { core.shared.readers }

  func notify(beyond offset: UInt64, _ body: @escaping @Sendable () -> Void) -> Bool {
    watermarks.observe(Watermarks.Observer(kind: .visible, offset: offset + 1, body: body))
    if state.withLock({ $0.isClosed || $0.failure != nil }) { watermarks.abandonObservers() }
    return true
  }

  /// Calls `body` once, on whichever thread moves the watermark, when everything through a record has
  /// reached it, or when the stream stops before that. It must not block.
  ///
  /// - Returns: What ``forget(_:)`` takes when nobody waits any more.
  @discardableResult
  public func whenReached(
    _ kind: WatermarkKind, through offset: Offset, _ body: @escaping @Sendable () -> Void
  ) -> WatermarkObservation {
    let id = watermarks.observe(
      Watermarks.Observer(kind: kind, offset: offset.rawValue + 1, body: body))
    let isStopped = state.withLock { state -> Bool in
      if kind == .durable {
        state.isSignalled = true
        state.awaitedDurable = max(state.awaitedDurable, offset.rawValue + 1)
      }
      return state.isClosed || state.failure != nil
    }
    if isStopped { watermarks.abandonObservers() }
    if kind == .durable { core.signalCommitter() }
    if kind == .evidenced { awaitEvidence(through: offset) }
    return WatermarkObservation(id: id)
  }

  /// Lets go of a call-back that nobody waits for any more; it may still be called once.
  public func forget(_ observation: WatermarkObservation) { watermarks.forget(observation.id) }

  /// Whether everything through a record has reached a watermark.
  public func hasReached(_ kind: WatermarkKind, through offset: Offset) -> Bool {
    watermarks.value(kind) > offset.rawValue
  }

  /// Whether appends can go on.
  public func checkOpen() throws(AppendError) {
    try state.withLock { state throws(AppendError) in
      if state.failure != nil || state.isClosed { throw Self.refusal(state) }
    }
  }

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

/// A call-back that waits for a watermark.
public struct WatermarkObservation: Sendable {
  let id: UInt64
}
