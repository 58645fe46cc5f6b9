internal import ByteCoding
public import Cryptography

/// What a link of a stream's chain says of a group of records: 112 bytes, little-endian.
///
/// The chain runs over roots of trees, never over stored bytes, so neither compression nor compaction breaks
/// a link.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 16 | store |
/// | 16 | 8 | stream |
/// | 24 | 8 | number of the group, from 1 |
/// | 32 | 8 | first offset |
/// | 40 | 8 | next offset |
/// | 48 | 8 | append time of the first record, nanoseconds |
/// | 56 | 8 | append time of the last record, nanoseconds |
/// | 64 | 8 | records, without gaps |
/// | 72 | 8 | leaves of the tree whose root follows |
/// | 80 | 32 | root |
public struct GroupHeader: Hashable, Sendable {
  /// Bytes of a header.
  public static let byteCount = 112

  /// The store's identity, 16 bytes.
  public var storeID: [UInt8]
  /// The stream's number in its store.
  public var streamID: UInt64
  /// Number of the group in its stream, from 1.
  public var sequence: UInt64
  /// Offset of the first record.
  public var firstOffset: UInt64
  /// Offset behind the last record.
  public var nextOffset: UInt64
  /// Append time of the first record, in nanoseconds since 1970-01-01 UTC; 0 when there is none.
  public var firstAppendTime: Int64
  /// Append time of the last record, in nanoseconds since 1970-01-01 UTC; 0 when there is none.
  public var lastAppendTime: Int64
  /// Records in the group; gaps do not count.
  public var recordCount: UInt64
  /// Leaves of the tree: all up to ``nextOffset``, or those of the group alone where the stream has no
  /// tree.
  public var treeSize: UInt64
  /// The root of that tree.
  public var root: Digest

  /// A header.
  public init(
    storeID: [UInt8], streamID: UInt64, sequence: UInt64, firstOffset: UInt64, nextOffset: UInt64,
    firstAppendTime: Int64, lastAppendTime: Int64, recordCount: UInt64, treeSize: UInt64,
    root: Digest
  ) {
    precondition(storeID.count == 16)
    (self.storeID, self.streamID, self.sequence) = (storeID, streamID, sequence)
    (self.firstOffset, self.nextOffset) = (firstOffset, nextOffset)
    (self.firstAppendTime, self.lastAppendTime) = (firstAppendTime, lastAppendTime)
    (self.recordCount, self.treeSize, self.root) = (recordCount, treeSize, root)
  }

  /// The header's bytes.
  public var encoded: [UInt8] {
    var bytes = storeID
    for word in [streamID, sequence, firstOffset, nextOffset] { bytes.appendLittleEndian(word) }
    bytes.appendLittleEndian(firstAppendTime)
    bytes.appendLittleEndian(lastAppendTime)
    bytes.appendLittleEndian(recordCount)
    bytes.appendLittleEndian(treeSize)
    return bytes + root.bytes
  }
}

/// The chain over the groups of a stream: each link is the digest of the one before it and of the header of
/// its group. A link vouches for everything before it.
public struct HashChain: Hashable, Sendable {
  private static let context = Array("piperoll group chain v1\n".utf8)

  /// Links so far.
  public private(set) var count: UInt64
  /// The last link; zeros before the first.
  public private(set) var head: Digest

  /// A chain without links.
  public init() { (count, head) = (0, Digest()) }

  /// A chain that was kept.
  public init(count: UInt64, head: Digest) { (self.count, self.head) = (count, head) }

  /// The link of a group behind another.
  public static func link(_ header: GroupHeader, after previous: Digest) -> Digest {
    SHA256.digest(context + previous.bytes + header.encoded)
  }

  /// Adds the link of a group.
  ///
  /// - Precondition: The group's number is the next.
  public mutating func append(_ header: GroupHeader) {
    precondition(header.sequence == count + 1)
    head = Self.link(header, after: head)
    count += 1
  }
}
