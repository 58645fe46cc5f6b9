internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Where a segment stood at a frame boundary: what a group proves once it is durable.
struct SegmentMark: Sendable {
  var segmentID: UInt64
  var position: UInt64
  var nextOffset: Offset
  var appendTime: Timestamp
  var indexFramePosition: UInt64
  var integrityPosition: UInt64
  /// Offset behind the group that stands there.
  var integrityOffset = Offset.zero
  var statePosition: UInt64
  var commitSequence: UInt64
  var statistics: SegmentStatistics
}

/// Frames of a `disk` stream on their way to a segment, in memory until they are durable.
///
/// While it is a stream's current buffer, it is written under the stream's lock (and by open claims,
/// each in its own range); afterwards it belongs to the committer.
// Safety: see above; the block is allocated in init and released in deinit.
@safe final class StagingBuffer: @unchecked Sendable {
  let base: UnsafeMutableRawPointer
  let capacity: Int
  /// Whether the buffer goes back to the pool.
  let isPooled: Bool
  var segment: SegmentFile
  var startPosition: UInt64 = 0
  /// Bytes in `base` that are frames.
  var byteCount = 0
  /// Bytes of record frames; the tail of the group begins behind them.
  var recordByteCount = 0
  /// The part of the tail that did not fit behind the records.
  var overflow: [UInt8] = []
  /// Claims not yet completed.
  var openClaimCount = 0
  /// What the group proves.
  var mark: SegmentMark?
  /// Set when the buffer is the first of its segment.
  var header: SegmentHeader?
  /// Set when the buffer is the last of its segment.
  var end: ManifestEdit.SegmentEnd?

  static let alignment = 4_096

  init(capacity: Int, isPooled: Bool, segment: SegmentFile) {
    self.capacity = (capacity + Self.alignment - 1) & ~(Self.alignment - 1)
    self.isPooled = isPooled
    self.segment = segment
    unsafe base = UnsafeMutableRawPointer.allocate(
      byteCount: self.capacity, alignment: Self.alignment)
  }

  deinit { unsafe base.deallocate() }

  /// Makes the buffer the place of a segment's frames from a position on.
  func begin(_ segment: SegmentFile, at position: UInt64) {
    self.segment = segment
    startPosition = position
    byteCount = 0
    recordByteCount = 0
    overflow.removeAll(keepingCapacity: true)
    openClaimCount = 0
    mark = nil
    header = nil
    end = nil
  }

  /// Adds a whole frame of the group's tail.
  func appendTail(_ frame: [UInt8]) {
    if overflow.isEmpty, byteCount + frame.count <= capacity {
      // Safety: the range lies inside the block.
      unsafe frame.withUnsafeBytes { source in
        guard let from = source.baseAddress else { return }
        unsafe (base + byteCount).copyMemory(from: from, byteCount: source.count)
      }
      byteCount += frame.count
    } else {
      overflow += frame
    }
  }

  /// Position behind the last byte.
  var endPosition: UInt64 { startPosition + UInt64(byteCount + overflow.count) }

  /// Writes the frames to their segment; the last piece durably when asked.
  func write(durably: Bool) throws(FileSystemError) {
    // Safety: the block holds `byteCount` initialised bytes.
    let bytes = unsafe UnsafeRawBufferPointer(start: base, count: byteCount)
    let system = segment.fileSystem
    guard overflow.isEmpty else {
      try unsafe system.write(segment.handle, bytes, at: startPosition)
      try segment.write(overflow, at: startPosition + UInt64(byteCount))
      if durably { try segment.synchronize() }
      return
    }
    if durably {
      try unsafe system.writeDurably(segment.handle, bytes, at: startPosition)
    } else {
      try unsafe system.write(segment.handle, bytes, at: startPosition)
    }
  }
}
