internal import LogFormat
internal import PlatformIO
internal import Quantities

/// A segment file that is ready to take over, made off the append path.
struct PreparedSegment: Sendable {
  let file: SegmentFile
  let definition: ManifestEdit.SegmentDefinition
}

/// A range of a segment promised to somebody who fills it outside the lock.
struct OpenClaim: Sendable {
  let number: UInt64
  let position: UInt64
  let frameByteCount: Int
  let firstOffset: Offset
  let appendTime: Timestamp
  let salt: UInt64
  let address: UInt
  let buffer: StagingBuffer?
}

/// What the appends of a stream share; only ever touched under the stream's lock.
// Safety: values of this type live inside one Guarded; the memory it points to is written under that
// lock or inside the range of an open claim.
@safe struct WriterState: ~Copyable, @unchecked Sendable {
  /// Settings that do not change while the stream is open.
  let settings: Settings
  /// Why the stream stopped, once it has.
  var failure: StreamFailure?
  var isClosed = false
  /// Appends are refused; what was appended is still committed.
  var isClosing = false
  /// The wall clock was set by this much since the last group; 0 when it was not.
  var pendingClockStep: Int64 = 0
  /// A failed group is being written to a fresh segment; appends wait.
  var isRescuing = false
  /// The segment that takes the appends, its salt and where its frames must end.
  var segment: SegmentFile
  var salt: UInt64
  var frameEnd: UInt64 = 0
  /// Address of position 0 of the current sink (it may lie outside the sink).
  var sinkOrigin: UInt = 0
  /// No frame may end behind this position without asking for room.
  var sinkEnd: UInt64 = 0
  /// Where the next frame goes, and the offset of its first record.
  var position: UInt64
  var nextOffset: Offset
  var progress: SegmentProgress
  var producers: ProducerTable
  /// Group bookkeeping of the segment.
  var groupPosition: UInt64
  var commitSequence: UInt64
  /// Everything up to here is durable.
  var proven: SegmentMark
  /// The newest segment with a durable group of chain and tree, and the offset behind that group: what
  /// an opening goes on from.
  var provenGroup: (segmentID: UInt64, nextOffset: Offset)?
  /// Class `disk`: the buffer being filled, those waiting for the committer, those free.
  var staging: StagingBuffer?
  var closedBuffers: [StagingBuffer] = []
  var freeBuffers: [StagingBuffer] = []
  var bufferCount = 0
  var claims: [OpenClaim] = []
  var claimCount: UInt64 = 0
  /// Ready successors; the first is taken when the segment is full.
  var successors: [PreparedSegment] = []
  /// Mapped classes: segments that were left and are not yet in the manifest.
  var departed: [Departure] = []
  var isRollRequested = false
  /// Set when there was no room for a segment at opening: the current one ended here, durably, and
  /// takes no frames; the first append moves on.
  var endedBefore: ManifestEdit.SegmentEnd?

  /// A mapped segment that was rolled.
  struct Departure: Sendable {
    let file: SegmentFile
    /// It ended in an earlier opening.
    var wasEnded = false
    let end: ManifestEdit.SegmentEnd
    let mark: SegmentMark
    let successor: SegmentFile
    let activation: ManifestEdit.SegmentActivation
  }

  /// What the state needs to know and never changes.
  struct Settings: Sendable {
    let definition: ManifestEdit.StreamDefinition
    let limits: FormatLimits
    let storeID: (high: UInt64, low: UInt64)
    let bootHash: UInt64
    let epoch: UInt32
    let stagingByteCount: Int
    let stagingBufferCount: Int
    let paddedGroupByteCount: Int
    var isMapped: Bool { definition.durability != .disk }
  }

  /// What an append must wait for before there is room for its frame.
  enum Room {
    case ready
    /// A successor of at least this many bytes.
    case segment(minimumByteCount: UInt64)
    /// A free staging buffer, or a sync that lets the bound of class `async` be kept.
    case commit
    /// Chain and tree must come nearer first.
    case evidence
  }

