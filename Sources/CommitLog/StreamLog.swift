public import ByteCoding
public import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

/// A stream that is open for writing: one offset space.
///
/// All methods may be called from any thread; appends of several threads are ordered by the stream.
/// Nothing here suspends: waiting blocks the calling thread, so tasks use `AsyncLog` instead.
public final class StreamLog: Sendable {
  let core: StoreCore
  let definition: ManifestEdit.StreamDefinition
  let watermarks: Watermarks
  let state: Guarded<WriterState>
  /// Held by whoever carries out a group commit.
  let committing: Guarded<CommitterState>
  /// The segments readers may look into.
  let segments: SegmentList
  /// Held by whoever makes a successor ready.
  let preparing = Guarded<Void>(())
  /// Held by whoever removes segments, so that no two state and remove the same ones.
  let removing = Guarded<Void>(())
  let durablePosition: Atomic<UInt64>
  let forkGeneration: ForkGeneration
  /// Chain and tree; `nil` in a stream that has none.
  let evidence: StreamEvidence?

  /// What opening the stream found; see ``RecoveryReport``.
  public let recovery: RecoveryReport

  init(
    core: StoreCore, definition: ManifestEdit.StreamDefinition, watermarks: Watermarks,
    state: consuming sending WriterState, segments: SegmentList, recovery: RecoveryReport,
    evidence: StreamEvidence?
  ) {
    self.evidence = evidence
    self.core = core
    self.definition = definition
    self.watermarks = watermarks
    durablePosition = Atomic(state.proven.position)
    self.state = Guarded(state)
    self.segments = segments
    self.recovery = recovery
    committing = Guarded(CommitterState())
    forkGeneration = ForkGeneration.current
  }

  /// The stream's name.
  public var name: String { definition.name }

  /// The stream's settings.
  public var durability: Durability {
    switch definition.durability {
    case .memory: .memory
    case .async:
      .async(
        maxDelayNanoseconds: definition.maxDelayNanoseconds, maxByteCount: definition.maxByteCount)
    case .disk: .disk
    }
  }

  /// What keys of payloads are bound to, in a stream that was created as erasable; `nil` elsewhere.
  public var erasableID: UniqueIdentifier? { definition.erasableID }

  /// Whether the stream has chain and tree, or the chain alone.
  public var hasEvidence: Bool { evidence != nil }

  /// The first offset readers may not see yet.
  public var visibleOffset: Offset { Offset(rawValue: watermarks.value(.visible)) }

  /// The first offset that power loss may still take; in class `memory` it moves only when the stream
  /// is closed or rolled.
  public var durableOffset: Offset { Offset(rawValue: watermarks.value(.durable)) }

  /// The first offset kept.
  public var logStartOffset: Offset {
    Offset(rawValue: watermarks.logStart.load(ordering: .acquiring))
  }

  /// The offset the next record will get; provisional until the records before it are durable.
  public var logEndOffset: Offset { state.withLock { $0.nextOffset } }

  /// Why the stream stopped, or `nil` while it works.
  public var failure: StreamFailure? { state.withLock { $0.failure } }

  // MARK: Appending

  /// Appends a record that is nothing but a value.
  ///
  /// The offset is assigned at once. What that means is the stream's durability class: wait for
  /// ``waitUntilDurable(_:)`` before telling anybody that a record of class `disk` is safe.
  /// - Returns: The record's offset.
  /// - Throws: ``AppendError``; nothing was appended then.
  @discardableResult
  public func append(_ value: RawSpan) throws(AppendError) -> Offset {
    // Safety: the buffer is used inside the closure only.
    try unsafe value.withUnsafeBytes { bytes throws(AppendError) in
      try unsafe append(unsafeBytes: bytes)
    }
  }

  /// Appends a record that is nothing but a value.
  @discardableResult
  public func append(_ value: [UInt8]) throws(AppendError) -> Offset {
    try append(value.rawSpan)
  }

  /// As ``append(_:)``; without `signalling` the committer is not told, because the caller commits.
  func append(_ value: RawSpan, signalling: Bool) throws(AppendError) -> Offset {
    // Safety: as above.
    try unsafe value.withUnsafeBytes { bytes throws(AppendError) in
      try unsafe append(unsafeBytes: bytes, signalling: signalling)
    }
  }

  /// Appends a record from memory the caller keeps valid for the call.
  @discardableResult
  public func append(unsafeBytes value: UnsafeRawBufferPointer) throws(AppendError) -> Offset {
    try unsafe append(unsafeBytes: value, signalling: true)
  }

  @inline(__always)
  private func append(unsafeBytes value: UnsafeRawBufferPointer, signalling: Bool)
    throws(AppendError) -> Offset
  {
    guard value.count <= core.options.limits.recordByteCountLimit else {
      throw .invalid(
        .overLimit(
          .soloRecord, value: UInt64(value.count),
          limit: UInt64(core.options.limits.recordByteCountLimit)))
    }
    let byteCount = SegmentLayout.aligned(SoloRecord.headByteCount &+ value.count)
    var request = AppendRequest(
      frameByteCount: byteCount, recordCount: 1, payloadByteCount: value.count)
    request.isSignalling = signalling
    let receipt = try insert(request) { state, time in
      // Safety: `makeRoom` reserved the frame at this address of the sink.
      unsafe SoloRecord.encodePlain(
        value, into: state.address(of: state.position), offset: state.nextOffset,
        appendTime: time, salt: state.salt, position: state.position)
    }
    return receipt.offset
  }

