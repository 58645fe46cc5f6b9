internal import ByteCoding
public import Quantities

/// Where recovery may begin: what was proven *before* the group the slot was written with.
///
/// Two slots are written in turn; the valid one with the higher sequence counts.
public struct RecoverySlot: Hashable, Sendable {
  /// Counts the slots written, from 1; 0 never stands in a slot.
  public var sequence: UInt64
  /// Everything before this position was durable when the slot was written.
  public var durablePosition: FilePosition
  /// Offset the next record after `durablePosition` has.
  public var nextOffset: Offset
  /// Highest append time before `durablePosition`.
  public var appendTime: Timestamp
  /// Position of the last index frame before `durablePosition`; 0 for none.
  public var indexPosition: FilePosition
  /// Position of the last integrity frame before `durablePosition`; 0 for none.
  public var integrityPosition: FilePosition
  /// Where the replay of producers must begin: the last state frame before `durablePosition`, else
  /// the first frame with a producer's stamp; 0 when the segment has neither.
  public var statePosition: FilePosition
  /// Commit sequence of the last commit frame before `durablePosition`.
  public var commitSequence: UInt64
  /// Everything before this position had been stored (not synced) by the boot `bootHash`; lets
  /// recovery after the death of a process start late in segments that are never synced.
  public var storedPosition: FilePosition
  /// XXH3-64 of the boot id at that time.
  public var bootHash: UInt64
  /// Writer epoch.
  public var epoch: UInt32
  /// State of the segment.
  public var flags: Flags
  /// Counts over the records before `durablePosition`.
  public var statistics: SegmentStatistics

  /// State of the segment when the slot was written.
  public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    /// The store was closed; the segment ends exactly at `durablePosition`.
    public static let clean = Flags(rawValue: 1)
    /// The segment is sealed; its seal block ends at `durablePosition`.
    public static let sealed = Flags(rawValue: 2)
    /// The slot describes what was stored, not synced: it counts only for the boot `bootHash`.
    public static let unsynced = Flags(rawValue: 4)
  }

  /// Size of a slot, one sector.
  public static let byteCount = 512
  static let checksumPosition = 504

  /// Makes a slot.
  public init(
    sequence: UInt64, durablePosition: FilePosition, nextOffset: Offset, appendTime: Timestamp,
    indexPosition: FilePosition, integrityPosition: FilePosition, statePosition: FilePosition,
    commitSequence: UInt64,
    storedPosition: FilePosition, bootHash: UInt64, epoch: UInt32, flags: Flags,
    statistics: SegmentStatistics
  ) {
    self.sequence = sequence
    self.durablePosition = durablePosition
    self.nextOffset = nextOffset
    self.appendTime = appendTime
    self.indexPosition = indexPosition
    self.integrityPosition = integrityPosition
    self.statePosition = statePosition
    self.commitSequence = commitSequence
    self.storedPosition = storedPosition
    self.bootHash = bootHash
    self.epoch = epoch
    self.flags = flags
    self.statistics = statistics
  }

  /// The 512 bytes to be written at `position` (4,096 or 8,192) of a segment with this salt.
  public func encoded(salt: UInt64, at position: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    bytes.appendLittleEndian(sequence)
    bytes.appendLittleEndian(durablePosition.rawValue)
    bytes.appendLittleEndian(nextOffset.rawValue)
    bytes.appendLittleEndian(appendTime.rawValue)
    bytes.appendLittleEndian(indexPosition.rawValue)
    bytes.appendLittleEndian(integrityPosition.rawValue)
    bytes.appendLittleEndian(statePosition.rawValue)
    bytes += Array(repeating: 0, count: 40)
    bytes.appendLittleEndian(flags.rawValue)
    bytes.appendLittleEndian(epoch)
    bytes.appendLittleEndian(commitSequence)
    bytes.appendLittleEndian(storedPosition.rawValue)
    bytes.appendLittleEndian(bootHash)
    statistics.append(to: &bytes)
    bytes += Array(repeating: 0, count: Self.checksumPosition - bytes.count)
    bytes.appendLittleEndian(
      PlacedChecksum.value(bytes.rawSpan, salt: salt, position: position))
    return bytes
  }

  /// Reads the slot that stands at `position` of a segment with this salt.
  public init(_ bytes: RawSpan, salt: UInt64, at position: UInt64) throws(FormatError) {
    guard let sector = bytes.bytes(at: 0, count: Self.byteCount) else {
      throw .truncated(
        .recoverySlot, needed: UInt64(Self.byteCount), available: UInt64(bytes.byteCount))
    }
    let body = sector.extracting(0..<Self.checksumPosition)
    guard
      sector.littleEndianUnsigned64(at: Self.checksumPosition)
        == PlacedChecksum.value(body, salt: salt, position: position)
    else { throw .damaged(.recoverySlot, sector.isAllZero ? .empty : .checksum) }
    var reader = FieldReader(sector, .recoverySlot)
    sequence = try reader.unsigned64()
    durablePosition = FilePosition(rawValue: try reader.unsigned64())
    nextOffset = Offset(rawValue: try reader.unsigned64())
    appendTime = Timestamp(rawValue: try reader.signed64())
    indexPosition = FilePosition(rawValue: try reader.unsigned64())
    integrityPosition = FilePosition(rawValue: try reader.unsigned64())
    statePosition = FilePosition(rawValue: try reader.unsigned64())
    _ = try reader.bytes(count: 40)
    flags = Flags(rawValue: try reader.unsigned32())
    epoch = try reader.unsigned32()
    commitSequence = try reader.unsigned64()
    storedPosition = FilePosition(rawValue: try reader.unsigned64())
    bootHash = try reader.unsigned64()
    statistics = try SegmentStatistics(&reader)
    guard sequence > 0, max(sequence, commitSequence) < SegmentLayout.counterLimit else {
      throw .damaged(.recoverySlot, .count)
    }
    let durable = durablePosition.rawValue
    guard SegmentLayout.isFramePosition(durable),
      SegmentLayout.isBackLink(indexPosition.rawValue, before: durable),
      SegmentLayout.isBackLink(integrityPosition.rawValue, before: durable),
      SegmentLayout.isBackLink(statePosition.rawValue, before: durable)
    else { throw .damaged(.recoverySlot, .position) }
    guard nextOffset <= .maximum else { throw .damaged(.recoverySlot, .offset) }
  }
}
