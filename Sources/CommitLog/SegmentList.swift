internal import LogFormat
internal import PlatformIO
internal import Quantities

/// One segment as readers see it; its file is opened and its index read when first needed.
final class SegmentEntry: Sendable {
  let definition: ManifestEdit.SegmentDefinition
  let baseOffset: Offset
  let baseAppendTime: Timestamp
  private let directory: StoreDirectory
  let limits: FormatLimits
  private let inner: Guarded<Inner>

  struct Inner: Sendable {
    var file: SegmentFile?
    /// The same, once only its users keep it open.
    weak var released: SegmentFile?
    /// Used since ``OpenSegments`` last looked.
    var wasUsed = false
    /// In the queue of ``OpenSegments``.
    var isNoted = false
    var segment: ManifestState.Segment
    var rows: [IndexRow] = []
    /// Rows are complete up to here.
    var scan: SegmentScan?
    var hasSealRows = false
    /// `nil` until it was looked for.
    var tilePlace: TilePlace??
    /// Groups of a segment without a seal block.
    var tileWalk = TileWalk()
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

  func setEnd(_ end: ManifestEdit.SegmentEnd) {
    inner.withLock { $0.segment.end = end }
  }

  /// From now on the file may be let go of, where the segment takes no appends any more.
  func noteIfClosable() {
    let isClosable = inner.withLock { inner -> Bool in
      guard inner.segment.end != nil, inner.file != nil, !inner.isNoted else { return false }
      inner.isNoted = true
      return true
    }
    if isClosable { OpenSegments.shared.note(self) }
  }

  /// Takes what the manifest says now; an end that is known already stays.
  func update(_ segment: ManifestState.Segment) {
    inner.withLock { inner in
      let end = segment.end ?? inner.segment.end
      inner.segment = segment
      inner.segment.end = end
    }
  }

  /// Takes a file that is open already.
  func adopt(_ file: SegmentFile) {
    inner.withLock { $0.file = file }
  }

  /// Lets go of the file for good; readers that hold it keep it.
  ///
  /// - Returns: Whether nobody in this process does.
  func drop() -> Bool {
    inner.withLock { inner in
      inner.isDropped = true
      let isOnlyUser =
        inner.file == nil ? inner.released == nil : isKnownUniquelyReferenced(&inner.file)
      inner.file = nil
      return isOnlyUser
    }
  }

  /// Lets go of the file until it is needed again, unless it takes appends or was just used.
  ///
  /// - Returns: Whether the entry holds no file now.
  func release() -> Bool {
    // Whoever holds the lock is using the file. It is closed behind the lock.
    let outcome = inner.withLockIfAvailable { inner -> (isReleased: Bool, file: SegmentFile?) in
      guard inner.segment.end != nil else { return (false, nil) }
      if inner.wasUsed, inner.file != nil {
        inner.wasUsed = false
        return (false, nil)
      }
      let file = inner.file
      inner.released = file
      inner.file = nil
      inner.isNoted = false
      return (true, file)
    }
    return outcome?.isReleased ?? false
  }

  var isDropped: Bool { inner.withLock { $0.isDropped } }

  /// The mapped file, opened when needed.
  func file() throws(ReadError) -> SegmentFile {
    let (file, mayBeNoted) = try inner.withLock { inner throws(ReadError) -> (SegmentFile, Bool) in
      inner.wasUsed = true
      if let file = inner.file { return (file, !inner.isNoted) }
      if let file = inner.released {
        inner.file = file
        return (file, true)
      }
      try definition.check(limits, path: path)
      do throws(FileSystemError) {
        let parent = try directory.directory(ofStream: definition.streamID)
        let file = try SegmentFile(
          opening: StoreDirectory.segmentName(id), in: parent, path: path,
          fileSystem: directory.fileSystem, streamID: definition.streamID, segmentID: id,
          salt: definition.salt, access: .reading,
          byteCountLimit: limits.segmentByteCountLimit)
        inner.file = file
        return (file, true)
      } catch {
        throw .fileSystem(error)
      }
    }
    if mayBeNoted { noteIfClosable() }
    return file
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

  /// Nodes that the groups of a segment without a seal block completed, as far as they are written by now.
  func readTiles(_ file: SegmentFile) -> SegmentTiles? {
    inner.withLock { inner in
      let end = inner.segment.end
      inner.tileWalk.walk(
        FrameReader(file.bytes, salt: file.salt, limits: limits),
        to: min(end?.endPosition.rawValue ?? .max, file.byteCount))
      if let tiles = inner.tileWalk.tiles { return .read(tiles) }
      return inner.tileWalk.isAtEnd ? SegmentTiles.none : nil
    }
  }

  /// Where the tiles of a seal block stand.
  struct TilePlace: Sendable {
    /// First and next offset of their groups.
    let offsets: Range<UInt64>
    /// Position of the first byte in the file.
    let position: Int
  }

  /// Where the tiles stand in the file of a sealed segment; `.some(nil)` when there are none, `nil` when its
  /// seal block cannot be read.
  func tilePlace(_ file: SegmentFile) -> TilePlace?? {
    inner.withLock { inner in
      if let known = inner.tilePlace { return known }
      guard let end = inner.segment.end, end.reason == .sealed,
        let seal = Self.seal(file, end: end.endPosition.rawValue, limits)
      else { return nil }
      let place = seal.tiles.map { tiles in
        // The block stands before the end of the segment, and ends there.
        let start = Int(end.endPosition.rawValue) - SealTrailer.byteCount - tiles.byteCount
        return TilePlace(
          offsets: tiles.firstOffset.rawValue..<tiles.nextOffset.rawValue, position: start)
      }
      inner.tilePlace = place
      return place
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

extension ManifestEdit.SegmentDefinition {
  /// A segment that is larger than the limits allow is not lost: it must not be stepped over.
  func check(_ limits: FormatLimits, path: String) throws(ReadError) {
    do throws(OpenError) { try check(limits, opening: path) } catch { throw .open(error) }
  }

  func check(_ limits: FormatLimits, opening path: String) throws(OpenError) {
    guard capacity > limits.segmentByteCountLimit else { return }
    throw .overLimit(
      path: path,
      .overLimit(.segmentHeader, value: capacity, limit: limits.segmentByteCountLimit))
  }
}

/// The segments of a stream, ascending by base offset; readers take the array and keep it.
final class SegmentList: Sendable {
  let entries: Guarded<[SegmentEntry]>
  let directory: StoreDirectory
  let limits: FormatLimits

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
      let entry = SegmentEntry(
        ManifestState.Segment(definition: definition, activation: activation), file: file,
        directory: directory, limits: limits)
      list.append(entry)
    }
  }

  /// Makes the writer's file that of its segment.
  func adopt(_ file: SegmentFile) {
    entries.withLock { $0.last { $0.id == file.segmentID }?.adopt(file) }
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
