internal import ByteCoding
public import Cryptography
public import Integrity
public import LogFormat
internal import Quantities

/// Records of the log on their way into the tree: some thousand at a time are made into leaves together.
public struct LeafPiece: Sendable {
  /// Memory that is kept for the next records.
  private static let keptByteCount = 4 << 20

  private var hasher = LeafHasher()
  /// Their contents, copied so that they are hashed side by side.
  private var memory: [UInt8] = []
  /// Offset of the next leaf.
  public var nextOffset: UInt64 = 0
  private var firstAppendTime: Int64 = 0
  private var lastAppendTime: Int64 = 0

  /// A piece without records.
  ///
  /// - Parameter keepsData: Whether the leaves themselves are wanted, besides their hashes.
  public init(keepsData: Bool = false) { hasher.keepsData = keepsData }

  /// The leaves that were hashed last, where they are wanted: 52 bytes each.
  public var data: [UInt8] { hasher.data }

  /// Offsets that were added since the last were made into leaves.
  public var count: Int { hasher.count }

  /// Bytes of their contents.
  public var byteCount: Int { memory.count }

  /// Adds leaves without a record up to an offset.
  public mutating func addEmpty(upTo offset: UInt64, _ kind: RecordLeaf.Kind) {
    while nextOffset < offset {
      hasher.addEmpty(offset: nextOffset, kind: kind)
      nextOffset += 1
    }
  }

  /// Adds the record at ``nextOffset``.
  public mutating func add(_ view: borrowing RecordView) {
    let time = view.appendTime.rawValue
    if hasher.recordCount == 0 { firstAppendTime = time }
    lastAppendTime = time
    let content = view.content
    let start = memory.count
    // Safety: the bytes are copied while the view lives.
    unsafe content.withUnsafeBytes { unsafe memory.append(contentsOf: $0) }
    defer { nextOffset += 1 }
    if view.isValueAlone {
      return hasher.addValue(offset: nextOffset, appendTime: time, content: start..<memory.count)
    }
    let parts = LeafHasher.Parts(
      eventTime: view.eventTime?.rawValue, keyByteCount: view.key?.byteCount,
      typeByteCount: view.type?.byteCount, headersByteCount: view.headers.byteCount)
    hasher.addRecord(
      offset: nextOffset, appendTime: time, isTombstone: view.isTombstone, parts: parts,
      content: start..<memory.count)
  }

  /// Makes the leaves of all that was added, and forgets it.
  ///
  /// - Returns: The hashes, how many are of records, and the append times of the first and last of those.
  public mutating func finish() -> (
    leaves: [Digest], recordCount: Int, appendTimes: (first: Int64, last: Int64)
  ) {
    let recordCount = hasher.recordCount
    // Out of the way of the hasher, which is changed while it reads.
    var memory: [UInt8] = []
    swap(&memory, &self.memory)
    let leaves = hasher.finish(in: memory.rawSpan)
    memory.removeAll(keepingCapacity: memory.count <= Self.keptByteCount)
    swap(&memory, &self.memory)
    return (leaves, recordCount, (firstAppendTime, lastAppendTime))
  }
}
