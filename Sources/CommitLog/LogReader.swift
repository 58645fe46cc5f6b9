internal import ByteCoding
public import LogFormat
internal import PlatformIO
public import Quantities

/// Reads a stream forward, from any place to the last visible record and, by waiting, beyond.
///
/// Records are borrowed from the mapped segments: nothing is copied unless the caller does. A reader
/// belongs to one thread at a time; make as many as are needed.
public struct LogReader: ~Copyable, Sendable {
  let source: any ReadSource
  let options: ReaderOptions
  /// Offset of the next record to deliver.
  public private(set) var nextOffset: Offset
  var entry: SegmentEntry?
  var file: SegmentFile?
  var position: UInt64 = 0
  /// Next record inside the batch at `position`.
  var indexInBatch = 0
  var block = BlockVerification()
  var lease: ReaderLease?
  /// What the source says about a damaged end is reported once.
  private var hasReportedEnd = false
  /// What was met behind records that were delivered; the next call reports it.
  private var pending: ReadError?

  init(_ source: any ReadSource, from start: StartPosition, _ options: ReaderOptions)
    throws(ReadError)
  {
    self.source = source
    self.options = options
    nextOffset = .zero
    try seek(to: start)
    renewLease()
  }

  deinit { lease?.release() }

  /// Says which records are still needed, in the memory of the writer that is there now.
  mutating func renewLease() {
    guard options.takesLease else { return }
    if let lease, lease.table === source.readers {
      return lease.advance(to: nextOffset.rawValue)
    }
    lease?.release()
    lease = source.readers?.take(streamID: source.streamID, offset: nextOffset.rawValue)
  }

  /// First offset this reader may not see yet.
  public var visibleOffset: Offset { Offset(rawValue: source.visible) }

  /// First offset kept.
  public var logStartOffset: Offset { Offset(rawValue: source.logStart) }

  /// Moves to another place.
  ///
  /// - Throws: `.expired` below the log start offset, `.beyondEnd` above the log end offset.
  public mutating func seek(to start: StartPosition) throws(ReadError) {
    let target: Offset
    switch start {
    case .earliest: target = logStartOffset
    case .latest: target = visibleOffset
    case .offset(let offset): target = offset
    case .time(let time): target = try offset(atOrAfter: time)
    }
    try moveTo(target)
  }

  private mutating func moveTo(_ target: Offset) throws(ReadError) {
    let first = logStartOffset
    guard target >= first else { throw .expired(requested: target, first: first) }
    guard target <= visibleOffset else {
      if let problem = source.endProblem { throw problem }
      throw .beyondEnd(requested: target, end: visibleOffset)
    }
    nextOffset = target
    pending = nil
    leaveSegment()
  }

  mutating func setNextOffset(_ offset: Offset) { nextOffset = offset }

  mutating func leaveSegment() {
    entry = nil
    file = nil
    indexInBatch = 0
    block = BlockVerification()
  }

  // MARK: Reading

  /// Delivers visible records in order and returns how many.
  ///
  /// - Parameters:
  ///   - limit: Most records to deliver.
  ///   - body: Called for each record; the view is valid for the call.
  /// - Throws: ``ReadError``. After `.damaged` the reader stands behind the damage: call again to go
  ///   on. Records delivered before the error were sound.
  public mutating func read(
    max limit: Int = .max, _ body: (borrowing RecordView) -> Void
  ) throws(ReadError) -> Int {
    try readFrames(max: limit, onlyOne: false, body)
  }

  /// Delivers the next batch of visible records (one frame) and returns how many it had; 0 at the end.
  ///
  /// - Throws: ``ReadError``, as ``read(max:_:)``.
  public mutating func readBatch(_ body: (borrowing RecordView) -> Void) throws(ReadError) -> Int {
    try readFrames(max: .max, onlyOne: true, body)
  }

  /// - Parameter onlyOne: Whether to stop behind the first frame with records.
  @inline(__always)
  private mutating func readFrames(
    max limit: Int, onlyOne: Bool, _ body: (borrowing RecordView) -> Void
  ) throws(ReadError) -> Int {
    try reportPending()
    var count = 0
    do throws(ReadError) {
      while count < limit, !(onlyOne && count > 0) {
        let visible = source.visible
        guard nextOffset.rawValue < visible else {
          if count == 0 { try checkEnd() }
          break
        }
        guard try enterSegment() else { break }
        guard let file else { break }
        count += try walk(
          file, visible: visible, limit: limit - count, onlyOne: onlyOne, body)
        if file.wasTruncated { throw .truncated(path: file.path) }
      }
    } catch {
      // What was delivered counts; what stands behind it is reported by the next call.
      guard count > 0 else { throw error }
      pending = error
    }
    return count
  }

