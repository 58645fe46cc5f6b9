internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import PlatformIO
public import Quantities
internal import Synchronization

extension StreamLog {
  /// The first offset that chain and tree do not cover yet; 0 in a stream without evidence.
  public var evidencedOffset: Offset {
    Offset(rawValue: watermarks.value(.evidenced))
  }

  /// Waits until chain and tree cover a record. The calling thread hashes when nobody else is at it.
  ///
  /// - Throws: `.withoutEvidence`, `.streamFailed`, `.closed`.
  public func waitUntilEvidenced(_ offset: Offset) throws(AppendError) {
    guard evidence != nil else { throw .withoutEvidence }
    while watermarks.value(.evidenced) <= offset.rawValue {
      try refuseWhenStopped()
      if visible <= offset.rawValue {
        // Class disk shows what is durable only.
        if definition.durability == .disk { try waitUntilDurable(offset) }
        wait(beyond: offset.rawValue, timeoutNanoseconds: 10_000_000)
      }
      try helpEvidence(endingGroup: true)
    }
  }

  /// Has whoever hashes end the group with a record, instead of waiting for more.
  func awaitEvidence(through offset: Offset) {
    guard let evidence else { return }
    _ = evidence.awaited.max(offset.rawValue + 1, ordering: .acquiringAndReleasing)
    // Class disk shows what is durable only.
    if definition.durability == .disk {
      state.withLock { $0.awaitedDurable = max($0.awaitedDurable, offset.rawValue + 1) }
      core.signalCommitter()
    }
    if core.options.execution == .inline {
      while evidenceIfDue() == 0 {}
    } else {
      core.signalEvidence()
    }
  }

  /// Hashes what is visible when nobody else is at it; otherwise waits until the one who is has come
  /// further.
  ///
  /// - Throws: Why a group finds no room in the log.
  func helpEvidence(endingGroup: Bool) throws(AppendError) {
    guard let evidence else { return }
    let done = try evidence.work.withLockIfAvailable { work throws(AppendError) -> Bool in
      while advanceEvidence(&work, endingGroup: endingGroup) {}
      if let refusal = work.refusal { throw refusal }
      return true
    }
    guard done == nil else { return }
    watermarks.cell.whileWaiting {
      let ticket = watermarks.cell.ticket
      watermarks.cell.wait(ifUnchanged: ticket, timeoutNanoseconds: 1_000_000)
    }
  }

  /// Hashes some visible records and states the groups that are due.
  ///
  /// - Parameter endingGroup: Whether all that is visible becomes part of a group now.
  /// - Returns: Whether there may be more to do at once.
  func advanceEvidence(_ work: inout StreamEvidence.Work, endingGroup: Bool) -> Bool {
    guard failure == nil else { return false }
    work.refusal = nil
    if let group = work.unplaced { guard place(group, &work) else { return false } }
    let hasMore: Bool
    do throws(ReadError) { hasMore = try work.hash(self) } catch {
      stop(error.fileSystemError(reading: definition.name))
      return false
    }
    let pending = work.builder.pendingCount
    let isDue =
      pending >= StreamEvidence.groupOffsetCount
      || work.pendingByteCount >= StreamEvidence.groupByteCount
      || !hasMore && endingGroup || isGroupOld(work)
    if pending > 0, isDue, let group = work.endGroup() {
      guard place(group, &work) else { return false }
    } else if pending > 0, work.pendingSince == 0 {
      work.pendingSince = max(1, core.time.monotonicNanoseconds())
    }
    return hasMore
  }

  private func isPieceVisible(_ work: borrowing StreamEvidence.Work) -> Bool {
    let visible = visible
    return visible - min(visible, work.hashedOffset) >= work.pieceOffsetCount
  }

  private func isGroupOld(_ work: borrowing StreamEvidence.Work) -> Bool {
    let now = core.time.monotonicNanoseconds()
    return work.pendingSince != 0
      && now - min(now, work.pendingSince) >= core.options.evidenceNanoseconds
  }

  /// Puts a group into the log, or keeps it for later.
  ///
  /// - Returns: False when there is no room for it now, or the stream has stopped.
  private func place(_ group: EvidenceGroup, _ work: inout StreamEvidence.Work) -> Bool {
    do throws(AppendError) {
      try insert(group)
      work.unplaced = nil
      work.placed = group.state
      return true
    } catch {
      work.unplaced = group
      work.refusal = error
      return false
    }
  }

  private func insert(_ group: EvidenceGroup) throws(AppendError) {
    guard forkGeneration.isCurrent else { throw .forked }
    let frame = IntegrityFrame(group, storeID: core.storeID)
    // The nodes stand in the seal block once more.
    let byteCount =
      SegmentLayout.aligned(frame.byteCount) + frame.nodes.count + SealTiles.headByteCount
    while true {
      var room = WriterState.Room.ready
      let isPlaced = try state.withLock { state throws(AppendError) -> Bool in
        if state.failure != nil || state.isClosed { throw Self.refusal(state) }
        let (end, isOver) = state.position.addingReportingOverflow(UInt64(byteCount))
        if isOver || end > state.sinkEnd {
          room = state.makeRoom(byteCount, isForRecords: false, evidenced: .max)
          guard case .ready = room else { return false }
          if !state.departed.isEmpty { listDepartures(state) }
        }
        state.place(frame)
        return true
      }
      if isPlaced { return watermarks.raiseEvidenced(to: group.header.nextOffset) }
      try makeRoom(room, waiting: true)
    }
  }

