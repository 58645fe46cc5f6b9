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

  /// Data of the leaves, one behind the other, and room for more; the commitments are missing still.
  private var leaves: [UInt8] = []
  /// Leaves added since the last were made.
  public private(set) var count = 0
  /// What stands in front of contents.
  private var prefixes: [UInt8] = []
  /// By record: where in `prefixes` its prefix is.
  private var prefixRanges: [Range<Int>] = []
  /// By record: where its content is.
  private var contents: [Range<Int>] = []
  /// By record: which leaf is its own. Empty while there are no gaps.
  private var places: [Int] = []
  /// The parts of the record added last, when it had no salt: most have the same.
  private var lastParts: Parts?

  /// Whether the data of the leaves are kept when they are hashed.
  public var keepsData = false
  /// Data of the leaves that were hashed last, 52 bytes each, where that is wanted.
  public private(set) var data: [UInt8] = []

  /// A hasher without records.
  public init() {}

  /// Records among them.
  public var recordCount: Int { contents.count }

  /// Adds a record.
  ///
  /// - Parameters:
  ///   - offset: Its offset.
  ///   - appendTime: Its append time, in nanoseconds since 1970-01-01 UTC.
  ///   - isTombstone: Whether its key is removed.
  ///   - parts: Which parts it has; their sizes do not exceed the content.
  ///   - content: Where key, type, headers and value stand, one behind the other.
  ///   - salt: The salt of the commitment, or `nil`.
  public mutating func addRecord(
    offset: UInt64, appendTime: Int64, isTombstone: Bool = false, parts: Parts,
    content: Range<Int>, salt: Digest? = nil
  ) {
    var flags: RecordLeaf.Flags = isTombstone ? .tombstone : []
    if salt != nil { flags.insert(.salted) }
    if !places.isEmpty || contents.count != count { notePlace() }
    appendLeaf(.record, flags, offset: offset, appendTime: appendTime)
    if salt == nil, let last = prefixRanges.last, parts == lastParts {
      prefixRanges.append(last)
    } else {
      let start = prefixes.count
      prefixes += RecordContent.prefix(
        eventTime: parts.eventTime, keyByteCount: parts.keyByteCount,
        typeByteCount: parts.typeByteCount, headersByteCount: parts.headersByteCount,
        salt: salt?.bytes)
      prefixRanges.append(start..<prefixes.count)
      lastParts = salt == nil ? parts : nil
    }
    contents.append(content)
  }

  /// Adds an offset without a record.
  ///
  /// - Parameters:
  ///   - offset: The offset.
  ///   - kind: Why there is none.
  public mutating func addEmpty(offset: UInt64, kind: RecordLeaf.Kind) {
    precondition(kind != .record)
    appendLeaf(kind, [], offset: offset, appendTime: 0)
  }

  /// Notes where the leaf of the next record will be, now that records and leaves are not the same.
  private mutating func notePlace() {
    if places.isEmpty { places = Array(0..<contents.count) }
    places.append(count)
  }

  @inline(__always)
  private mutating func appendLeaf(
    _ kind: RecordLeaf.Kind, _ flags: RecordLeaf.Flags, offset: UInt64, appendTime: Int64
  ) {
    let position = count * RecordLeaf.byteCount
    if leaves.count < position + RecordLeaf.byteCount {
      leaves += [UInt8](repeating: 0, count: max(leaves.count, 64 * RecordLeaf.byteCount))
    }
    let leaf = RecordLeaf(kind: kind, flags: flags, offset: offset, appendTime: appendTime)
    // Safety: there is room for a leaf behind its position, as was seen to above.
    unsafe leaves.withUnsafeMutableBytes { unsafe leaf.store(in: $0, at: position) }
    count += 1
  }

  /// Makes the leaves of all that was added, and forgets them.
  ///
  /// - Parameters:
  ///   - bytes: The memory that the contents are ranges of.
  ///   - kernel: How to hash; must be supported.
  /// - Returns: The hashes of the leaves, in the order in which they were added.
  public mutating func finish(in bytes: RawSpan, kernel: SHA256.Kernel = .best) -> [Digest] {
    let commitments = SHA256.digests(
      of: contents, in: bytes, prefixes: prefixRanges, of: prefixes.rawSpan, kernel: kernel)
    // Safety: see below.
    unsafe leaves.withUnsafeMutableBytes { leaves in
      for (record, commitment) in commitments.enumerated() {
        let leaf = places.isEmpty ? record : places[record]
        // Safety: there is a leaf for each record, with 32 bytes from here on.
        unsafe leaves.storeBytes(
          of: commitment, toByteOffset: leaf * RecordLeaf.byteCount + RecordLeaf.commitmentPosition,
          as: Digest.self)
      }
    }
    let hashes = MerkleTree.leafHashes(
      of: leaves.rawSpan.extracting(0..<(count * RecordLeaf.byteCount)),
      byteCount: RecordLeaf.byteCount, kernel: kernel)
    data = keepsData ? Array(leaves[..<(count * RecordLeaf.byteCount)]) : []
    count = 0
    prefixes.removeAll(keepingCapacity: true)
    prefixRanges.removeAll(keepingCapacity: true)
    contents.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
    lastParts = nil
    return hashes
  }
}