  private mutating func reportPending() throws(ReadError) {
    guard let error = pending else { return }
    pending = nil
    throw error
  }

  /// Reports what is wrong with the end of the stream, once, when the reader has come to it: records
  /// that may be missing behind the last one, because the files cannot be believed there.
  ///
  /// - Throws: ``ReadError``: what ``read(max:_:)`` would throw next.
  public mutating func checkEnd() throws(ReadError) {
    try reportPending()
    guard nextOffset.rawValue >= source.visible, !hasReportedEnd, let problem = source.endProblem
    else { return }
    hasReportedEnd = true
    throw problem
  }

  /// Throws why nothing will come any more, in the process of the writer: it was closed or has failed.
  public func checkWriter() throws(ReadError) {
    if nextOffset.rawValue >= source.visible, let reason = source.endOfWriting { throw reason }
  }

  /// Returns a copy of the next visible record; `nil` at the end.
  public mutating func next() throws(ReadError) -> Record? {
    var record: Record?
    _ = try read(max: 1) { record = Record(copying: $0) }
    return record
  }

  /// Returns copies of up to `limit` visible records.
  public mutating func records(max limit: Int) throws(ReadError) -> [Record] {
    var records: [Record] = []
    _ = try read(max: limit) { records.append(Record(copying: $0)) }
    return records
  }

  /// Waits until there is something to read: a short spin, then sleep without using the processor.
  ///
  /// - Parameter timeoutNanoseconds: Longest wait.
  /// - Returns: Whether there is something to read.
  public func wait(timeoutNanoseconds: UInt64) -> Bool {
    let offset = nextOffset.rawValue
    if pending != nil || source.visible > offset { return true }
    let began = SystemTime().monotonicNanoseconds()
    var now = began
    while now - began < min(options.spinNanoseconds, timeoutNanoseconds) {
      for _ in 0..<32 {
        if source.visible > offset { return true }
        spinHint()
      }
      now = SystemTime().monotonicNanoseconds()
    }
    while now - began < timeoutNanoseconds {
      // Bounded sleeps, so that the death of the writer is noticed.
      let left = min(timeoutNanoseconds - (now - began), 500_000_000)
      source.wait(beyond: offset, timeoutNanoseconds: left)
      if source.visible > offset { return true }
      now = SystemTime().monotonicNanoseconds()
    }
    return false
  }

  /// Calls `body` once when there is something to read; false when this reader cannot, because the
  /// writer is another process: wait on a thread then.
  public func notifyWhenReadable(_ body: @escaping @Sendable () -> Void) -> Bool {
    source.notify(beyond: nextOffset.rawValue, body)
  }

  /// A function that waits like ``wait(timeoutNanoseconds:)`` without holding the reader, for a thread
  /// that waits on behalf of somebody else.
  public func makeWaiter() -> @Sendable (_ timeoutNanoseconds: UInt64) -> Bool {
    let source = source
    let offset = nextOffset.rawValue
    return { timeout in
      if source.visible > offset { return true }
      source.wait(beyond: offset, timeoutNanoseconds: timeout)
      return source.visible > offset
    }
  }

  // MARK: Walking frames

  /// Delivers records of one segment until the limit, the visible end or the segment's end.
  @inline(__always)
  private mutating func walk(
    _ file: SegmentFile, visible: UInt64, limit: Int, onlyOne: Bool,
    _ body: (borrowing RecordView) -> Void
  ) throws(ReadError) -> Int {
    var count = 0
    // The segment may have been ended since it was entered, before bytes that do not count.
    endPosition = entry?.end?.endPosition.rawValue ?? .max
    var isAtEnd = position >= endPosition
    let reader = FrameReader(file.bytes, salt: file.salt, limits: source.limits)
    do throws(FormatError) {
      while !isAtEnd, count < limit, nextOffset.rawValue < visible {
        let mustVerify = block.mustVerify(at: position, file, options.verification)
        let frame = try reader.frame(at: position, verifying: mustVerify)
        switch frame.head.kind {
        case .soloRecord:
          let view = try SoloRecord.view(frame.bytes, head: frame.head)
          guard view.offset == nextOffset, view.offset.rawValue < visible else {
            throw .damaged(.soloRecord, .offset)
          }
          body(view)
          count &+= 1
          nextOffset = view.offset.advanced(by: 1)
          position = frame.end
        case .batch:
          let batch = try BatchView(
            frame.bytes, frameHead: frame.head, place: nil, limits: reader.limits)
          guard batch.nextOffset.rawValue <= visible, batch.baseOffset <= nextOffset,
            batch.nextOffset > nextOffset
          else { throw .damaged(.batch, .offset) }
          count &+= try deliver(batch, limit: limit &- count, body)
          if indexInBatch == 0 { position = frame.end }
        case .seal:
          try noteEnd(frame)
          isAtEnd = true
        default:
          try stepOver(frame)
          position = frame.end
        }
        if position >= endPosition { isAtEnd = true }
        if onlyOne, count > 0 { break }
      }
    } catch {
      // What was delivered counts; the damage is met again.
      if count > 0 { return count }
      try handle(error, reader, file)
      return 0
    }
    if isAtEnd { try finishSegment(delivered: count) }
    return count
  }

