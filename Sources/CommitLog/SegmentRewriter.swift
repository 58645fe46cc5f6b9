internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Writes the frames of a segment that ended into a new file, and leaves the content of some records out: a gap
/// stands at their offsets. All other records keep offset, time, parts and producer; what says something about
/// positions is made again.
struct SegmentRewriter: ~Copyable {
  private let source: SegmentFile
  private let target: SegmentFile
  private let limits: FormatLimits
  private let isLeftOut: (Offset) -> Bool
  /// Position of the next frame in the new file.
  private(set) var position = UInt64(SegmentLayout.preambleByteCount)
  /// Frames that are not in the file yet.
  private var buffer: [UInt8] = []
  private var statePosition: UInt64 = 0
  private var batch: BatchBuilder

  private static let bufferByteCount = 1 << 20

  /// What keeps a segment from being written again.
  enum Failure: Error {
    case format(FormatError, position: UInt64)
    case file(FileSystemError)
  }

  /// A rewriting.
  ///
  /// - Parameters:
  ///   - source: The segment as it is.
  ///   - target: The new file, open for writing.
  ///   - limits: Bounds for what is read.
  ///   - isLeftOut: Whether the content of an offset's record is left out.
  init(
    _ source: SegmentFile, into target: SegmentFile, limits: FormatLimits,
    leavingOut isLeftOut: @escaping (Offset) -> Bool
  ) {
    (self.source, self.target, self.limits) = (source, target, limits)
    self.isLeftOut = isLeftOut
    batch = BatchBuilder(limits: limits)
  }

  /// Bytes that a new file needs at most.
  ///
  /// - Parameters:
  ///   - end: Where the frames of the segment end.
  ///   - leftOutCount: Records that are left out.
  ///   - producerCount: Producers that the segment knows.
  static func byteCount(end: UInt64, leftOutCount: Int, producerCount: Int) -> UInt64 {
    // Each record that is left out can cut a batch in two: a head, padding of its columns, and a gap more.
    let more = leftOutCount * 512 + 2 * StateFrame.byteCount(producerCount: producerCount)
    // A segment that was never sealed gets a seal block with a row for each 16 KiB.
    let seal = 4_096 + 2 * Int(end >> 10)
    let page = UInt64(SegmentLayout.pageByteCount)
    return (end + UInt64(more + seal) + page - 1) / page * page
  }

