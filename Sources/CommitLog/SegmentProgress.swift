internal import LogFormat
internal import Quantities

/// The running account of a segment: index rows and counts. The writer keeps it while appending,
/// recovery rebuilds it by walking frames; both through the same methods.
struct SegmentProgress {
  let baseOffset: Offset
  /// All rows so far.
  private(set) var rows: [IndexRow] = []
  /// How many of them stand in index frames already.
  var flushedRowCount = 0
  /// The next row is made at the first frame at or after this position.
  private(set) var nextRowPosition = UInt64(SegmentLayout.preambleByteCount)
  /// Position of the last index frame; 0 for none.
  var indexFramePosition: UInt64 = 0
  /// Position of the last integrity frame; 0 for none.
  var integrityPosition: UInt64 = 0
  /// Offset behind the group that stands there.
  var integrityOffset = Offset.zero
  /// Nodes of the tree that groups of the segment completed, as far as they follow each other.
  private(set) var tiles: SealTiles?
  /// Where the replay of producers must begin; 0 for nowhere (see `RecoverySlot.statePosition`).
  var statePosition: UInt64 = 0
  var statistics = SegmentStatistics()
  /// Append time of the last record, or the segment's base time.
  var lastAppendTime: Timestamp

  /// Bytes between rows.
  static let rowSpacing: UInt64 = 16 << 10
  /// Rows of one index frame.
  static let rowsPerFrame = 64

  init(baseOffset: Offset, baseAppendTime: Timestamp) {
    self.baseOffset = baseOffset
    lastAppendTime = baseAppendTime
  }

  var unflushedRowCount: Int { rows.count - flushedRowCount }

  /// Takes note of a group of chain and tree whose frame stands at `position`.
  mutating func note(_ group: IntegrityFrame, at position: UInt64) {
    integrityPosition = position
    integrityOffset = group.nextOffset
    guard tiles?.append(group) != true else { return }
    tiles = SealTiles(group)
  }

  /// Makes a row when one is due for the record frame at `position`.
  mutating func noteFrame(at position: UInt64, firstOffset: Offset) {
    guard position >= nextRowPosition else { return }
    let relative = firstOffset.rawValue &- baseOffset.rawValue
    rows.append(
      IndexRow(
        relativeOffset: UInt32(truncatingIfNeeded: relative),
        positionInWords: UInt32(truncatingIfNeeded: position / 8), appendTime: lastAppendTime))
    nextRowPosition = position + Self.rowSpacing
  }

  /// Counts records.
  @inline(__always)
  mutating func noteRecords(_ count: Int, payloadByteCount: Int, appendTime: Timestamp) {
    if statistics.recordCount == 0 { statistics.firstAppendTime = appendTime }
    statistics.recordCount &+= UInt64(count)
    statistics.payloadByteCount &+= UInt64(payloadByteCount)
    lastAppendTime = appendTime
  }

  /// Counts event times of an append.
  mutating func note(eventTimes: (count: Int, earliest: Timestamp, latest: Timestamp)) {
    guard eventTimes.count > 0 else { return }
    statistics.note(eventTime: eventTimes.earliest)
    if eventTimes.count > 1 {
      statistics.note(eventTime: eventTimes.latest)
      statistics.eventTimeCount &+= UInt64(eventTimes.count - 2)
    }
  }

  /// The rows not yet in an index frame, as a frame for `position`; they count as flushed then.
  mutating func takeIndexFrame(at position: UInt64) -> IndexFrame {
    let frame = IndexFrame(
      previousPosition: FilePosition(rawValue: indexFramePosition),
      rows: Array(rows[flushedRowCount...]))
    flushedRowCount = rows.count
    indexFramePosition = position
    return frame
  }

  /// Takes over rows that were read back from index frames, oldest first.
  mutating func adopt(rows: [IndexRow], indexFramePosition: UInt64) {
    self.rows = rows
    flushedRowCount = rows.count
    self.indexFramePosition = indexFramePosition
    if let last = rows.last { nextRowPosition = last.position + Self.rowSpacing }
  }

  /// Steps back to how things stood before the row at or after `position` was made.
  mutating func removeRows(from position: UInt64) {
    while let last = rows.last, last.position >= position { rows.removeLast() }
    flushedRowCount = min(flushedRowCount, rows.count)
    nextRowPosition =
      rows.last.map { $0.position + Self.rowSpacing } ?? UInt64(SegmentLayout.preambleByteCount)
  }
}
