internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Nodes that the groups of a segment completed: where they stand in the seal block, or, of a segment that is
/// not sealed, as they were read from its groups.
enum SegmentTiles: Sendable {
  /// There are no groups in it: they came later than it was full.
  case none
  case sealed(SegmentFile, offsets: Range<UInt64>, position: Int)
  case read(SealTiles)

  /// First and next offset of the groups.
  var offsets: Range<UInt64> {
    switch self {
    case .none: 0..<0
    case .sealed(_, let offsets, _): offsets
    case .read(let tiles): tiles.firstOffset.rawValue..<tiles.nextOffset.rawValue
    }
  }

  /// The hash of a node; `nil` when no group of the segment completed it.
  func hash(level: Int, index: UInt64) -> [UInt8]? {
    switch self {
    case .none: return nil
    case .read(let tiles): return tiles.hash(level: level, index: index)
    case .sealed(let file, let offsets, let position):
      guard let place = SealTiles.position(level: level, index: index, offsets: offsets),
        let bytes = file.bytes.bytes(at: position + place, count: IntegrityFrame.hashByteCount)
      else { return nil }
      return bytes.copyBytes()
    }
  }
}

/// Collects the nodes of groups from frame to frame, and goes on where it stopped when more is written.
struct TileWalk: Sendable {
  private(set) var tiles: SealTiles?
  private var position = UInt64(SegmentLayout.preambleByteCount)
  /// Whether it stopped where nothing was written yet, and not at damage.
  private(set) var isAtEnd = false

  /// Walks to a frame that is not there yet, or that cannot be read.
  mutating func walk(_ reader: FrameReader, to limit: UInt64) {
    isAtEnd = true
    while position < limit {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: false)
        if frame.head.kind == .integrity {
          let group = try reader.group(at: position)
          if tiles?.append(group) != true { tiles = SealTiles(group) }
        }
        position = frame.end
      } catch {
        isAtEnd = error == .damaged(.frame, .empty)
        return
      }
    }
  }
}

extension SegmentEntry {
  /// Nodes that the segment's groups completed; `nil` when damage keeps them from being known.
  func tiles() throws(ReadError) -> SegmentTiles? {
    let file = try file()
    guard end?.reason == .sealed else { return readTiles(file) }
    guard let place = tilePlace(file) else { return nil }
    guard let place else { return SegmentTiles.none }
    return .sealed(file, offsets: place.offsets, position: place.position)
  }

  /// The group that has an offset; `nil` when it does not stand in this segment.
  func group(covering offset: UInt64, visible: UInt64) throws(ReadError) -> IntegrityFrame? {
    let file = try file()
    var position = UInt64(SegmentLayout.preambleByteCount)
    if offset > baseOffset.rawValue {
      let rows = try rows(visible: visible)
      let relative = offset - baseOffset.rawValue
      // Its group stands behind it.
      let row = LogReader.last(of: rows) { UInt64($0.relativeOffset) <= relative }
      if let row { position = row.position }
    }
    let limit = min(end?.endPosition.rawValue ?? .max, file.byteCount)
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    while position < limit {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: false)
        if frame.head.kind == .integrity {
          let group = try reader.group(at: position)
          if group.nextOffset.rawValue > offset {
            return group.firstOffset.rawValue <= offset ? group : nil
          }
        }
        if frame.head.kind == .seal { return nil }
        position = frame.end
      } catch {
        if case .damaged(.frame, .empty) = error { return nil }
        let next = FrameSearch(reader).nextIntact(after: position, to: limit)
        if next >= limit { return nil }
        position = next
      }
    }
    return nil
  }
}

extension FrameReader {
  /// The group whose frame stands at a position, if that is intact.
  fileprivate func group(at position: UInt64) throws(FormatError) -> IntegrityFrame {
    let frame = try frame(at: position, verifying: true)
    return try IntegrityFrame(frame.bytes)
  }
}

extension ReadSource {
  /// Segments in one of which the group of an offset stands: the one that has the offset, or one behind it.
  func entries(from offset: UInt64) -> ArraySlice<SegmentEntry> {
    let entries = entries
    return entries[(entries.lastIndex { $0.baseOffset.rawValue <= offset } ?? 0)...]
  }

  /// The group that has an offset; `nil` when none is known.
  func group(covering offset: UInt64) throws(ReadError) -> IntegrityFrame? {
    for entry in entries(from: offset) {
      if let group = try entry.group(covering: offset, visible: visible) { return group }
    }
    return nil
  }
}

extension IntegrityFrame {
  /// The hash of a node that the group completed; `nil` for another.
  func hash(level: Int, index: UInt64) -> [UInt8]? {
    SealTiles(self)?.hash(level: level, index: index)
  }
}
