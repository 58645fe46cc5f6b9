internal import ByteCoding
internal import LogFormat
internal import Quantities

/// What is known of the segment that is being walked.
struct SegmentLedger {
  let index: Int
  let segment: PlannedSegment
  let file: AuditedFile
  let preamble: SegmentPreamble
  /// Index rows as a writer makes them.
  private(set) var rows: [IndexRow] = []
  private var nextRowPosition = UInt64(SegmentLayout.preambleByteCount)
  /// Append time of the last record, or what the segment began with.
  private(set) var lastTime: Int64
  private(set) var statistics = SegmentStatistics()
  private(set) var gapCount: UInt64 = 0
  var lastIndexPosition: UInt64 = 0
  var lastIntegrityPosition: UInt64 = 0
  var seal: (block: SealBlock, position: UInt64, byteCount: Int)?
  /// Whether bytes were lost, so that counts cannot be compared.
  var isDamaged = false
  /// Whether a frame was changed back in memory, so that the file does not tell what stood there.
  var isMended = false
  /// Where an attempt to read on was made again.
  var retry: (position: UInt64, count: Int) = (0, 0)

  /// Bytes between rows, as the writer of this version has them.
  private static let rowSpacing: UInt64 = 16 << 10

  init(index: Int, _ segment: PlannedSegment, _ file: AuditedFile, _ preamble: SegmentPreamble) {
    (self.index, self.segment, self.file, self.preamble) = (index, segment, file, preamble)
    let header = preamble.headers.first
    lastTime =
      segment.mapped?.activation.baseAppendTime.rawValue ?? header?.baseAppendTime.rawValue ?? 0
  }

  /// Counts what a stretch has.
  mutating func count(_ account: borrowing ChunkAccount) {
    let more = account.statistics
    gapCount += account.gapCount
    if statistics.recordCount == 0 { statistics.firstAppendTime = more.firstAppendTime }
    statistics.recordCount &+= more.recordCount
    statistics.payloadByteCount &+= more.payloadByteCount
    guard more.eventTimeCount > 0 else { return }
    if statistics.eventTimeCount == 0 {
      statistics.earliestEventTime = more.earliestEventTime
      statistics.latestEventTime = more.latestEventTime
    }
    statistics.eventTimeCount &+= more.eventTimeCount
    statistics.earliestEventTime = min(statistics.earliestEventTime, more.earliestEventTime)
    statistics.latestEventTime = max(statistics.latestEventTime, more.latestEventTime)
  }

  /// Makes the rows that a writer makes for frames.
  ///
  /// - Parameters:
  ///   - marks: Frames of records and gaps, in order.
  ///   - cursor: Which of them were looked at.
  ///   - end: Frames from this position on wait.
  mutating func makeRows(_ marks: [ChunkAccount.Mark], _ cursor: inout Int, upTo end: UInt64) {
    while true {
      let place = marks[cursor...].partitionPoint { $0.position < nextRowPosition }
      guard place < marks.count, marks[place].position < end else { return }
      let mark = marks[place]
      rows.append(
        IndexRow(
          relativeOffset: UInt32(truncatingIfNeeded: mark.offset &- segment.baseOffset),
          positionInWords: UInt32(truncatingIfNeeded: mark.position / 8),
          appendTime: Timestamp(rawValue: mark.timeBefore ?? lastTime)))
      nextRowPosition = mark.position + Self.rowSpacing
      cursor = place + 1
    }
  }

  mutating func note(lastTime: Int64) { self.lastTime = max(self.lastTime, lastTime) }

  /// The last row that was made at or before a position.
  func row(before position: UInt64) -> IndexRow? {
    let end = rows.partitionPoint { $0.position <= position }
    return end == 0 ? nil : rows[end - 1]
  }
}