  /// Memory of a position in the current sink.
  @inline(__always)
  func address(of position: UInt64) -> UnsafeMutableRawPointer {
    // Safety: callers stay below `sinkEnd`, so the address lies inside the sink and is not null.
    unsafe UnsafeMutableRawPointer(bitPattern: sinkOrigin &+ UInt(position)).unsafelyUnwrapped
  }

  /// Whether a frame fits without any of the work of `makeRoom`.
  @inline(__always)
  func hasRoom(_ frameByteCount: Int) -> Bool {
    position &+ UInt64(frameByteCount) <= sinkEnd && position < progress.nextRowPosition
  }

  /// Whether it is time to have a successor made ready: the segment is half full and nobody was asked.
  mutating func takeSuccessorWish() -> Bool {
    guard !isSuccessorWished, position > segment.byteCount / 2,
      !successors.contains(where: { $0.file.byteCount >= leastByteCount })
    else { return false }
    isSuccessorWished = true
    return true
  }

  /// Notes that everything up to a mark is durable.
  mutating func prove(_ mark: SegmentMark) {
    proven = mark
    if mark.integrityPosition != 0 {
      provenGroup = (mark.segmentID, mark.integrityOffset)
    }
  }

  /// Notes that a segment that was left is durable, and goes on with its successor.
  mutating func prove(leaving mark: SegmentMark, to successorID: UInt64) {
    prove(mark)
    proven.position = UInt64(SegmentLayout.preambleByteCount)
    proven.segmentID = successorID
    proven.integrityPosition = 0
  }

  /// Where things stand now.
  func mark() -> SegmentMark {
    var mark = SegmentMark(
      segmentID: segment.segmentID, position: position, nextOffset: nextOffset,
      appendTime: progress.lastAppendTime, indexFramePosition: progress.indexFramePosition,
      integrityPosition: progress.integrityPosition, statePosition: progress.statePosition,
      commitSequence: commitSequence,
      statistics: progress.statistics)
    mark.integrityOffset = progress.integrityOffset
    return mark
  }

  /// Bytes the end of the segment may need: padding, commit, index, state, seal.
  var endReserve: UInt64 {
    Self.endReserve(
      rowCount: progress.rows.count, unflushedRowCount: progress.unflushedRowCount,
      producerCount: producers.count, tileByteCount: progress.tiles?.byteCount ?? 0)
  }

  private static func endReserve(
    rowCount: Int, unflushedRowCount: Int, producerCount: Int, tileByteCount: Int = 0
  ) -> UInt64 {
    let producerCount = producerCount + 2
    let pendingRows = unflushedRowCount + SegmentProgress.rowsPerFrame
    return UInt64(
      StagingBuffer.alignment + 64 + CommitFrame.byteCount
        + IndexFrame.byteCount(rowCount: pendingRows)
        + SegmentLayout.aligned(StateFrame.byteCount(producerCount: producerCount))
        + SealBlock.byteCount(
          rowCount: rowCount + SegmentProgress.rowsPerFrame, producerCount: producerCount,
          tileByteCount: SegmentLayout.aligned(tileByteCount)))
  }

  /// Bytes of the state frame that a segment begins with.
  private static func initialStateByteCount(producerCount: Int) -> UInt64 {
    producerCount == 0
      ? 0 : UInt64(SegmentLayout.aligned(StateFrame.byteCount(producerCount: producerCount)))
  }

  /// What a segment holds besides at least: the table of producers shall not be the most of it.
  private static func roomForRecords(producerCount: Int) -> UInt64 {
    4_096 + 4 * initialStateByteCount(producerCount: producerCount)
  }

  /// The least size of the next segment.
  var leastByteCount: UInt64 { Self.leastByteCount(producerCount: producers.count) }

