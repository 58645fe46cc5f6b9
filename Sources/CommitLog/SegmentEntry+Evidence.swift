internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Tiles of a sealed segment, where they stand in its file.
struct MappedTiles: Sendable {
  let file: SegmentFile
  /// First and next offset of their groups.
  let offsets: Range<UInt64>
  /// Position of the first byte in the file.
  let position: Int

  /// The hash of a node; `nil` when no group of the segment completed it.
  func hash(level: Int, index: UInt64) -> [UInt8]? {
    guard let place = SealTiles.position(level: level, index: index, offsets: offsets),
      let bytes = file.bytes.bytes(at: position + place, count: IntegrityFrame.hashByteCount)
    else { return nil }
    return (0..<IntegrityFrame.hashByteCount).map { bytes.unsigned8(at: $0) ?? 0 }
  }
}

extension SegmentEntry {
  /// The tiles of the seal block; `nil` for a segment that has none.
  func tiles() throws(ReadError) -> MappedTiles? {
    let file = try file()
    guard let place = tilePlace(file) else { return nil }
    return MappedTiles(file: file, offsets: place.offsets, position: place.position)
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
          let whole = try reader.frame(at: position, verifying: true)
          let group = try IntegrityFrame(whole.bytes)
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
