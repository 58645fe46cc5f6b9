internal import ByteCoding
public import Cryptography

/// Makes the leaves of many records that stand in one piece of memory, hashing them side by side: first all
/// contents, then all leaves. Gives what ``RecordLeaf`` and ``RecordContent`` say, without an object for
/// each record.
///
/// Records are added with ranges of that memory, and hashed together by ``finish(in:kernel:)``; some hundred
/// at a time are enough.
public struct LeafHasher: Sendable {
  /// Which parts a record has, besides its value.
  public struct Parts: Hashable, Sendable {
    /// When the fact happened, in nanoseconds since 1970-01-01 UTC; `nil` for none.
    public var eventTime: Int64?
    /// Bytes of the key; `nil` for none.
    public var keyByteCount: Int?
    /// Bytes of the type; `nil` for none.
    public var typeByteCount: Int?
    /// Bytes of the block of headers.
    public var headersByteCount: Int

    /// Parts of a record; by default it has a value alone.
    public init(
      eventTime: Int64? = nil, keyByteCount: Int? = nil, typeByteCount: Int? = nil,
      headersByteCount: Int = 0
    ) {
      (self.eventTime, self.headersByteCount) = (eventTime, headersByteCount)
      (self.keyByteCount, self.typeByteCount) = (keyByteCount, typeByteCount)
    }
  }

  /// A leaf without its commitment.
  private struct Row {
    var offset: UInt64
    var appendTime: Int64
    var kind: RecordLeaf.Kind
    var flags: RecordLeaf.Flags
  }

  /// The prefix of a record that has a value alone: most have.
  private static let valuePrefix = prefix(Parts())

  /// Where that prefix is among all.
  private let valuePrefixRange = 0..<Self.valuePrefix.count
  private var rows: [Row] = []
  /// By record: its prefix and its content.
  private var messages: [SHA256.Message] = []
  /// What stands in front of contents.
  private var prefixes = Self.valuePrefix
  /// The parts of the record added last, and where its prefix is: most have the same.
  private var lastParts = Parts()
  private var lastPrefix = 0..<Self.valuePrefix.count

  /// Whether the data of the leaves are kept when they are hashed.
  public var keepsData = false
  /// Data of the leaves that were hashed last, 52 bytes each, where that is wanted.
  public private(set) var data: [UInt8] = []

  /// A hasher without records.
  public init() {}

  /// Leaves added since the last were made.
  public var count: Int { rows.count }

  /// Records among them.
  public var recordCount: Int { messages.count }

  /// Adds a record that has a value alone.
  ///
  /// - Parameters:
  ///   - offset: Its offset.
  ///   - appendTime: Its append time, in nanoseconds since 1970-01-01 UTC.
  ///   - content: Where the value stands.
  @inline(__always)
  public mutating func addValue(offset: UInt64, appendTime: Int64, content: Range<Int>) {
    add(
      Row(offset: offset, appendTime: appendTime, kind: .record, flags: []),
      SHA256.Message(prefix: valuePrefixRange, content: content))
  }

  /// Adds a record.
  ///
  /// - Parameters:
  ///   - offset: Its offset.
  ///   - appendTime: Its append time, in nanoseconds since 1970-01-01 UTC.
  ///   - isTombstone: Whether its key is removed.
  ///   - parts: Which parts it has; their sizes do not exceed the content.
  ///   - content: Where key, type, headers and value stand, one behind the other.
  public mutating func addRecord(
    offset: UInt64, appendTime: Int64, isTombstone: Bool = false, parts: Parts,
    content: Range<Int>
  ) {
    if parts != lastParts {
      let start = prefixes.count
      prefixes += Self.prefix(parts)
      (lastParts, lastPrefix) = (parts, start..<prefixes.count)
    }
    add(
      Row(
        offset: offset, appendTime: appendTime, kind: .record,
        flags: isTombstone ? .tombstone : []),
      SHA256.Message(prefix: lastPrefix, content: content))
  }

  @inline(__always)
  private mutating func add(_ row: Row, _ message: SHA256.Message) {
    rows.append(row)
    messages.append(message)
  }

  /// Adds an offset without a record.
  ///
  /// - Parameters:
  ///   - offset: The offset.
  ///   - kind: Why there is none.
  public mutating func addEmpty(offset: UInt64, kind: RecordLeaf.Kind) {
    precondition(kind != .record)
    rows.append(Row(offset: offset, appendTime: 0, kind: kind, flags: []))
  }

  private static func prefix(_ parts: Parts) -> [UInt8] {
    RecordContent.prefix(
      eventTime: parts.eventTime, keyByteCount: parts.keyByteCount,
      typeByteCount: parts.typeByteCount, headersByteCount: parts.headersByteCount)
  }

  /// Makes the leaves of all that was added, and forgets them.
  ///
  /// - Parameters:
  ///   - bytes: The memory that the contents are ranges of.
  ///   - kernel: How to hash; must be supported.
  /// - Returns: The hashes of the leaves, in the order in which they were added.
  public mutating func finish(in bytes: RawSpan, kernel: SHA256.Kernel = .best) -> [Digest] {
    let commitments = SHA256.digests(
      of: messages, in: bytes, prefixes: prefixes.rawSpan, kernel: kernel)
    let leaves = leaves(commitments)
    let hashes = MerkleTree.leafHashes(
      of: leaves.rawSpan, byteCount: RecordLeaf.byteCount, kernel: kernel)
    data = keepsData ? leaves : []
    rows.removeAll(keepingCapacity: true)
    messages.removeAll(keepingCapacity: true)
    if prefixes.count > valuePrefixRange.count {
      prefixes = Self.valuePrefix
      (lastParts, lastPrefix) = (Parts(), valuePrefixRange)
    }
    return hashes
  }

  /// The data of all leaves, one behind the other.
  private func leaves(_ commitments: [Digest]) -> [UInt8] {
    let byteCount = rows.count * RecordLeaf.byteCount
    if byteCount == 0 { return [] }
    return unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
      let bytes = UnsafeMutableRawBufferPointer(buffer)
      // Records are as many as commitments, and come in the same order.
      var record = 0
      for (place, row) in rows.enumerated() {
        var leaf = RecordLeaf(
          kind: row.kind, flags: row.flags, offset: row.offset, appendTime: row.appendTime)
        if row.kind == .record {
          leaf.commitment = commitments[record]
          record += 1
        }
        // Safety: there is room for a leaf a row.
        unsafe leaf.store(in: bytes, at: place * RecordLeaf.byteCount)
      }
      count = byteCount
    }
  }
}