  /// The least size of a segment that begins with the table of so many producers and can be sealed.
  static func leastByteCount(producerCount: Int) -> UInt64 {
    UInt64(SegmentLayout.preambleByteCount) + initialStateByteCount(producerCount: producerCount)
      + endReserve(rowCount: 0, unflushedRowCount: 0, producerCount: producerCount)
      + roomForRecords(producerCount: producerCount)
  }

  /// Makes the next frame possible, or says what is missing.
  ///
  /// - Parameters:
  ///   - frameByteCount: Bytes of the frame with its alignment.
  ///   - isForRecords: Whether it gets a row of the index when one is due.
  ///   - evidenced: What chain and tree cover: no segment is left while records of the one before it
  ///     are not.
  mutating func makeRoom(
    _ frameByteCount: Int, isForRecords: Bool = true, evidenced: UInt64
  ) -> Room {
    if isRescuing { return .commit }
    frameEnd = segment.byteCount - min(segment.byteCount, endReserve)
    let initialState = Self.initialStateByteCount(producerCount: producers.count)
    let isUnbegun =
      !settings.isMapped && staging == nil && position == UInt64(SegmentLayout.preambleByteCount)
    let needed = UInt64(frameByteCount) + (isUnbegun ? initialState : 0)
    if position + needed > frameEnd || isRollDue || endedBefore != nil {
      let minimum =
        UInt64(SegmentLayout.preambleByteCount) + initialState + UInt64(frameByteCount) + endReserve
        + Self.roomForRecords(producerCount: producers.count)
      guard let index = successors.firstIndex(where: { $0.file.byteCount >= minimum }) else {
        return .segment(minimumByteCount: minimum)
      }
      if endedBefore == nil, evidenced < progress.baseOffset.rawValue { return .evidence }
      guard roll(to: index) else { return .commit }
      frameEnd = segment.byteCount - min(segment.byteCount, endReserve)
    }
    if settings.isMapped {
      let limit = unsyncedLimit
      if position + UInt64(frameByteCount) > limit, unsyncedByteCount > 0 { return .commit }
      if progress.unflushedRowCount >= SegmentProgress.rowsPerFrame {
        let at = position
        let frame = progress.takeIndexFrame(at: at)
        emitMapped(frame.encoded(salt: salt, at: at))
        return makeRoom(
          frameByteCount, isForRecords: isForRecords, evidenced: evidenced)
      }
      sinkEnd = min(frameEnd, limit)
    } else {
      guard reserveStaging(frameByteCount) else { return .commit }
    }
    if isForRecords { progress.noteFrame(at: position, firstOffset: nextOffset) }
    return .ready
  }

  /// Bytes of a mapped stream that power loss may take now, in the segment that takes the appends and
  /// in the one before it.
  var unsyncedByteCount: UInt64 {
    proven.segmentID == segment.segmentID
      ? position - min(position, proven.position)
      : unsyncedBefore + position - UInt64(SegmentLayout.preambleByteCount)
  }

  /// Class `async`: the position up to which its byte bound lets frames go.
  private var unsyncedLimit: UInt64 {
    guard settings.definition.durability == .async, settings.definition.maxByteCount > 0 else {
      return .max
    }
    let unsynced = unsyncedByteCount
    let bound = settings.definition.maxByteCount
    let (limit, isOver) = position.addingReportingOverflow(bound - min(bound, unsynced))
    return isOver ? .max : limit
  }

  private var isRollDue: Bool {
    guard progress.statistics.recordCount > 0 else { return false }
    let bound = settings.definition.rollRecordCount
    if isOlderThanRoll(than: progress.lastAppendTime) { return true }
    return isRollRequested || bound > 0 && progress.statistics.recordCount >= bound
      || nextOffset.rawValue &- progress.baseOffset.rawValue >= UInt64(UInt32.max) - 1_048_576
  }