  /// Does what is due and answers how long until something will be; `nil` when nothing is expected.
  func evidenceIfDue() -> UInt64? {
    guard let evidence else { return nil }
    let now = core.time.monotonicNanoseconds()
    // Unless somebody else hashes.
    var sleep: UInt64? = StreamEvidence.napNanoseconds
    evidence.work.withLockIfAvailable { work in
      sleep = advanceEvidence(&work, evidence, now: now)
      work.sleep(sleep, from: now)
    }
    guard evidence.awaited.load(ordering: .relaxed) != 0 else { return sleep }
    return min(sleep ?? .max, 10_000_000)
  }

  /// Hashes what is visible, a group of it at most, and answers how long whoever does it may sleep; `nil` when
  /// nothing is expected.
  private func advanceEvidence(
    _ work: inout StreamEvidence.Work, _ evidence: StreamEvidence, now: UInt64
  ) -> UInt64? {
    let awaited = evidence.awaited.exchange(0, ordering: .acquiringAndReleasing)
    let isAwaited = awaited > watermarks.value(.evidenced)
    if !isAwaited, !isTimeToLook(work, now: now) {
      return work.nextLook.map { $0 - now }
    }
    work.noteLook(visible, now: now)
    work.isAsleep = false
    let before = work.hashedOffset
    // While records come only whole pieces are hashed: what is being written is left to who writes it. One group at
    // a time: other streams wait.
    while isAwaited || work.idleCount > 0 || isPieceVisible(work) || isGroupOld(work) {
      guard advanceEvidence(&work, endingGroup: isAwaited) else { break }
      if work.hashedOffset - before >= StreamEvidence.groupOffsetCount { break }
    }
    guard failure == nil else { return nil }
    if awaited > watermarks.value(.evidenced) {
      // It is not visible yet, or there is more before it.
      _ = evidence.awaited.max(awaited, ordering: .acquiringAndReleasing)
    }
    let longest = max(core.options.evidenceNanoseconds / 4, StreamEvidence.napNanoseconds)
    guard work.unplaced == nil else { return longest }
    // What is awaited may be hashed and have no group yet.
    let isUnfinished = work.hashedOffset < visible || work.builder.pendingCount > 0
    let hasMore = isPieceVisible(work) || isAwaited && isUnfinished
    if hasMore, work.hashedOffset > before { return 0 }
    if work.idleCount >= StreamEvidence.idleLookCount, putToSleep(&work) {
      return work.builder.pendingCount == 0 ? nil : longest
    }
    return min(longest, StreamEvidence.napNanoseconds << UInt64(min(work.idleCount, 20)))
  }

  /// Whether a record has come, or may have, or it is time to see what there is.
  private func isTimeToLook(_ work: borrowing StreamEvidence.Work, now: UInt64) -> Bool {
    if let nextLook = work.nextLook, now >= nextLook { return true }
    // A group without room waits for its time: others have their own.
    guard work.unplaced == nil else { return false }
    // Somebody may have appended what is not visible yet.
    return work.hasNew(visible) || work.isAsleep && state.withLock { !$0.isEvidenceAsleep }
  }

  /// Has whoever appends next wake the thread, unless somebody has appended already.
  private func putToSleep(_ work: inout StreamEvidence.Work) -> Bool {
    let hashed = work.hashedOffset
    work.isAsleep = state.withLock { state in
      state.isEvidenceAsleep = state.nextOffset.rawValue == hashed
      return state.isEvidenceAsleep
    }
    return work.isAsleep
  }

  /// Lets go of the files: the reader of the records holds the stream, which holds it.
  func abandonEvidence() { evidence?.work.withLock { $0.close() } }

  /// States what is left when the stream is closed: everything that was appended is visible.
  func closeEvidence() {
    guard let evidence else { return }
    evidence.work.withLock { work in
      while advanceEvidence(&work, endingGroup: true) {}
      work.close()
    }
  }
}

extension WriterState {
  /// Stores an integrity frame at the current position, where there is room for it.
  mutating func place(_ group: IntegrityFrame) {
    let bytes = group.encoded(salt: salt, at: position)
    let target = unsafe address(of: position)
    // Safety: the caller made room for the frame at this address of the sink.
    unsafe bytes.withUnsafeBytes { source in
      guard let from = source.baseAddress else { return }
      unsafe (target + 8).copyMemory(from: from + 8, byteCount: source.count - 8)
      unsafe storeReleasing(from.loadUnaligned(as: UInt64.self), to: target)
    }
    progress.note(group, at: position)
    position += UInt64(bytes.count)
    // The seal block grew with it.
    sinkEnd = 0
  }
}

extension ReadError {
  /// What made a stream unreadable for its own writer.
  fileprivate func fileSystemError(reading name: String) -> FileSystemError {
    switch self {
    case .fileSystem(let error): error
    case .truncated(let path): FileSystemError(.map, path, .unexpectedEnd)
    default: FileSystemError(.read, name, .inputOutput)
    }
  }
}

/// What chain and tree say of a stream up to an offset.
public struct EvidenceHead: Hashable, Sendable {
  /// Groups so far.
  public let groupCount: UInt64
  /// The head of the chain, 32 bytes.
  public let head: [UInt8]
  /// Offset behind the last group.
  public let nextOffset: Offset
  /// Root of the tree over all records before it, 32 bytes; of the empty tree in a stream with a chain
  /// alone.
  public let root: [UInt8]
}

extension StreamLog {
  /// What chain and tree say as of the last group; `nil` in a stream without evidence.
  public var evidenceHead: EvidenceHead? {
    evidence?.work.withLock { work in
      let state = work.placed
      return EvidenceHead(
        groupCount: state.chain.count, head: state.chain.head.bytes,
        nextOffset: Offset(rawValue: state.nextOffset), root: state.frontier.root.bytes)
    }
  }
}
