internal import LogFormat
internal import PlatformIO
internal import Quantities

/// One segment as readers see it; its file is opened and its index read when first needed.
final class SegmentEntry: Sendable {
  let definition: ManifestEdit.SegmentDefinition
  let baseOffset: Offset
  let baseAppendTime: Timestamp
  private let directory: StoreDirectory
  private let limits: FormatLimits
  private let inner: Guarded<Inner>

  struct Inner: Sendable {
    var file: SegmentFile?
    var segment: ManifestState.Segment
    var rows: [IndexRow] = []
    /// Rows are complete up to here.
    var scan: SegmentScan?
    var hasSealRows = false
    var isDropped = false
  }

  init(
    _ segment: ManifestState.Segment, file: SegmentFile?, directory: StoreDirectory,
    limits: FormatLimits
  ) {
    definition = segment.definition
    baseOffset = segment.baseOffset
    baseAppendTime = segment.activation.baseAppendTime
    self.directory = directory
    self.limits = limits
    inner = Guarded(Inner(file: file, segment: segment))
  }

  var id: UInt64 { definition.segmentID }
  var end: ManifestEdit.SegmentEnd? { inner.withLock { $0.segment.end } }
  /// What the manifest said of it last.
  var segment: ManifestState.Segment { inner.withLock { $0.segment } }
  var path: String {
    directory.segmentPath(streamID: definition.streamID, segmentID: id)
  }

  func setEnd(_ end: ManifestEdit.SegmentEnd) { inner.withLock { $0.segment.end = end } }

  /// Takes what the manifest says now; an end that is known already stays.
  func update(_ segment: ManifestState.Segment) {
    inner.withLock { inner in
      let end = segment.end ?? inner.segment.end
      inner.segment = segment
      inner.segment.end = end
    }
  }

  /// Lets go of the file; readers that hold it keep it.
  func drop() {
    inner.withLock { inner in
      inner.isDropped = true
      inner.file = nil
    }
  }

  /// Whether no reader of this process holds the file.
  var isOnlyUser: Bool {
    inner.withLock { inner in
      guard inner.file != nil else { return true }
      return isKnownUniquelyReferenced(&inner.file)
    }
  }

  var isDropped: Bool { inner.withLock { $0.isDropped } }

  /// The mapped file, opened when needed.
  func file() throws(ReadError) -> SegmentFile {
    try inner.withLock { inner throws(ReadError) in
      if let file = inner.file { return file }
      do throws(FileSystemError) {
        let parent = try directory.directory(ofStream: definition.streamID)
        let file = try SegmentFile(
          opening: StoreDirectory.segmentName(id), in: parent, path: path,
          fileSystem: directory.fileSystem, streamID: definition.streamID, segmentID: id,
          salt: definition.salt, access: .reading,
          byteCountLimit: limits.segmentByteCountLimit)
        inner.file = file
        return file
      } catch {
        throw .fileSystem(error)
      }
    }
  }

  /// The index rows of the records before `visible`, as far as they are known without error.
  func rows(visible: UInt64) throws(ReadError) -> [IndexRow] {
    let file = try file()
    return inner.withLock { inner in
      if inner.hasSealRows { return inner.rows }
      if let end = inner.segment.end, end.reason == .sealed,
        let rows = Self.sealRows(file, end: end.endPosition.rawValue, limits)
      {
        inner.rows = rows
        inner.hasSealRows = true
        return rows
      }
      var scan =
        inner.scan
        ?? SegmentScan(
          baseOffset: baseOffset, baseAppendTime: baseAppendTime, provenPosition: .max,
          producerLimit: limits.producerCountLimit)
      let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
      let limit = min(inner.segment.end?.endPosition.rawValue ?? .max, file.byteCount)
      scan.walk(reader, to: limit, before: Offset(rawValue: visible), verifying: false)
      inner.rows = scan.progress.rows
      inner.scan = scan
      return inner.rows
    }
  }

  private static func sealRows(_ file: SegmentFile, end: UInt64, _ limits: FormatLimits)
    -> [IndexRow]?
  {
    seal(file, end: end, limits)?.rows
  }

  /// The seal block of a segment that ends at `end`, when it is intact.
  static func seal(_ file: SegmentFile, end: UInt64, _ limits: FormatLimits) -> SealBlock? {
    let size = UInt64(SealTrailer.byteCount)
    guard end <= file.byteCount, end >= size else { return nil }
    let bytes = file.bytes.extracting(Int(end - size)..<Int(end))
    do throws(FormatError) {
      let trailer = try SealTrailer(bytes)
      guard trailer.salt == file.salt, trailer.segmentID == file.segmentID else { return nil }
      let position = trailer.blockPosition.rawValue
      let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
      let frame = try reader.frame(at: position, verifying: true)
      guard frame.head.kind == .seal else { return nil }
      return try SealBlock(frame.bytes, at: position, limits: limits)
    } catch {
      return nil
    }
  }
}

/// The segments of a stream, ascending by base offset; readers take the array and keep it.
final class SegmentList: Sendable {
  private let entries: Guarded<[SegmentEntry]>
  private let directory: StoreDirectory
  private let limits: FormatLimits

  init(_ stream: ManifestState.Stream, directory: StoreDirectory, limits: FormatLimits) {
    self.directory = directory
    self.limits = limits
    entries = Guarded(
      stream.segments.map { segment in
        SegmentEntry(segment, file: nil, directory: directory, limits: limits)
      })
  }

  var all: [SegmentEntry] { entries.withLock { $0 } }

  /// Adds the segment that now takes the appends.
  func append(_ activation: ManifestEdit.SegmentActivation, file: SegmentFile) {
    entries.withLock { list in
      guard !list.contains(where: { $0.id == activation.segmentID }) else { return }
      let definition = ManifestEdit.SegmentDefinition(
        streamID: activation.streamID, segmentID: activation.segmentID,
        capacity: file.byteCount, salt: file.salt)
      list.append(
        SegmentEntry(
          ManifestState.Segment(definition: definition, activation: activation), file: file,
          directory: directory, limits: limits))
    }
  }

  /// States where a segment ends.
  func end(_ end: ManifestEdit.SegmentEnd) {
    entries.withLock { $0.last { $0.id == end.segmentID }?.setEnd(end) }
  }

  /// Takes segments out of the list and returns them.
  func remove(_ isRemoved: (SegmentEntry) -> Bool) -> [SegmentEntry] {
    entries.withLock { list in
      let removed = list.filter(isRemoved)
      list.removeAll(where: isRemoved)
      return removed
    }
  }

  /// Replaces the list by what the manifest says now, keeping entries that are known.
  func refresh(_ stream: ManifestState.Stream) {
    entries.withLock { list in
      var known: [UInt64: SegmentEntry] = [:]
      for entry in list { known[entry.id] = entry }
      list = stream.segments.map { segment in
        guard let entry = known[segment.id] else {
          return SegmentEntry(segment, file: nil, directory: directory, limits: limits)
        }
        entry.update(segment)
        return entry
      }
    }
  }
}
