public import ByteCoding
public import Quantities

/// The root of a store, kept twice in the file `SUPER` (at 0 and 4,096) and never written in place:
/// the older copy is replaced, synced, and counts from then on.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | magic |
/// | 8 | 4 | version: major u16, minor u16 |
/// | 12 | 4 | byte count (512) |
/// | 16 | 16 | store id |
/// | 32 | 8 | generation, from 1 |
/// | 40 | 8 | writer epoch |
/// | 48 | 8 | manifest segment id |
/// | 56 | 8 | manifest segment salt |
/// | 64 | 12 | features: compat, ro-compat, incompat |
/// | 76 | 4 | zero |
/// | 80 | 8 | created, wall clock |
/// | 88 | 16 | device and inode of the store's directory |
/// | 104 | 40 | tree size and root of the manifest (reserved) |
/// | 504 | 8 | checksum |
public struct SuperBlock: Hashable, Sendable {
  /// Version of the format.
  public var version: FormatVersion
  /// The store.
  public var storeID: UniqueIdentifier
  /// Counts the superblocks written, from 1.
  public var generation: UInt64
  /// Raised by every opening for writing.
  public var epoch: UInt64
  /// The manifest segment that begins with a full snapshot.
  public var manifestSegmentID: UInt64
  /// Its salt.
  public var manifestSalt: UInt64
  /// Feature bits of the store.
  public var features: FeatureBits
  /// When the store was made.
  public var createdTime: Timestamp
  /// Device and inode of the store's directory: a copy differs.
  public var device: UInt64
  /// See `device`.
  public var inode: UInt64

  /// Size of a superblock, one sector.
  public static let byteCount = 512
  /// Where the two copies stand.
  public static let positions: [UInt64] = [0, 4_096]
  /// Size of the file.
  public static let fileByteCount = 8_192
  /// The first eight bytes.
  public static let magic: UInt64 = 0x0a50_5553_4c52_5089  // 89 "PRLSUP" 0a
  static let checksumPosition = 504

  /// Makes a superblock of the current version.
  public init(
    storeID: UniqueIdentifier, generation: UInt64, epoch: UInt64, manifestSegmentID: UInt64,
    manifestSalt: UInt64, createdTime: Timestamp, device: UInt64, inode: UInt64
  ) {
    version = .current
    features = FeatureBits()
    self.storeID = storeID
    self.generation = generation
    self.epoch = epoch
    self.manifestSegmentID = manifestSegmentID
    self.manifestSalt = manifestSalt
    self.createdTime = createdTime
    self.device = device
    self.inode = inode
  }

  /// The 512 bytes of the copy at `position`.
  public func encoded(at position: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    bytes.appendLittleEndian(Self.magic)
    bytes.appendLittleEndian(version.major)
    bytes.appendLittleEndian(version.minor)
    bytes.appendLittleEndian(UInt32(Self.byteCount))
    bytes.append(storeID)
    for value in [generation, epoch, manifestSegmentID, manifestSalt] {
      bytes.appendLittleEndian(value)
    }
    bytes.appendLittleEndian(features.compatible)
    bytes.appendLittleEndian(features.readOnlyCompatible)
    bytes.appendLittleEndian(features.incompatible)
    bytes.appendLittleEndian(UInt32(0))
    bytes.appendLittleEndian(createdTime.rawValue)
    bytes.appendLittleEndian(device)
    bytes.appendLittleEndian(inode)
    bytes += Array(repeating: 0, count: Self.checksumPosition - bytes.count)
    bytes.appendLittleEndian(
      PlacedChecksum.value(bytes.rawSpan, salt: Self.magic, position: position))
    return bytes
  }

  /// Reads the copy at `position`.
  public init(_ bytes: RawSpan, at position: UInt64) throws(FormatError) {
    guard let sector = bytes.bytes(at: 0, count: Self.byteCount) else {
      throw .truncated(
        .superblock, needed: UInt64(Self.byteCount), available: UInt64(bytes.byteCount))
    }
    var reader = FieldReader(sector, .superblock)
    guard try reader.unsigned64() == Self.magic else {
      throw .damaged(.superblock, sector.isAllZero ? .empty : .magic)
    }
    guard
      sector.littleEndianUnsigned64(at: Self.checksumPosition)
        == PlacedChecksum.value(
          sector.extracting(0..<Self.checksumPosition), salt: Self.magic, position: position)
    else { throw .damaged(.superblock, .checksum) }
    version = FormatVersion(major: try reader.unsigned16(), minor: try reader.unsigned16())
    let byteCount = try reader.unsigned32()
    storeID = try reader.identifier()
    generation = try reader.unsigned64()
    epoch = try reader.unsigned64()
    manifestSegmentID = try reader.unsigned64()
    manifestSalt = try reader.unsigned64()
    features = FeatureBits(
      compatible: try reader.unsigned32(), readOnlyCompatible: try reader.unsigned32(),
      incompatible: try reader.unsigned32())
    try reader.reserved(4)
    createdTime = Timestamp(rawValue: try reader.signed64())
    device = try reader.unsigned64()
    inode = try reader.unsigned64()
    guard version.major == FormatVersion.current.major, byteCount == Self.byteCount else {
      throw .newer(.superblock, .version)
    }
    guard features.allowsReading else { throw .newer(.superblock, .feature) }
    guard generation > 0, max(generation, epoch) < SegmentLayout.counterLimit else {
      throw .damaged(.superblock, .count)
    }
  }

  /// Whether a store was given another identity and the power was cut between the two copies.
  private static func isAdoption(_ a: SuperBlock, _ b: SuperBlock) -> Bool {
    max(a.generation, b.generation) - min(a.generation, b.generation) == 1
      && a.manifestSegmentID == b.manifestSegmentID && a.manifestSalt == b.manifestSalt
      && a.createdTime == b.createdTime && (a.device, a.inode) != (b.device, b.inode)
  }

  /// Chooses between the two copies read from the file.
  ///
  /// - Throws: `.damaged(.superblock, .identity)` for two intact copies of one generation that
  ///   differ, otherwise the error of the copies when neither is intact (*newer* wins).
  public static func newest(
    _ first: Result<SuperBlock, FormatError>, _ second: Result<SuperBlock, FormatError>
  ) throws(FormatError) -> SuperBlock {
    switch (first, second) {
    case (.success(let a), .success(let b)):
      if a.generation == b.generation && a != b { throw .damaged(.superblock, .identity) }
      guard a.storeID == b.storeID || isAdoption(a, b) else {
        throw .damaged(.superblock, .identity)
      }
      return a.generation >= b.generation ? a : b
    case (.success(let one), .failure(let error)), (.failure(let error), .success(let one)):
      if case .newer = error { throw error }
      return one
    case (.failure(let a), .failure(let b)):
      if case .newer = b { throw b }
      // "Nothing here" may only be said when neither copy was ever written.
      if a == .damaged(.superblock, .empty) { throw b }
      throw a
    }
  }
}
