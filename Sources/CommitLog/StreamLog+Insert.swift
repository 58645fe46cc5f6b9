internal import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

extension StreamLog {
  /// What one try under the lock came to.
  private enum Attempt {
    case appended(Offset, FollowUp)
    case duplicate(Offset)
    case needs(WriterState.Room)
  }

  /// Appends one frame: checks, makes room, encodes in place, publishes.
  ///
  /// - Parameter encode: Writes the frame at the state's position but for its first word, which it
  ///   returns; runs under the stream's lock.
  @inline(__always)
  func insert(
    _ request: AppendRequest,
    _ encode: (borrowing WriterState, Timestamp) -> UInt64
  ) throws(AppendError) -> AppendReceipt {
    guard forkGeneration.isCurrent else { throw .forked }
    while true {
      let attempt = try state.withLock { state throws(AppendError) -> Attempt in
        try self.attempt(request, &state, encode)
      }
      switch attempt {
      case .appended(let offset, let followUp):
        if !followUp.isEmpty { follow(followUp, request.frameByteCount) }
        watermarks.notify()
        return AppendReceipt(offset: offset, isDuplicate: false)
      case .duplicate(let offset):
        return AppendReceipt(offset: offset, isDuplicate: true)
      case .needs(let room):
        try makeRoom(room, waiting: request.isWaiting)
      }
    }
  }

  /// What is to be done after the lock was released.
  private struct FollowUp: OptionSet {
    let rawValue: UInt8
    static let signal = FollowUp(rawValue: 1)
    static let prepare = FollowUp(rawValue: 2)
    /// A deliberate bug is on: see `DeliberateFaults.publishesBodyFirst`.
    static let exposeBody = FollowUp(rawValue: 4)
    static let hash = FollowUp(rawValue: 8)
  }

  @inline(never)
  private func follow(_ followUp: FollowUp, _ frameByteCount: Int) {
    if followUp.contains(.exposeBody) { exposeMissingBody(frameByteCount) }
    if followUp.contains(.signal) { core.signalCommitter() }
    if followUp.contains(.prepare) { prepareSuccessorSoon() }
    if followUp.contains(.hash) { core.signalEvidence() }
  }

  @inline(__always)
  private func attempt(
    _ request: AppendRequest, _ state: inout WriterState,
    _ encode: (borrowing WriterState, Timestamp) -> UInt64
  ) throws(AppendError) -> Attempt {
    if state.failure != nil || state.isClosing { throw Self.refusal(state) }
    if let expected = request.expected, expected != state.nextOffset {
      throw .conflict(expected: expected, actual: state.nextOffset)
    }
    if let producer = request.producer {
      switch try state.producers.judge(producer, count: request.recordCount) {
      case .duplicate(let offset): return .duplicate(offset)
      case .next: break
      }
    }
    var followUp: FollowUp = []
    if !state.hasRoom(request.frameByteCount) || request.producer != nil {
      let room = state.makeRoom(
        request.frameByteCount, evidenced: evidencedBound)
      guard case .ready = room else { return .needs(room) }
      if !state.departed.isEmpty { listDepartures(state) }
      if state.settings.isMapped, state.segment.wasTruncated { throw truncated(&state) }
      if state.takeSuccessorWish() { followUp.insert(.prepare) }
      if state.settings.isMapped, !core.faults.publishesBodyFirst {
        // The broken engine comes this way with every append; the sound one asks here only.
        state.sinkEnd = 0
        followUp.insert(.exposeBody)
      }
    }
    if state.isEvidenceAsleep {
      state.isEvidenceAsleep = false
      followUp.insert(.hash)
    }
    let time = core.appendTime(after: state.progress.lastAppendTime)
    let word = encode(state, time)
    let offset = state.nextOffset
    publish(request, word: word, time: time, &state)
    if request.isSignalling, claimSignal(&state) { followUp.insert(.signal) }
    return .appended(offset, followUp)
  }

