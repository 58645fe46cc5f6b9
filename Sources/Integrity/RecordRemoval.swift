internal import ByteCoding
public import Cryptography

/// Records that are gone: which, when, why, and what is left of their part of chain and tree, so that the
/// records behind them, old checkpoints and old proofs stay as provable as they were.
///
/// Of a tree the hashes of the removed offsets stay, by blocks of 256 offsets that begin at multiples of
/// 256: one hash for a block that is removed as a whole, and one for each removed leaf of a block that is
/// not, or in which a size lies that was stated before (``StreamHeads``), so that it can be proven that
/// the tree of that size grew into those after it. Of a chain stay the leaves of the group that is removed
/// in part. A hash that nobody knows any more, because its record was damaged, is all zeros.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 32 | 8 | first offset that is gone |
/// | 40 | 8 | next offset: the first that is not |
/// | 48 | 8 | when, nanoseconds since 1970-01-01 UTC |
/// | 56 | 8 | groups of the chain that end at or before the next offset |
/// | 64 | 8 | offset behind the last of them |
/// | 72 | 32 | head of the chain with the last of them; zeros before the first group |
/// | 104 | 1 | coverage: 0 none, 1 chain, 2 tree |
/// | 105 | 1 | cause |
/// | 106 | 2 | bytes of the reason |
/// | 108 | 4 | zero |
/// | 112 | | the reason, UTF-8 |
/// | | b | for a tree: a bit for each block, the lowest first, set where leaves follow; (blocks + 7) / 8 |
/// | | 32 n | hashes, in the order of their offsets |
public struct RecordRemoval: Hashable, Sendable {
  /// Leaves of a block: of those under a node of ``EvidenceBuilder/keptLevel``.
  public static let blockLeafCount: UInt64 = 1 << UInt64(EvidenceBuilder.keptLevel)
  /// Most hashes of a statement; a longer range needs more than one.
  public static let hashCountLimit = 1 << 15

  /// Why records went.
  public enum Cause: UInt8, Hashable, Sendable, CaseIterable {
    /// Somebody said so.
    case request = 1
    /// They were older than the policy keeps them.
    case age = 2
    /// The stream had more bytes than the policy allows.
    case byteCount = 3
    /// The stream had more records than the policy allows.
    case recordCount = 4
    /// All that were to read them had.
    case acknowledged = 5
    /// Newer records had their keys.
    case compaction = 6

    /// The name that reports have.
    public var name: String {
      switch self {
      case .request: "request"
      case .age: "age"
      case .byteCount: "bytes"
      case .recordCount: "records"
      case .acknowledged: "acknowledged"
      case .compaction: "compaction"
      }
    }
  }

  /// First offset that is gone.
  public var firstOffset: UInt64
  /// First offset that is not.
  public var nextOffset: UInt64
  /// When, in nanoseconds since 1970-01-01 UTC.
  public var time: Int64
  /// Groups of the chain that end at or before ``nextOffset``.
  public var groupCount: UInt64
  /// Offset behind the last of them.
  public var groupedOffset: UInt64
  /// Head of the chain with the last of them.
  public var head: Digest
  /// What evidence the stream has; `nil` for none.
  public var coverage: EvidenceCoverage?
  /// Why.
  public var cause: Cause
  /// Why, in words: a policy, a person, a case.
  public var reason: String
  /// For a tree: whether the leaves of a block follow, and not its own hash; block by block.
  public var hasLeaves: [Bool]
  /// Hashes, in the order of their offsets.
  public var hashes: [Digest]

  /// A removal.
  public init(
    firstOffset: UInt64, nextOffset: UInt64, time: Int64, groupCount: UInt64,
    groupedOffset: UInt64, head: Digest, coverage: EvidenceCoverage?, cause: Cause, reason: String,
    hasLeaves: [Bool] = [], hashes: [Digest] = []
  ) {
    (self.firstOffset, self.nextOffset, self.time) = (firstOffset, nextOffset, time)
    (self.groupCount, self.groupedOffset, self.head) = (groupCount, groupedOffset, head)
    (self.coverage, self.cause, self.reason) = (coverage, cause, reason)
    (self.hasLeaves, self.hashes) = (hasLeaves, hashes)
  }