  /// Writes all frames before `end`, but for those that only say where others stand.
  mutating func writeFrames(before end: UInt64) throws(Failure) {
    let source = source
    let reader = FrameReader(source.bytes, salt: source.salt, limits: limits)
    var place = UInt64(SegmentLayout.preambleByteCount)
    while place < end {
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: true)
        try write(frame)
        place = frame.end
      } catch {
        throw .format(error, position: place)
      }
      if buffer.count >= Self.bufferByteCount { try flush() }
    }
    try flush()
  }

  /// Writes the producers as they were at the end of the segment: records that were left out had stamps.
  mutating func write(_ producers: [ProducerEntry], nextOffset: Offset) throws(Failure) {
    guard !producers.isEmpty else { return }
    append(
      StateFrame(
        previousPosition: FilePosition(rawValue: statePosition), nextOffset: nextOffset,
        producers: producers
      ).encoded(salt: target.salt, at: position))
    try flush()
  }

  /// Writes the seal block, the last frame.
  mutating func write(_ seal: SealBlock) throws(Failure) {
    append(seal.encoded(segmentID: target.segmentID, salt: target.salt, at: position))
    try flush()
  }

  // MARK: Frames

  private mutating func write(_ frame: borrowing Frame) throws(FormatError) {
    switch frame.head.kind {
    case .soloRecord:
      let view = try SoloRecord.view(frame.bytes, head: frame.head)
      if isLeftOut(view.offset) { writeGap(view.offset, count: 1) } else { try move(frame) }
    case .batch: try writeBatch(frame)
    case .gap:
      let gap = try GapFrame(frame.bytes)
      if gap.count > 0 { writeGap(gap.firstOffset, count: gap.count) }
    case .state:
      let state = try StateFrame(frame.bytes, at: frame.position, limits: limits)
      let at = position
      append(
        StateFrame(
          previousPosition: FilePosition(rawValue: statePosition), nextOffset: state.nextOffset,
          producers: state.producers
        ).encoded(salt: target.salt, at: at))
      statePosition = at
    case .integrity, .control, nil: try move(frame)
    // They speak of places in the old file.
    case .padding, .indexRows, .commit, .seal: break
    }
  }

  private mutating func append(_ bytes: [UInt8]) {
    buffer += bytes
    position += UInt64(bytes.count)
  }

  private mutating func writeGap(_ offset: Offset, count: UInt32) {
    append(
      GapFrame(firstOffset: offset, count: count).encoded(
        length: UInt32(GapFrame.byteCount), salt: target.salt, at: position))
  }

  /// Copies a frame as it is.
  private mutating func move(_ frame: borrowing Frame) throws(FormatError) {
    var bytes = frame.bytes.copyBytes()
    bytes += [UInt8](repeating: 0, count: SegmentLayout.aligned(bytes.count) - bytes.count)
    let word = bytes.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
    let (from, to) = ((source.salt, frame.position), (target.salt, position))
    // Safety: the frame is the array's, for the length of the call.
    let failure = unsafe bytes.withUnsafeMutableBytes { buffer -> FormatError? in
      do throws(FormatError) {
        try unsafe Frame.mendMoved(buffer, word: word, from: from, to: to)
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
    append(bytes)
  }

  private mutating func writeBatch(_ frame: borrowing Frame) throws(FormatError) {
    let view = try BatchView(
      frame.bytes, frameHead: frame.head, place: nil, limits: limits)
    var isWhole = true
    for index in 0..<view.count where isLeftOut(try view.record(at: index).offset) {
      isWhole = false
      break
    }
    if isWhole { return try move(frame) }
    let stamp = try view.producer
    var expected = view.baseOffset
    /// First record of the part that is collected.
    var first = 0
    for index in 0..<view.count {
      let record = try view.record(at: index)
      if isLeftOut(record.offset) || record.offset != expected {
        try writePart(of: view, from: first, stamp)
        let next = isLeftOut(record.offset) ? record.offset.advanced(by: 1) : record.offset
        writeGap(expected, count: UInt32(clamping: next.rawValue - expected.rawValue))
        expected = next
        first = index
        if isLeftOut(record.offset) {
          first = index + 1
          continue
        }
      }
      try batch.append(
        RecordInput(
          record.value, key: record.key, type: record.type,
          headers: record.headers.byteCount > 0 ? record.headers : nil,
          eventTime: record.eventTime, isTombstone: record.isTombstone))
      expected = expected.advanced(by: 1)
    }
    try writePart(of: view, from: first, stamp)
    if expected < view.nextOffset {
      writeGap(expected, count: UInt32(clamping: view.nextOffset.rawValue - expected.rawValue))
    }
  }

  /// Writes what was collected of a batch.
  ///
  /// - Parameter first: The place of its first record in the old batch.
  private mutating func writePart(
    of view: borrowing BatchView, from first: Int, _ stamp: ProducerStamp?
  ) throws(FormatError) {
    guard !batch.isEmpty else { return }
    defer { batch.removeAll() }
    let offset = try view.record(at: first).offset
    let producer = stamp.map { stamp in
      ProducerStamp(
        id: stamp.id, epoch: stamp.epoch,
        sequence: stamp.sequence &+ UInt32(truncatingIfNeeded: first))
    }
    let plan = try batch.plan(producer: producer)
    var bytes = [UInt8](repeating: 0, count: SegmentLayout.aligned(plan.byteCount))
    // Safety: the array has as many bytes as the frame, aligned.
    let word = unsafe bytes.withUnsafeMutableBytes { buffer -> UInt64 in
      guard let start = buffer.baseAddress else { return 0 }
      return unsafe batch.encode(
        plan, into: start, baseOffset: offset, appendTime: view.head.appendTime,
        epoch: view.head.epoch, salt: target.salt, position: position)
    }
    // Safety: the first word of the frame lies in the array.
    unsafe bytes.withUnsafeMutableBytes { unsafe $0.storeLittleEndian(word, at: 0) }
    append(bytes)
  }

  private mutating func flush() throws(Failure) {
    guard !buffer.isEmpty else { return }
    let start = position - UInt64(buffer.count)
    do throws(FileSystemError) { try target.write(buffer, at: start) } catch { throw .file(error) }
    buffer.removeAll(keepingCapacity: true)
  }
}