  /// Makes an encoded frame part of the log.
  @inline(__always)
  private func publish(
    _ request: AppendRequest, word: UInt64, time: Timestamp, _ state: inout WriterState
  ) {
    let position = state.position
    // Safety: the frame was encoded at this address, inside the sink.
    unsafe storeReleasing(word.littleEndian, to: state.address(of: position))
    state.progress.noteRecords(
      request.recordCount, payloadByteCount: request.payloadByteCount, appendTime: time)
    if let times = request.eventTimes { state.progress.note(eventTimes: times) }
    if let producer = request.producer {
      state.producers.note(
        producer, count: request.recordCount, at: state.nextOffset, time: time)
      state.producersChanged = true
      if state.progress.statePosition == 0 { state.progress.statePosition = position }
    }
    state.position = position &+ UInt64(request.frameByteCount)
    state.nextOffset = state.nextOffset.advanced(by: UInt64(request.recordCount))
    if state.nextOffset.rawValue >= state.rollOffset { state.requestRoll() }
    if state.settings.isMapped, state.claims.isEmpty {
      watermarks.raiseVisible(to: state.nextOffset.rawValue)
    }
  }

  /// Whether the committer must be told that there is work; it is told once for each group.
  @inline(__always)
  func claimSignal(_ state: inout WriterState) -> Bool {
    guard !state.isSignalled,
      definition.durability != .memory || !state.departed.isEmpty || state.awaitedDurable != 0
    else { return false }
    state.isSignalled = true
    return true
  }

  /// Shows readers of this process the segments a mapped stream has moved on to.
  func listDepartures(_ state: borrowing WriterState) {
    for departure in state.departed {
      segments.end(departure.end)
      segments.append(departure.activation, file: departure.successor)
    }
    watermarks.cell.store(activeSegmentID: state.segment.segmentID)
  }

  /// Stops the stream: pages of its segment are gone, and with them what was stored there.
  private func truncated(_ state: inout WriterState) -> AppendError {
    let failure = StreamFailure(
      stream: definition.name, durableOffset: durableOffset,
      cause: FileSystemError(.map, state.segment.path, .unexpectedEnd))
    state.failure = failure
    return .streamFailed(failure)
  }

  /// Shows the machine as it stands when the last frame was published before its body was stored.
  private func exposeMissingBody(_ frameByteCount: Int) {
    state.withLock { state in
      let start = state.position - UInt64(frameByteCount)
      // Safety: the frame was stored there just now, inside the sink.
      let body = unsafe UnsafeMutableRawBufferPointer(
        start: state.address(of: start) + 8, count: frameByteCount - 8)
      let bytes = unsafe Array(body)
      unsafe body.initializeMemory(as: UInt8.self, repeating: 0)
      core.faults.betweenPublicationAndBody?()
      unsafe body.copyBytes(from: bytes)
    }
  }

  static func refusal(_ state: borrowing WriterState) -> AppendError {
    if let failure = state.failure { return .streamFailed(failure) }
    return .closed
  }

  /// What chain and tree cover; no bound in a stream without.
  @inline(__always)
  var evidencedBound: UInt64 { evidence == nil ? .max : watermarks.value(.evidenced) }

  /// Does or awaits what an append needs before it can be tried again.
  @inline(never)
  func makeRoom(_ room: WriterState.Room, waiting: Bool) throws(AppendError) {
    switch room {
    case .ready: return
    case .segment(let minimum):
      guard waiting else {
        // For whoever makes room on the caller's behalf.
        state.withLock { $0.wantedByteCount = max($0.wantedByteCount, minimum) }
        throw .wouldBlock
      }
      try provideSuccessor(minimumByteCount: minimum)
    case .commit:
      guard waiting else { throw .wouldBlock }
      helpCommit()
    case .evidence:
      guard waiting else { throw .wouldBlock }
      try refuseWhenStopped()
      if definition.durability == .disk { helpCommit() }
      try helpEvidence(endingGroup: true)
    }
  }

  // MARK: Reservations