  /// Numbers of the blocks that a range of offsets touches.
  public static func blocks(from first: UInt64, to next: UInt64) -> Range<UInt64> {
    first < next
      ? first / blockLeafCount..<(next - 1) / blockLeafCount + 1
      : first / blockLeafCount..<first / blockLeafCount
  }

  /// The removed offsets of a block.
  public func offsets(ofBlock block: UInt64) -> Range<UInt64> {
    let start = block * Self.blockLeafCount
    return max(start, firstOffset)..<min(start + (Self.blockLeafCount - 1), nextOffset - 1) + 1
  }

  /// Hashes that there must be; `nil` when no program could hold them.
  private var hashCount: UInt64? {
    switch coverage {
    case nil: return 0
    case .chain: return nextOffset - max(firstOffset, groupedOffset)
    case .tree:
      var count: UInt64 = 0
      for (index, hasLeaves) in hasLeaves.enumerated() {
        let block = firstOffset / Self.blockLeafCount + UInt64(index)
        let offsets = offsets(ofBlock: block)
        let isWhole = UInt64(offsets.count) == Self.blockLeafCount
        // A block that is left in part has no hash of its own yet.
        guard hasLeaves || isWhole else { return nil }
        count += hasLeaves ? UInt64(offsets.count) : 1
      }
      return count
    }
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(firstOffset)
    bytes.appendLittleEndian(nextOffset)
    bytes.appendLittleEndian(time)
    bytes.appendLittleEndian(groupCount)
    bytes.appendLittleEndian(groupedOffset)
    bytes += head.bytes
    bytes += [coverage?.rawValue ?? 0, cause.rawValue]
    bytes.appendLittleEndian(UInt16(reason.utf8.count))
    bytes.appendLittleEndian(UInt32(0))
    bytes += Array(reason.utf8)
    var bits = [UInt8](repeating: 0, count: (hasLeaves.count + 7) / 8)
    for (index, bit) in hasLeaves.enumerated() where bit { bits[index / 8] |= 1 << (index % 8) }
    bytes += bits
    for hash in hashes { bytes += hash.bytes }
  }

  init(_ fields: inout StatementFields) throws(StatementError) {
    firstOffset = try fields.unsigned64()
    nextOffset = try fields.unsigned64()
    time = try fields.signed64()
    groupCount = try fields.unsigned64()
    groupedOffset = try fields.unsigned64()
    head = try fields.digest()
    let coverage = try fields.unsigned8()
    guard coverage <= 2, let cause = Cause(rawValue: try fields.unsigned8()) else { throw .newer }
    self.coverage = EvidenceCoverage(rawValue: coverage)
    self.cause = cause
    let reasonByteCount = Int(try fields.unsigned16())
    guard try fields.bytes(4).allSatisfy({ $0 == 0 }) else { throw .newer }
    guard reasonByteCount <= Statement.reasonByteCountLimit else {
      throw .contradiction("the reason is too long")
    }
    guard let reason = String(validating: try fields.bytes(reasonByteCount), as: UTF8.self) else {
      throw .contradiction("the reason is not UTF-8")
    }
    self.reason = reason
    // Offsets have 63 bits, so that nothing below is over.
    guard firstOffset < nextOffset, nextOffset <= UInt64(Int64.max),
      groupedOffset <= nextOffset, groupCount <= groupedOffset
    else { throw .contradiction("offsets are out of order") }
    (hasLeaves, hashes) = ([], [])
    if self.coverage == .tree {
      let blocks = Self.blocks(from: firstOffset, to: nextOffset)
      let blockCount = blocks.upperBound - blocks.lowerBound
      guard blockCount <= Self.hashCountLimit else { throw .contradiction("too many blocks") }
      let bits = try fields.bytes((Int(blockCount) + 7) / 8)
      hasLeaves = (0..<Int(blockCount)).map { bits[$0 / 8] >> ($0 % 8) & 1 == 1 }
      let rest = Int(blockCount) % 8
      guard rest == 0 || bits[bits.count - 1] >> rest == 0 else { throw .newer }
    }
    guard let count = hashCount, count <= Self.hashCountLimit else {
      throw .contradiction("a block that is left in part has one hash, or there are too many")
    }
    hashes.reserveCapacity(Int(count))
    for _ in 0..<count { hashes.append(try fields.digest()) }
  }
}