  /// Appends a record with any of its parts.
  ///
  /// - Parameters:
  ///   - record: The record; its bytes are copied.
  ///   - expected: When given, the append is refused unless the log ends at this offset.
  ///   - producer: When given, a repeated append is recognised and answered with the first offset.
  ///   - waiting: Whether the call may wait for the disk; when not, it throws `.wouldBlock`.
  public func append(
    _ record: borrowing RecordInput, expecting expected: Offset? = nil,
    producer: ProducerStamp? = nil, waiting: Bool = true
  ) throws(AppendError) -> AppendReceipt {
    do throws(FormatError) { try record.check(core.options.limits) } catch {
      throw .invalid(error)
    }
    let byteCount = SegmentLayout.aligned(SoloRecord.byteCount(record, producer: producer))
    var request = AppendRequest(
      frameByteCount: byteCount, recordCount: 1, payloadByteCount: record.bodyByteCount)
    request.expected = expected
    request.producer = producer
    request.isWaiting = waiting
    if let time = record.eventTime { request.eventTimes = (1, time, time) }
    return try insert(request) { state, time in
      // Safety: as above.
      unsafe SoloRecord.encode(
        record, producer: producer, into: state.address(of: state.position),
        offset: state.nextOffset, appendTime: time, salt: state.salt, position: state.position)
    }
  }

  /// Appends a batch as one frame: all of its records or none survive a crash.
  ///
  /// - Returns: The offset of its first record; the others follow without gaps.
  @discardableResult
  public func append(
    _ batch: borrowing BatchBuilder, expecting expected: Offset? = nil,
    producer: ProducerStamp? = nil, waiting: Bool = true
  ) throws(AppendError) -> AppendReceipt {
    let plan: BatchBuilder.Plan
    do throws(FormatError) {
      plan = try batch.plan(producer: producer)
      try check(batch, plan)
    } catch {
      throw .invalid(error)
    }
    var request = AppendRequest(
      frameByteCount: SegmentLayout.aligned(plan.byteCount), recordCount: batch.count,
      payloadByteCount: batch.bodyByteCount)
    request.expected = expected
    request.producer = producer
    request.isWaiting = waiting
    request.eventTimes = batch.eventTimeSummary
    let epoch = core.shortEpoch
    return try insert(request) { state, time in
      // Safety: as above.
      unsafe batch.encode(
        plan, into: state.address(of: state.position), baseOffset: state.nextOffset,
        appendTime: time, epoch: epoch, salt: state.salt, position: state.position)
    }
  }

  /// A builder may have been made with other limits than the store's, which every reader keeps.
  private func check(_ batch: borrowing BatchBuilder, _ plan: BatchBuilder.Plan) throws(FormatError)
  {
    let limits = core.options.limits
    func check(_ value: Int, _ limit: Int) throws(FormatError) {
      guard value > limit else { return }
      throw .overLimit(.batch, value: UInt64(value), limit: UInt64(limit))
    }
    try check(plan.byteCount, limits.batchByteCountLimit)
    try check(batch.count, limits.batchRecordCountLimit)
  }

  /// What a producer's last accepted append was, for resuming; `nil` when it is not known.
  public func producerState(_ id: UInt64) -> (epoch: UInt16, lastSequence: UInt32)? {
    state.withLock { state in
      state.producers.entries[id].map { ($0.epoch, $0.lastSequence) }
    }
  }
}

/// Where an append went.
public struct AppendReceipt: Hashable, Sendable {
  /// Offset of the first record.
  public let offset: Offset
  /// Whether the producer had appended the same before, so that nothing was appended now.
  public let isDuplicate: Bool
}

/// What one append asks of the writer.
struct AppendRequest {
  let frameByteCount: Int
  let recordCount: Int
  let payloadByteCount: Int
  var expected: Offset?
  var producer: ProducerStamp?
  var isWaiting = true
  /// Whether the committer is told that there is work.
  var isSignalling = true
  var eventTimes: (count: Int, earliest: Timestamp, latest: Timestamp)?

  init(frameByteCount: Int, recordCount: Int, payloadByteCount: Int) {
    self.frameByteCount = frameByteCount
    self.recordCount = recordCount
    self.payloadByteCount = payloadByteCount
  }
}

extension StreamLog {
  /// Appends a record whose parts are arrays.
  public func append(
    copying value: [UInt8], key: [UInt8]? = nil, type: [UInt8]? = nil, headers: [UInt8]? = nil,
    eventTime: Timestamp? = nil, isTombstone: Bool = false, expecting expected: Offset? = nil,
    producer: ProducerStamp? = nil, waiting: Bool = true
  ) throws(AppendError) -> AppendReceipt {
    let none: [UInt8] = []
    let keyBytes = key ?? none
    let typeBytes = type ?? none
    let headerBytes = headers ?? none
    let record = RecordInput(
      value.rawSpan, key: key == nil ? nil : keyBytes.rawSpan,
      type: type == nil ? nil : typeBytes.rawSpan,
      headers: headers == nil ? nil : headerBytes.rawSpan, eventTime: eventTime,
      isTombstone: isTombstone)
    return try append(record, expecting: expected, producer: producer, waiting: waiting)
  }

  /// Does, on the calling thread, what an append that would have blocked waits for: commits a group
  /// or makes a segment ready. For callers that must not block in `append` itself.
  ///
  /// - Throws: `.full` when there is no room for the segment that the append needs.
  public func makeRoomBlocking() throws(AppendError) {
    let wanted = state.withLock { state in
      defer { state.wantedByteCount = 0 }
      return state.wantedByteCount
    }
    if wanted > 0 { try provideSuccessor(minimumByteCount: wanted) }
    if definition.evidence != .none { try helpEvidence(endingGroup: true) }
    helpCommit()
  }
}
