public import CommitLog
public import LogFormat

/// The records of a stream from a place on, without end: at the last visible record the iterator
/// suspends until there are more.
///
/// Records are fetched in chunks, so most steps do not suspend. Iteration ends by cancellation of the
/// task (with `nil`) or by an error; after `ReadError.damaged` the next step goes on behind the damage.
public struct RecordSequence: AsyncSequence, Sendable {
  public typealias Element = Record

  private let makeReader: @Sendable () throws(ReadError) -> LogReader

  /// The records of a stream of this process's store.
  public init(
    _ stream: StreamLog, from start: StartPosition = .earliest,
    options: ReaderOptions = ReaderOptions()
  ) {
    makeReader = { () throws(ReadError) in try stream.makeReader(from: start, options: options) }
  }

  /// The records of a stream that another process may be writing.
  public init(
    _ store: StoreReader, stream name: StreamName, from start: StartPosition = .earliest,
    options: ReaderOptions = ReaderOptions()
  ) {
    makeReader = { () throws(ReadError) in
      try store.makeReader(of: name, from: start, options: options)
    }
  }

  public func makeAsyncIterator() -> Iterator { Iterator(makeReader) }

  /// Steps through the records; belongs to one task.
  public final class Iterator: AsyncIteratorProtocol {
    private let makeReader: @Sendable () throws(ReadError) -> LogReader
    private var reader: LogReader?
    private var chunk: [Record] = []
    private var index = 0
    private static let chunkRecordCount = 256

    init(_ makeReader: @escaping @Sendable () throws(ReadError) -> LogReader) {
      self.makeReader = makeReader
    }

    /// The next record; `nil` when the task was cancelled.
    public func next() async throws -> Record? {
      while true {
        if index < chunk.count {
          defer { index += 1 }
          return chunk[index]
        }
        if Task.isCancelled { return nil }
        if reader == nil { reader = try makeReader() }
        chunk = try reader?.records(max: Self.chunkRecordCount) ?? []
        index = 0
        if chunk.isEmpty {
          // Else a stream that was closed would be asked again and again.
          try reader?.checkWriter()
          try await waitForMore()
        }
      }
    }

    private func waitForMore() async throws {
      let once = OneShot()
      guard let waiter = reader?.makeWaiter() else { return }
      let isNotified = reader?.notifyWhenReadable { once.fire() } ?? false
      if isNotified {
        await withTaskCancellationHandler {
          await withCheckedContinuation { once.arm($0) }
        } onCancel: {
          once.fire()
        }
      } else {
        let isCancelled = CancellationFlag()
        try await withTaskCancellationHandler {
          try await HelperThread.run {
            while !isCancelled.isSet, !waiter(100_000_000) {}
          }
        } onCancel: {
          isCancelled.set()
        }
      }
    }
  }
}

extension StreamLog {
  /// The records from a place on, without end; see `RecordSequence`.
  public func records(
    from start: StartPosition = .earliest, options: ReaderOptions = ReaderOptions()
  ) -> RecordSequence {
    RecordSequence(self, from: start, options: options)
  }
}
