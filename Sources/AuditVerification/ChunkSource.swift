internal import ByteCoding
internal import LogFormat
internal import PlatformIO

/// A segment as it is to be walked.
struct PlannedSegment: Sendable {
  var segmentID: UInt64
  var salt: UInt64
  var baseOffset: UInt64
  var previousSegmentID: UInt64
  var capacity: UInt64
  /// Below the folder that is audited.
  var fileName: String
  /// Where it ends, by the manifest or by its own slot; `nil` for where its frames end.
  var endPosition: UInt64?
  /// Damage before it is stepped over.
  var provenPosition = UInt64(SegmentLayout.preambleByteCount)
  /// The manifest's own words, where it has some.
  var mapped: StoreMap.Segment?
}

/// Cuts the segments of a stream into stretches of whole frames, without looking at more of them than their
/// lengths. Where a length leads nowhere it waits to be told where to go on.
struct ChunkSource {
  /// A place in the segments of a stream.
  struct Cut: Hashable, Sendable {
    var segment: Int
    var position: UInt64

    static func beginning(of segment: Int) -> Cut {
      Cut(segment: segment, position: UInt64(SegmentLayout.preambleByteCount))
    }
  }

  /// A stretch that was cut: its bytes are in the buffer of whoever asked.
  struct Request: Sendable {
    var generation: Int
    var sequence: Int
    var cut: Cut
    var byteCount: Int
    var task: ChunkWalk.Task
    /// `nil` where it could not be opened.
    var file: AuditedFile?
    var failure: FileSystemError?
    /// Where the next stretch was taken to begin; `nil` when that could not be told.
    var next: Cut?
  }

  /// Bytes of a stretch.
  let chunkByteCount: Int
  var segments: [PlannedSegment]
  private let open: @Sendable (String) throws(FileSystemError) -> AuditedFile
  private var task: ChunkWalk.Task
  private var cut = Cut.beginning(of: 0)
  private var isStalled = false
  private(set) var generation = 0
  private(set) var sequence = 0
  private var file: (segment: Int, file: AuditedFile)?

  init(
    _ segments: [PlannedSegment], task: ChunkWalk.Task, chunkByteCount: Int,
    _ open: @escaping @Sendable (String) throws(FileSystemError) -> AuditedFile
  ) {
    (self.segments, self.task, self.open) = (segments, task, open)
    self.chunkByteCount = chunkByteCount
  }

  /// Goes on elsewhere; what was cut since is not wanted any more.
  mutating func restart(at cut: Cut) {
    self.cut = cut
    isStalled = false
    generation += 1
  }

  /// Cuts the next stretch and reads it into a buffer; `nil` when there is none for now.
  mutating func next(_ buffer: inout [UInt8]) -> Request? {
    guard !isStalled, cut.segment < segments.count else { return nil }
    let segment = segments[cut.segment]
    var task = task
    task.salt = segment.salt
    task.provenPosition = segment.endPosition ?? segment.provenPosition
    var request = Request(
      generation: generation, sequence: sequence, cut: cut, byteCount: 0, task: task, next: nil)
    sequence += 1
    do throws(FileSystemError) {
      let file = try opened(segment)
      request.file = file
      request.task.limit = min(segment.endPosition ?? file.byteCount, file.byteCount)
      try fill(&request, &buffer)
    } catch {
      request.failure = error
    }
    if let next = request.next { cut = next } else { isStalled = true }
    return request
  }

  private mutating func opened(_ segment: PlannedSegment) throws(FileSystemError) -> AuditedFile {
    if let file, file.segment == cut.segment { return file.file }
    let opened = try open(segment.fileName)
    file = (cut.segment, opened)
    return opened
  }

  private func fill(_ request: inout Request, _ buffer: inout [UInt8]) throws(FileSystemError) {
    guard let file = request.file else { return }
    let limit = request.task.limit
    let room = limit > cut.position ? Int(limit - cut.position) : 0
    var wanted = min(room, chunkByteCount)
    while true {
      request.byteCount = try file.read(wanted, into: &buffer, at: cut.position)
      let hop = hop(buffer, request.byteCount, limit)
      if hop.needed > request.byteCount, hop.needed <= room, request.byteCount == wanted {
        // One frame alone is longer.
        wanted = hop.needed
        continue
      }
      request.next = hop.next
      return
    }
  }

  /// Steps over frames by their lengths alone.
  ///
  /// - Returns: Where the next stretch begins; or, when not even one frame is whole, the bytes it needs.
  private func hop(_ buffer: [UInt8], _ count: Int, _ limit: UInt64) -> (next: Cut?, needed: Int) {
    let bytes = buffer.rawSpan
    var place = 0
    while true {
      let position = cut.position + UInt64(place)
      if position >= limit { return (.beginning(of: cut.segment + 1), 0) }
      guard place + 8 <= count, let word = bytes.littleEndianUnsigned64(at: place) else {
        return place == 0 ? (nil, FrameHead.byteCount) : (goingOn(place), 0)
      }
      let head = FrameHead(word: word, checksum: 0)
      guard head.length >= UInt32(FrameHead.byteCount), UInt64(head.length) <= limit - position
      else { return (nil, 0) }
      let covered = Frame.coveredByteCount(head.kind, length: Int(head.length))
      guard place + covered <= count else {
        guard place == 0 else { return (goingOn(place), 0) }
        return covered > FrameCheck.frameByteCountLimit ? (nil, 0) : (nil, covered)
      }
      if head.kind == .seal { return (.beginning(of: cut.segment + 1), 0) }
      place += head.alignedByteCount
      if place > count { return (goingOn(place), 0) }
    }
  }

  private func goingOn(_ place: Int) -> Cut {
    Cut(segment: cut.segment, position: cut.position + UInt64(place))
  }
}
