public import ByteCoding
public import Quantities

/// How hard a stream tries to keep what it acknowledged.
public enum DurabilityClass: UInt8, Sendable, CaseIterable {
  /// Survives the death of the process.
  case memory = 0
  /// Survives power loss but for a stated bound.
  case async = 1
  /// Acknowledged means survives power loss.
  case disk = 2
}

/// The first page of a segment file, and its copy in the fourth; never rewritten once in use.
public struct SegmentHeader: Hashable, Sendable {
  /// Version of the format the segment is written in.
  public var version: FormatVersion
  /// The store it belongs to.
  public var storeID: UniqueIdentifier
  /// The stream it belongs to; 0 is the manifest.
  public var streamID: UInt64
  /// Unique for the life of the store.
  public var segmentID: UInt64
  /// Offset of its first record.
  public var baseOffset: Offset
  /// Append clock when it was activated; no record in it is older.
  public var baseAppendTime: Timestamp
  /// Wall clock when it was activated.
  public var createdTime: Timestamp
  /// XXH3-64 of the machine's boot id when it was activated; 0 where unknown.
  public var bootHash: UInt64
  /// Size of the file in bytes.
  public var capacity: UInt64
  /// Random; seeds every checksum of the segment.
  public var salt: UInt64
  /// The segment before it in the stream; 0 for the first.
  public var previousSegmentID: UInt64
  /// Feature bits.
  public var features: FeatureBits
  /// Default codec: 0 none.
  public var defaultCodec: UInt8
  /// Durability class of the stream.
  public var durability: DurabilityClass

  /// Size of a header, a page.
  public static let byteCount = 4_096
  /// The first eight bytes.
  public static let magic: UInt64 = 0x0a47_4553_4c52_5089  // 89 "PRLSEG" 0a
  /// Where the checksum stands, 8 bytes: behind all that it is of.
  public static let checksumPosition = 4_088
  /// Where the salt stands, 8 bytes, which enters the checksum twice.
  public static let saltPosition = 88

  /// Makes a header of the current version.
  public init(
    storeID: UniqueIdentifier, streamID: UInt64, segmentID: UInt64, baseOffset: Offset,
    baseAppendTime: Timestamp, createdTime: Timestamp, bootHash: UInt64, capacity: UInt64,
    salt: UInt64, previousSegmentID: UInt64, durability: DurabilityClass
  ) {
    version = .current
    self.storeID = storeID
    self.streamID = streamID
    self.segmentID = segmentID
    self.baseOffset = baseOffset
    self.baseAppendTime = baseAppendTime
    self.createdTime = createdTime
    self.bootHash = bootHash
    self.capacity = capacity
    self.salt = salt
    self.previousSegmentID = previousSegmentID
    features = FeatureBits()
    defaultCodec = 0
    self.durability = durability
  }

  /// The 4,096 bytes to be written at `position` (0 or 12,288; it enters the checksum).
  public func encoded(at position: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    bytes.appendLittleEndian(Self.magic)
    bytes.appendLittleEndian(version.major)
    bytes.appendLittleEndian(version.minor)
    bytes.appendLittleEndian(UInt32(Self.byteCount))
    bytes.append(storeID)
    for value in [streamID, segmentID, baseOffset.rawValue] { bytes.appendLittleEndian(value) }
    bytes.appendLittleEndian(baseAppendTime.rawValue)
    bytes.appendLittleEndian(createdTime.rawValue)
    for value in [bootHash, capacity, salt, previousSegmentID] { bytes.appendLittleEndian(value) }
    bytes.appendLittleEndian(features.compatible)
    bytes.appendLittleEndian(features.readOnlyCompatible)
    bytes.appendLittleEndian(features.incompatible)
    bytes += [1, 1, defaultCodec, durability.rawValue]  // hash SHA-256, checksum XXH3-64
    // Tree size, root, chain head and encryption key id (120 to 208) stay zero until evidence is on.
    bytes += Array(repeating: 0, count: Self.checksumPosition - bytes.count)
    bytes.appendLittleEndian(
      PlacedChecksum.value(bytes.rawSpan, salt: salt, position: position))
    return bytes
  }

  /// Reads a header that stands at `position` of its file.
  ///
  /// - Throws: `.truncated`, `.damaged(.segmentHeader, .empty)` when all bytes are zero, `.magic` for
  ///   foreign bytes, `.checksum`; `.newer` for a version or incompatible feature not known.
  public init(_ bytes: RawSpan, at position: UInt64) throws(FormatError) {
    guard let page = bytes.bytes(at: 0, count: Self.byteCount) else {
      throw .truncated(
        .segmentHeader, needed: UInt64(Self.byteCount), available: UInt64(bytes.byteCount))
    }
    var reader = FieldReader(page, .segmentHeader)
    guard try reader.unsigned64() == Self.magic else {
      throw .damaged(.segmentHeader, page.isAllZero ? .empty : .magic)
    }
    version = FormatVersion(major: try reader.unsigned16(), minor: try reader.unsigned16())
    let byteCount = try reader.unsigned32()
    storeID = try reader.identifier()
    streamID = try reader.unsigned64()
    segmentID = try reader.unsigned64()
    baseOffset = Offset(rawValue: try reader.unsigned64())
    baseAppendTime = Timestamp(rawValue: try reader.signed64())
    createdTime = Timestamp(rawValue: try reader.signed64())
    bootHash = try reader.unsigned64()
    capacity = try reader.unsigned64()
    salt = try reader.unsigned64()
    previousSegmentID = try reader.unsigned64()
    features = FeatureBits(
      compatible: try reader.unsigned32(), readOnlyCompatible: try reader.unsigned32(),
      incompatible: try reader.unsigned32())
    let hash = try reader.unsigned8()
    let checksum = try reader.unsigned8()
    defaultCodec = try reader.unsigned8()
    let rawClass = try reader.unsigned8()
    let body = page.extracting(0..<Self.checksumPosition)
    guard
      page.littleEndianUnsigned64(at: Self.checksumPosition)
        == PlacedChecksum.value(body, salt: salt, position: position)
    else { throw .damaged(.segmentHeader, .checksum) }
    guard version.major == FormatVersion.current.major, byteCount == Self.byteCount else {
      throw .newer(.segmentHeader, .version)
    }
    guard features.allowsReading else { throw .newer(.segmentHeader, .feature) }
    guard let durability = DurabilityClass(rawValue: rawClass), hash == 1, checksum == 1,
      defaultCodec == 0
    else { throw .newer(.segmentHeader, .feature) }
    self.durability = durability
    guard baseOffset <= .maximum else { throw .damaged(.segmentHeader, .offset) }
  }
}

/// The checksum of the fixed structures: like ``FrameChecksum``, over everything before it.
public enum PlacedChecksum {
  /// XXH3-64 of the bytes, XOR XXH3-64 of (salt XOR position, byte count).
  public static func value(_ bytes: RawSpan, salt: UInt64, position: UInt64) -> UInt64 {
    FrameChecksum.content(bytes)
      ^ FrameChecksum.place(salt: salt, position: position, word: UInt64(bytes.byteCount))
  }
}
