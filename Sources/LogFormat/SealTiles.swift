internal import ByteCoding
public import Quantities

/// The nodes of a stream's tree that the groups of a segment completed, together: of level 8 and above, so
/// that a proof finds each of them by its number alone.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | first offset of the first group |
/// | 8 | 8 | next offset of the last group |
/// | 16 | 32 n | nodes, from level 8 up, each level left to right |
public struct SealTiles: Hashable, Sendable {
  /// First offset of the first group.
  public private(set) var firstOffset: Offset
  /// Offset behind the last group.
  public private(set) var nextOffset: Offset
  /// Nodes of each level from ``IntegrityFrame/keptLevel`` up, 32 bytes each.
  private var levels: [[UInt8]]

  /// Bytes before the nodes.
  public static let headByteCount = 16

  /// Begins with a group; `nil` when it belongs to no tree.
  public init?(_ group: IntegrityFrame) {
    guard group.evidence == .tree else { return nil }
    (firstOffset, nextOffset, levels) = (group.firstOffset, group.firstOffset, [])
    append(group)
  }

  /// Adds the nodes of a group, if it goes on from the one before; answers whether it does.
  @discardableResult
  public mutating func append(_ group: IntegrityFrame) -> Bool {
    guard group.evidence == .tree, group.firstOffset == nextOffset else { return false }
    var taken = 0
    var level = IntegrityFrame.keptLevel
    while taken < group.nodes.count, level < 64 {
      let count = Int(
        clamping: (group.nextOffset.rawValue >> UInt64(level))
          - (group.firstOffset.rawValue >> UInt64(level)))
      let end = min(group.nodes.count, taken + count * IntegrityFrame.hashByteCount)
      let index = level - IntegrityFrame.keptLevel
      if index == levels.count { levels.append([]) }
      levels[index] += group.nodes[taken..<end]
      taken = end
      level += 1
    }
    nextOffset = group.nextOffset
    return true
  }

  /// Bytes of the tiles in a seal block.
  public var byteCount: Int { Self.headByteCount + levels.reduce(0) { $0 + $1.count } }

  /// Where the hash of a node stands, counted from the first byte of the tiles; `nil` when no group of the
  /// segment completed it.
  ///
  /// - Parameters:
  ///   - level: Height above the leaves.
  ///   - index: Number of the node in its level.
  ///   - offsets: First and next offset of the groups.
  public static func position(level: Int, index: UInt64, offsets: Range<UInt64>) -> Int? {
    guard level >= IntegrityFrame.keptLevel, level < 64 else { return nil }
    let first = offsets.lowerBound >> UInt64(level)
    guard index >= first, index < offsets.upperBound >> UInt64(level) else { return nil }
    var before: UInt64 = 0
    for lower in IntegrityFrame.keptLevel..<level {
      before += (offsets.upperBound >> UInt64(lower)) - (offsets.lowerBound >> UInt64(lower))
    }
    let (place, isOver) = (before + index - first).multipliedReportingOverflow(
      by: UInt64(IntegrityFrame.hashByteCount))
    return isOver ? nil : Int(exactly: place).map { $0 + headByteCount }
  }

  /// The hash of a node; `nil` when no group of the segment completed it.
  public func hash(level: Int, index: UInt64) -> [UInt8]? {
    let row = level - IntegrityFrame.keptLevel
    guard level < 64, levels.indices.contains(row) else { return nil }
    let first = firstOffset.rawValue >> UInt64(level)
    guard index >= first, let place = Int(exactly: index - first),
      place < levels[row].count / IntegrityFrame.hashByteCount
    else { return nil }
    let start = place * IntegrityFrame.hashByteCount
    return Array(levels[row][start..<(start + IntegrityFrame.hashByteCount)])
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(firstOffset.rawValue)
    bytes.appendLittleEndian(nextOffset.rawValue)
    for level in levels { bytes += level }
  }

  init(_ reader: inout FieldReader, byteCount: Int) throws(FormatError) {
    firstOffset = Offset(rawValue: try reader.unsigned64())
    nextOffset = Offset(rawValue: try reader.unsigned64())
    guard firstOffset < nextOffset, nextOffset <= .maximum else {
      throw .damaged(.sealBlock, .offset)
    }
    let count = IntegrityFrame.nodeCount(
      firstOffset: firstOffset.rawValue, nextOffset: nextOffset.rawValue)
    let hashByteCount = UInt64(IntegrityFrame.hashByteCount)
    guard count <= UInt64(byteCount) / hashByteCount,
      Self.headByteCount + Int(count * hashByteCount) == byteCount
    else { throw .damaged(.sealBlock, .count) }
    levels = []
    for level in IntegrityFrame.keptLevel..<64 {
      let nodes =
        (nextOffset.rawValue >> UInt64(level)) - (firstOffset.rawValue >> UInt64(level))
      if nodes == 0 { break }
      levels.append(try reader.bytes(count: Int(nodes * hashByteCount)))
    }
  }
}
