internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import Synchronization

extension StreamLog {
  /// Ends the segment when its first record is older than the stream allows; answers how long until
  /// that has to be looked at again.
  func rollIfDue() -> UInt64? {
    guard definition.rollNanoseconds > 0 else { return nil }
    let now = core.time.now()
    state.withLock { state in
      if state.isOlderThanRoll(than: now) { state.requestRoll() }
    }
    return max(definition.rollNanoseconds / 4, 10_000_000)
  }

  /// Commits when the stream's class says it is time; answers how long until it is.
  func commitIfDue(_ now: UInt64) -> UInt64? {
    // A commit without a sync that was under way has taken the signal, not the wish.
    let durable = watermarks.durable.load(ordering: .acquiring)
    let isSignalled = state.withLock { state in
      if durable >= state.awaitedDurable { state.awaitedDurable = 0 }
      return state.isSignalled || state.awaitedDurable != 0 && state.nextOffset.rawValue > durable
    }
    guard isSignalled else { return nil }
    var wait: UInt64?
    let done: Void? = committing.withLockIfAvailable { committer in
      if definition.durability == .async {
        if committer.pendingSince == 0 { committer.pendingSince = now }
        let due = committer.pendingSince + definition.maxDelayNanoseconds / 2
        let (pending, hasLeft) = state.withLock { ($0.unsyncedByteCount, !$0.departed.isEmpty) }
        // A segment that was left must be known to the manifest soon, or nobody finds the next one.
        if now < due, pending < definition.maxByteCount / 2, !hasLeft {
          wait = due - now
          return
        }
        committer.pendingSince = 0
      }
      let isAwaited = state.withLock { $0.awaitedDurable != 0 }
      _ = commitOnce(&committer, durably: definition.durability != .memory || isAwaited)
    }
    if done == nil { return 1_000_000 }
    watermarks.notify()
    return wait
  }

  /// Makes everything durable, marks the segment as closed in order, and refuses what comes later.
  ///
  /// - Returns: Whether the stream ended in order.
  func close() -> Bool {
    let wasFailed = state.withLock { state -> Bool in
      state.isClosing = true
      return state.failure != nil
    }
    defer {
      state.withLock { $0.isClosed = true }
      watermarks.abandonObservers()
    }
    defer { abandonEvidence() }
    guard !wasFailed else { return false }
    func commitAll(_ committer: inout CommitterState) -> Bool {
      while commitOnce(&committer, durably: true) {}
      return failure == nil
    }
    guard committing.withLock({ commitAll(&$0) }) else { return false }
    closeEvidence()
    return committing.withLock { committer in
      commitAll(&committer) && closeSegment(&committer)
    }
  }

  private func closeSegment(_ committer: inout CommitterState) -> Bool {
    let (segment, proven, isStarted) = state.withLock { state in
      (
        state.segment, state.proven,
        state.endedBefore == nil
          && (state.position > UInt64(SegmentLayout.preambleByteCount)
            || state.settings.isMapped)
      )
    }
    if let end = committer.pendingEnd {
      guard (try? core.manifest.apply([.segmentEnded(end)], durably: true)) != nil else {
        return false
      }
      committer.pendingEnd = nil
    }
    guard isStarted, proven.segmentID == segment.segmentID else { return true }
    do throws(FileSystemError) {
      if committer.slotSegmentID != segment.segmentID {
        committer.slotSegmentID = segment.segmentID
        committer.slotSequence = 0
        committer.slotIndex = 0
      }
      try writeSlot(&committer, segment: segment, flags: .clean)
      try segment.synchronize()
    } catch {
      return false
    }
    // The slot may be lost with the records it speaks of. The manifest is synced when the store closes.
    let state = ManifestEdit.segmentDurable(proven.durablePrefix(ofStream: segment.streamID))
    return (try? core.manifest.apply([state], durably: false)) != nil
  }
}
