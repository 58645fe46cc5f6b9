public import ByteCoding
public import Quantities

/// How much evidence a stream has, as it stands on disk.
public enum EvidenceClass: UInt8, Sendable, CaseIterable {
  /// None.
  case none = 0
  /// A chain over groups of records.
  case chain = 1
  /// The chain, and one tree over all records.
  case tree = 2
}

/// A group of records as chain and tree see it: what binds it to everything before, and enough to go on.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 16 | frame head |
/// | 16 | 8 | number of the group in its stream, from 1 |
/// | 24 | 8 | first offset |
/// | 32 | 8 | next offset |
/// | 40 | 8 | append time of the first record |
/// | 48 | 8 | append time of the last record |
/// | 56 | 8 | records, without gaps |
/// | 64 | 8 | leaves of the tree whose root follows |
/// | 72 | 32 | root |
/// | 104 | 32 | head of the chain before the group; zeros for the first |
/// | 136 | 32 | head of the chain with the group |
/// | 168 | 1 | evidence: 1 chain, 2 tree |
/// | 169 | 3 | zero |
/// | 172 | 4 | count of nodes |
/// | 176 | 16 | store, as it was when the group was made |
/// | 192 | 32 f | frontier of the tree, the largest subtree first: one hash for each bit set in the leaves |
/// | | 32 n | nodes of level 8 and above that the group completed, from the lowest level up |
///
/// A chain has neither frontier nor nodes, and its leaves are those of the group.
public struct IntegrityFrame: Hashable, Sendable {
  /// Number of the group in its stream, from 1.
  public var sequence: UInt64
  /// Offset of the first record.
  public var firstOffset: Offset
  /// Offset behind the last record.
  public var nextOffset: Offset
  /// Append time of the first record.
  public var firstAppendTime: Timestamp
  /// Append time of the last record.
  public var lastAppendTime: Timestamp
  /// Records; gaps do not count.
  public var recordCount: UInt64
  /// Leaves of the tree.
  public var treeSize: UInt64
  /// Root of the tree, 32 bytes.
  public var root: [UInt8]
  /// Head of the chain before the group, 32 bytes.
  public var previousHead: [UInt8]
  /// Head of the chain with the group, 32 bytes.
  public var head: [UInt8]
  /// Which evidence it is.
  public var evidence: EvidenceClass
  /// The store's identity when the group was made: a copy that was adopted has a new one.
  public var storeID: UniqueIdentifier
  /// Hashes of the frontier, 32 bytes each.
  public var frontier: [UInt8]
  /// Hashes of nodes, 32 bytes each.
  public var nodes: [UInt8]

  /// Bytes before the hashes of frontier and nodes.
  public static let headByteCount = 192
  /// Bytes of a hash.
  public static let hashByteCount = 32
  /// The lowest level whose nodes are kept.
  public static let keptLevel = 8

  /// Makes a frame.
  public init(
    sequence: UInt64, firstOffset: Offset, nextOffset: Offset, firstAppendTime: Timestamp,
    lastAppendTime: Timestamp, recordCount: UInt64, treeSize: UInt64, root: [UInt8],
    previousHead: [UInt8], head: [UInt8], evidence: EvidenceClass,
    storeID: UniqueIdentifier, frontier: [UInt8], nodes: [UInt8]
  ) {
    (self.sequence, self.firstOffset, self.nextOffset) = (sequence, firstOffset, nextOffset)
    (self.firstAppendTime, self.lastAppendTime) = (firstAppendTime, lastAppendTime)
    (self.recordCount, self.treeSize) = (recordCount, treeSize)
    (self.root, self.previousHead, self.head) = (root, previousHead, head)
    (self.evidence, self.storeID) = (evidence, storeID)
    (self.frontier, self.nodes) = (frontier, nodes)
  }

  /// Size of the frame without its alignment.
  public var byteCount: Int { Self.headByteCount + frontier.count + nodes.count }

  /// The largest frame of a group with so many offsets.
  public static func largestByteCount(offsetCount: UInt64) -> Int {
    // Level 8 has a node for 256 leaves; those above are fewer than that together, and one more a level.
    headByteCount + hashByteCount * (64 + 2 * Int(clamping: offsetCount >> 8) + 64)
  }

  /// How many nodes a group of a tree completes.
  public static func nodeCount(firstOffset: UInt64, nextOffset: UInt64) -> UInt64 {
    (keptLevel..<64).reduce(0) { $0 &+ (nextOffset >> UInt64($1)) &- (firstOffset >> UInt64($1)) }
  }

  /// The bytes of the frame at `position`.
  public func encoded(salt: UInt64, at position: UInt64) -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(byteCount)
    for word in [sequence, firstOffset.rawValue, nextOffset.rawValue] {
      body.appendLittleEndian(word)
    }
    body.appendLittleEndian(firstAppendTime.rawValue)
    body.appendLittleEndian(lastAppendTime.rawValue)
    body.appendLittleEndian(recordCount)
    body.appendLittleEndian(treeSize)
    body += root + previousHead + head
    body += [evidence.rawValue, 0, 0, 0]
    body.appendLittleEndian(UInt32(nodes.count / Self.hashByteCount))
    body += storeID.bytes
    body += frontier
    body += nodes
    return Frame.encoded(.integrity, body: body, salt: salt, position: position)
  }

  /// Reads a frame whose checksum holds.
  public init(_ frame: RawSpan) throws(FormatError) {
    var reader = FieldReader(frame, .integrityFrame)
    _ = try reader.bytes(count: FrameHead.byteCount)
    sequence = try reader.unsigned64()
    firstOffset = Offset(rawValue: try reader.unsigned64())
    nextOffset = Offset(rawValue: try reader.unsigned64())
    firstAppendTime = Timestamp(rawValue: try reader.signed64())
    lastAppendTime = Timestamp(rawValue: try reader.signed64())
    recordCount = try reader.unsigned64()
    treeSize = try reader.unsigned64()
    root = try reader.bytes(count: Self.hashByteCount)
    previousHead = try reader.bytes(count: Self.hashByteCount)
    head = try reader.bytes(count: Self.hashByteCount)
    let evidence = EvidenceClass(rawValue: try reader.unsigned8())
    try reader.reserved(3)
    let nodeCount = UInt64(try reader.unsigned32())
    storeID = try reader.identifier()
    guard sequence >= 1, sequence < SegmentLayout.counterLimit else {
      throw .damaged(.integrityFrame, .count)
    }
    guard firstOffset < nextOffset, nextOffset <= .maximum else {
      throw .damaged(.integrityFrame, .offset)
    }
    guard let evidence else { throw .newer(.integrityFrame, .kind) }
    self.evidence = evidence
    let offsetCount = nextOffset.rawValue - firstOffset.rawValue
    let isTree = evidence == .tree
    guard evidence != .none, recordCount <= offsetCount,
      treeSize == (isTree ? nextOffset.rawValue : offsetCount),
      nodeCount
        == (isTree
          ? Self.nodeCount(firstOffset: firstOffset.rawValue, nextOffset: nextOffset.rawValue) : 0)
    else { throw .damaged(.integrityFrame, .count) }
    let frontierByteCount = isTree ? treeSize.nonzeroBitCount * Self.hashByteCount : 0
    guard
      reader.remainingByteCount == frontierByteCount + Int(nodeCount) * Self.hashByteCount
    else { throw .damaged(.integrityFrame, .length) }
    frontier = try reader.bytes(count: frontierByteCount)
    nodes = try reader.bytes(count: reader.remainingByteCount)
  }
}
