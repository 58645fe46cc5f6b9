internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// What stands at a position of a segment, read again: for rows and slots that name places between those
/// the walk keeps.
struct SegmentLookup {
  /// Offset of the first record at or behind the position.
  var offset: UInt64
  /// Append time of the last record before it.
  var timeBefore: Int64?
  /// Whether a frame begins there.
  var isBoundary: Bool

  /// Bytes that are read at a time.
  private static let windowByteCount = 128 << 10

  /// Looks from a row that is known to be right.
  ///
  /// - Returns: `nil` when it cannot be told.
  static func at(
    _ position: UInt64, _ ledger: SegmentLedger, limit: UInt64, _ limits: FormatLimits
  ) -> SegmentLookup? {
    let anchor = ledger.row(before: position)
    var start = anchor?.position ?? UInt64(SegmentLayout.preambleByteCount)
    var time = anchor?.appendTime.rawValue ?? ledger.lastTime
    var offset: UInt64?
    var isBoundary = false
    var buffer: [UInt8] = []
    // A row is never far from the next frame of records, but a frame may be long.
    for _ in 0..<64 {
      if start == position { isBoundary = true }
      var task = ChunkWalk.Task()
      (task.salt, task.limits) = (ledger.segment.salt, limits)
      task.limit = start < position ? position : limit
      var account = ChunkAccount()
      var wanted = Self.windowByteCount
      for _ in 0..<2 {
        guard let count = try? ledger.file.read(wanted, into: &buffer, at: start) else {
          return nil
        }
        var walk = ChunkWalk(task)
        account = walk.walk(buffer.rawSpan.extracting(0..<count), start: start)
        guard account.end == start, case .more(let needed) = account.stop, needed > count else {
          break
        }
        wanted = needed
      }
      if start >= position, let mark = account.marks.first {
        return SegmentLookup(
          offset: mark.offset, timeBefore: time, isBoundary: isBoundary)
      }
      offset = account.nextOffset ?? offset
      time = account.lastTime ?? time
      // No record behind the position.
      if account.end == start || account.end >= limit {
        let offset = offset ?? ledger.segment.baseOffset + UInt64(anchor?.relativeOffset ?? 0)
        return SegmentLookup(
          offset: offset, timeBefore: time, isBoundary: isBoundary || account.end == position)
      }
      start = account.end
    }
    return nil
  }
}