  /// Frames without records: gaps raise the next offset, commit frames state it.
  private mutating func stepOver(_ frame: borrowing Frame) throws(FormatError) {
    if frame.head.kind == .gap {
      let gap = try GapFrame(frame.bytes)
      guard gap.firstOffset <= nextOffset else { throw .damaged(.gapFrame, .offset) }
      nextOffset = max(nextOffset, gap.firstOffset.advanced(by: UInt64(gap.count)))
    } else if frame.head.kind == .commit {
      let commit = try CommitFrame(frame.bytes, at: frame.position)
      guard commit.nextOffset <= nextOffset else { throw .damaged(.commitFrame, .offset) }
    }
  }

  /// Leaves a segment whose frames are at their end; records it should have had are reported.
  private mutating func finishSegment(delivered: Int) throws(ReadError) {
    let left = entry
    leaveSegment()
    // What was delivered counts; the segment is entered again then.
    guard delivered == 0, let left, let end = left.end, nextOffset < end.nextOffset else { return }
    let first = nextOffset
    nextOffset = max(first, min(end.nextOffset, visibleOffset))
    throw .damaged(
      DamageReport(
        stream: source.streamName, segmentID: left.id, path: left.path, from: end.endPosition,
        to: end.endPosition, firstOffset: first, nextOffset: nextOffset,
        cause: .damaged(.frame, .offset)))
  }

  /// Remembers where the segment ends, which its seal block says before the manifest may.
  private func noteEnd(_ frame: borrowing Frame) throws(FormatError) {
    guard let entry, entry.end == nil else { return }
    let seal = try SealBlock(frame.bytes, at: frame.position, limits: source.limits)
    entry.setEnd(
      ManifestEdit.SegmentEnd(
        streamID: source.streamID, segmentID: entry.id,
        endPosition: FilePosition(rawValue: frame.end), nextOffset: seal.nextOffset,
        lastAppendTime: seal.lastAppendTime, recordCount: seal.statistics.recordCount,
        reason: .sealed))
  }

  @inline(__always)
  private mutating func deliver(
    _ batch: borrowing BatchView, limit: Int, _ body: (borrowing RecordView) -> Void
  ) throws(FormatError) -> Int {
    var delivered = 0
    var index = indexInBatch
    if index == 0, nextOffset > batch.baseOffset {
      // Entered in the middle: dense offsets give the place at once, gaps make us look for it.
      if !batch.columns.contains(.offsetDelta) {
        index = Int(clamping: nextOffset.rawValue &- batch.baseOffset.rawValue)
      }
      while index < batch.count, try batch.record(at: index).offset < nextOffset { index &+= 1 }
    }
    while index < batch.count, delivered < limit {
      let view = try batch.record(at: index)
      body(view)
      nextOffset = view.offset.advanced(by: 1)
      index &+= 1
      delivered &+= 1
    }
    if index >= batch.count {
      indexInBatch = 0
      nextOffset = max(nextOffset, batch.nextOffset)
    } else {
      indexInBatch = index
    }
    return delivered
  }

  /// Where the segment ends, sealed or not, as far as that is known.
  var endPosition: UInt64 = .max
}

/// Remembers, 64 KiB at a time, which frames of a segment this process has verified.
struct BlockVerification: Sendable {
  private var index = Int.max
  private var isVerified = false
  /// The reader came from the block before, so every frame that starts here was looked at.
  private var isWhole = false

  static let byteCountShift: UInt64 = 16

  @inline(__always)
  mutating func mustVerify(at position: UInt64, _ file: SegmentFile, _ mode: VerificationMode)
    -> Bool
  {
    switch mode {
    case .always: return true
    case .never: return false
    case .once:
      let block = Int(truncatingIfNeeded: position >> Self.byteCountShift)
      if block != index { enter(block, file, isFirstFrame: position == 16_384) }
      return !isVerified
    }
  }

  private mutating func enter(_ block: Int, _ file: SegmentFile, isFirstFrame: Bool) {
    if index != Int.max, isWhole, !isVerified { file.verified.insert(index) }
    isWhole = isFirstFrame || index != Int.max && block > index
    index = block
    isVerified = file.verified.contains(block)
  }
}