  /// Whether the segment's first record is older than the stream's bound, at a time.
  func isOlderThanRoll(than now: Timestamp) -> Bool {
    let bound = settings.definition.rollNanoseconds
    guard bound > 0, progress.statistics.recordCount > 0 else { return false }
    let (age, overflow) = now.rawValue.subtractingReportingOverflow(
      progress.statistics.firstAppendTime.rawValue)
    return !overflow && age > 0 && UInt64(age) >= bound
  }

  /// The offset at which the segment has as many records as the stream allows.
  var rollOffset: UInt64 {
    let bound = settings.definition.rollRecordCount
    return bound == 0 ? .max : progress.baseOffset.rawValue &+ bound
  }

  /// Has the next append end the segment.
  mutating func requestRoll() {
    isRollRequested = true
    sinkEnd = 0
  }

  /// Makes sure the current staging buffer has room for a frame.
  private mutating func reserveStaging(_ frameByteCount: Int) -> Bool {
    // A little room is kept so that the usual tail goes out with the records in one write.
    let tail = 128
    if let buffer = staging {
      let used = Int(position - buffer.startPosition)
      if used + frameByteCount + tail <= buffer.capacity {
        sinkEnd = min(frameEnd, buffer.startPosition + UInt64(buffer.capacity - tail))
        return true
      }
      closeBuffer()
    }
    let startsSegment = position == UInt64(SegmentLayout.preambleByteCount)
    let state =
      startsSegment && !producers.isEmpty
      ? SegmentLayout.aligned(StateFrame.byteCount(producerCount: producers.count)) : 0
    guard let buffer = takeBuffer(atLeast: frameByteCount + state + tail) else { return false }
    place(buffer)
    sinkEnd = min(frameEnd, buffer.startPosition + UInt64(buffer.capacity - tail))
    return true
  }

  /// A buffer from the pool, a new one, or `nil` when the pool is used up.
  mutating func takeBuffer(atLeast byteCount: Int) -> StagingBuffer? {
    if byteCount > settings.stagingByteCount {
      // One large buffer at a time: the committer must have caught up.
      guard closedBuffers.isEmpty else { return nil }
      return StagingBuffer(capacity: byteCount, isPooled: false, segment: segment)
    }
    if let buffer = freeBuffers.popLast() { return buffer }
    guard bufferCount < settings.stagingBufferCount else { return nil }
    bufferCount += 1
    return StagingBuffer(
      capacity: settings.stagingByteCount, isPooled: true, segment: segment)
  }

  /// Makes a buffer the current sink.
  mutating func place(_ buffer: StagingBuffer) {
    buffer.begin(segment, at: position)
    if position == UInt64(SegmentLayout.preambleByteCount) {
      buffer.header = header(for: segment)
    }
    staging = buffer
    sinkOrigin = unsafe UInt(bitPattern: buffer.base) &- UInt(position)
    if buffer.header != nil, !producers.isEmpty { emitInitialState() }
  }

  /// The header of the segment that takes the appends.
  func header(for file: SegmentFile) -> SegmentHeader {
    settings.header(
      of: file, baseOffset: progress.baseOffset, baseAppendTime: progress.lastAppendTime,
      previousSegmentID: previousSegmentID)
  }

  var previousSegmentID: UInt64 = 0
  /// Mapped classes: bytes of the segment before this one that were not durable when it was left.
  var unsyncedBefore: UInt64 = 0
  /// Somebody was asked to make a successor of this segment ready.
  var isSuccessorWished = false
  /// The committer was told that there is work.
  var isSignalled = false
  /// The thread that hashes waits to be told of the next record.
  var isEvidenceAsleep = true
  /// Somebody awaits that everything before this offset is durable, in any class; 0 when nobody does.
  var awaitedDurable: UInt64 = 0
  /// What an append that may not wait needs the next segment to be at least; 0 for nothing.
  var wantedByteCount: UInt64 = 0
  /// Producers changed since the last state frame.
  var producersChanged = false
}
