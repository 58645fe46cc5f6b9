public import CommitLog
public import LogFormat
internal import PlatformIO
public import Quantities

extension StreamLog {
  /// Suspends until everything through a record is durable: it survives power loss.
  ///
  /// Await one watermark for many records, not one record each: a suspension costs as much as some
  /// dozens of appends. Nothing here blocks a thread of the cooperative pool.
  /// - Throws: `AppendError.streamFailed` or `.closed` when it will never be; `CancellationError`.
  public func durable(through offset: Offset) async throws {
    try await reached(.durable, through: offset)
  }

  /// Suspends until everything through a record may be seen by readers.
  public func visible(through offset: Offset) async throws {
    try await reached(.visible, through: offset)
  }

  /// Suspends until chain and tree cover everything through a record, so that it can be proven.
  ///
  /// - Throws: `AppendError.withoutEvidence` in a stream without them; otherwise as
  ///   ``durable(through:)``.
  public func evidenced(through offset: Offset) async throws {
    guard hasEvidence else { throw AppendError.withoutEvidence }
    try await reached(.evidenced, through: offset)
  }

  /// Suspends until a record is what its class promises: class `memory` visible, otherwise durable.
  public func acknowledged(through offset: Offset) async throws {
    try await reached(durability == .memory ? .visible : .durable, through: offset)
  }

  private func reached(_ kind: WatermarkKind, through offset: Offset) async throws {
    while !hasReached(kind, through: offset) {
      try checkOpen()
      try Task.checkCancellation()
      let once = OneShot()
      let observation = whenReached(kind, through: offset) { once.fire() }
      await withTaskCancellationHandler {
        await withCheckedContinuation { once.arm($0) }
      } onCancel: {
        once.fire()
      }
      if Task.isCancelled { forget(observation) }
    }
  }

  /// Appends a record, suspending instead of blocking while there is no room for it.
  ///
  /// - Returns: Where it went; durability is awaited apart, see ``durable(through:)``.
  public func appending(
    _ value: [UInt8], key: [UInt8]? = nil, type: [UInt8]? = nil, eventTime: Timestamp? = nil,
    expecting expected: Offset? = nil, producer: ProducerStamp? = nil
  ) async throws -> AppendReceipt {
    while true {
      do throws(AppendError) {
        return try append(
          copying: value, key: key, type: type, eventTime: eventTime, expecting: expected,
          producer: producer, waiting: false)
      } catch {
        guard case .wouldBlock = error else { throw error }
      }
      let failure = Guarded<AppendError?>(nil)
      try await HelperThread.run {
        do throws(AppendError) { try self.makeRoomBlocking() } catch {
          failure.withLock { $0 = error }
        }
      }
      if let error = failure.withLock({ $0 }) { throw error }
    }
  }
}