  /// Appends a record whose value `body` writes in place, outside the stream's lock.
  ///
  /// - Parameters:
  ///   - byteCount: Size of the value, exactly; its memory holds arbitrary bytes at first.
  ///   - body: Fills the value; it must not append to this stream or wait for it. When it throws, the
  ///     offset is given up: a gap stands in its place, and the error is thrown on.
  /// - Returns: The record's offset.
  public func appendReserving<Failure: Error>(
    byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(ReservationError<Failure>) -> Offset {
    let claim: OpenClaim
    do throws(AppendError) { claim = try self.claim(valueByteCount: byteCount) } catch {
      throw .append(error)
    }
    let frame = unsafe claimedFrame(claim)
    // Safety: the claim's range belongs to this call until it is completed.
    let value = unsafe UnsafeMutableRawBufferPointer(
      start: frame + SoloRecord.headByteCount, count: byteCount)
    do throws(Failure) {
      try unsafe body(value)
    } catch {
      complete(claim, valueByteCount: nil)
      throw .body(error)
    }
    complete(claim, valueByteCount: byteCount)
    return claim.firstOffset
  }

  private func claim(valueByteCount: Int) throws(AppendError) -> OpenClaim {
    guard forkGeneration.isCurrent else { throw .forked }
    guard valueByteCount >= 0, valueByteCount <= core.options.limits.recordByteCountLimit else {
      throw .invalid(
        .overLimit(
          .soloRecord, value: UInt64(clamping: valueByteCount),
          limit: UInt64(core.options.limits.recordByteCountLimit)))
    }
    let byteCount = SegmentLayout.aligned(SoloRecord.headByteCount + valueByteCount)
    while true {
      var room = WriterState.Room.ready
      var wakes = false
      let claim = try state.withLock { state throws(AppendError) -> OpenClaim? in
        if state.failure != nil || state.isClosing { throw Self.refusal(state) }
        if !state.hasRoom(byteCount) {
          room = state.makeRoom(byteCount, evidenced: self.evidencedBound)
          guard case .ready = room else { return nil }
          if !state.departed.isEmpty { self.listDepartures(state) }
        }
        wakes = state.isEvidenceAsleep
        state.isEvidenceAsleep = false
        return self.openClaim(byteCount, payloadByteCount: valueByteCount, &state)
      }
      if let claim {
        if wakes { core.signalEvidence() }
        return claim
      }
      try makeRoom(room, waiting: true)
    }
  }

  private func openClaim(
    _ byteCount: Int, payloadByteCount: Int, _ state: inout WriterState
  ) -> OpenClaim {
    let time = core.appendTime(after: state.progress.lastAppendTime)
    state.claimCount += 1
    // Safety: the address lies inside the sink, which stays until the claim is completed.
    let claim = OpenClaim(
      number: state.claimCount, position: state.position, frameByteCount: byteCount,
      firstOffset: state.nextOffset, appendTime: time, salt: state.salt,
      address: unsafe UInt(bitPattern: state.address(of: state.position)), buffer: state.staging)
    state.staging?.openClaimCount += 1
    state.claims.append(claim)
    state.progress.noteRecords(1, payloadByteCount: payloadByteCount, appendTime: time)
    state.position += UInt64(byteCount)
    state.nextOffset = state.nextOffset.advanced(by: 1)
    return claim
  }

  private func claimedFrame(_ claim: OpenClaim) -> UnsafeMutableRawPointer {
    // Safety: taken from a live sink; the sink stays until the claim is completed.
    unsafe UnsafeMutableRawPointer(bitPattern: claim.address).unsafelyUnwrapped
  }

  /// Ends a claim as a record, or as a gap when there is no value.
  private func complete(_ claim: OpenClaim, valueByteCount: Int?) {
    let frame = unsafe claimedFrame(claim)
    // Safety: the claimed range belongs to this call and is as long as the frame.
    let word: UInt64
    if let valueByteCount {
      word = unsafe SoloRecord.encodeInPlace(
        valueByteCount: valueByteCount, at: frame, offset: claim.firstOffset,
        appendTime: claim.appendTime, salt: claim.salt, position: claim.position)
    } else {
      word = unsafe GapFrame(firstOffset: claim.firstOffset, count: 1).store(
        at: frame, length: UInt32(claim.frameByteCount), salt: claim.salt,
        position: claim.position)
    }
    unsafe storeReleasing(word.littleEndian, to: frame)
    let signals = state.withLock { state -> Bool in
      state.claims.removeAll { $0.number == claim.number }
      claim.buffer?.openClaimCount -= 1
      if state.settings.isMapped {
        let visible = state.claims.first?.firstOffset ?? state.nextOffset
        self.watermarks.raiseVisible(to: visible.rawValue)
      }
      return self.claimSignal(&state)
    }
    if signals { core.signalCommitter() }
    watermarks.notify()
  }
}

/// Why a reservation failed: the append itself, or the body that should fill it.
public enum ReservationError<Failure: Error>: Error {
  /// The append was refused.
  case append(AppendError)
  /// The body threw; a gap stands in the record's place.
  case body(Failure)
}
