/// Which columns a record frame carries, in the order they stand in it.
public struct ColumnSet: OptionSet, Hashable, Sendable {
  /// The 16 bits of the frame head.
  public let rawValue: UInt16
  /// Makes a set from its bits.
  @inlinable
  public init(rawValue: UInt16) { self.rawValue = rawValue }

  /// Idempotent producer: id, epoch, flags, base sequence (16 bytes a frame).
  public static let producer = ColumnSet(rawValue: 1 << 0)
  /// Event times as a 64-bit base and 32-bit microseconds after it (batches only).
  public static let eventTimeDelta = ColumnSet(rawValue: 1 << 1)
  /// Event times in 64-bit nanoseconds.
  public static let eventTime = ColumnSet(rawValue: 1 << 2)
  /// 128-bit message identifiers.
  public static let messageID = ColumnSet(rawValue: 1 << 3)
  /// Stream numbers of records in a segment that several streams share (reserved).
  public static let stream = ColumnSet(rawValue: 1 << 4)
  /// End columns are 16 bits wide (batches with less than 64 KiB of bodies).
  public static let narrowEnds = ColumnSet(rawValue: 1 << 5)
  /// Keys.
  public static let key = ColumnSet(rawValue: 1 << 6)
  /// Record types.
  public static let type = ColumnSet(rawValue: 1 << 7)
  /// Record headers.
  public static let headers = ColumnSet(rawValue: 1 << 8)
  /// Offsets with gaps, after compaction (batches only).
  public static let offsetDelta = ColumnSet(rawValue: 1 << 9)
  /// Time to live in seconds (reserved).
  public static let timeToLive = ColumnSet(rawValue: 1 << 10)
  /// A byte of ``RecordFlags`` for each record.
  public static let flags = ColumnSet(rawValue: 1 << 11)

  /// Every bit this version knows.
  public static let known = ColumnSet(rawValue: 0x0fff)
}

/// What a record is besides its bytes.
public struct RecordFlags: OptionSet, Hashable, Sendable {
  /// One byte a record.
  public let rawValue: UInt8
  /// Makes a set from its bits.
  @inlinable
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Marks its key as removed; the value is empty and means nothing.
  public static let tombstone = RecordFlags(rawValue: 1 << 0)
  /// This record of a frame with keys has none (an empty key is a key).
  public static let noKey = RecordFlags(rawValue: 1 << 1)
  /// This record of a frame with event times has none.
  public static let noEventTime = RecordFlags(rawValue: 1 << 2)
  /// This record of a frame with types has none.
  public static let noType = RecordFlags(rawValue: 1 << 3)

  /// Every bit this version knows.
  public static let known = RecordFlags(rawValue: 0x0f)
}

/// Who wrote a batch, for exactly-once appends: the first record has `sequence`, the next one more.
public struct ProducerStamp: Hashable, Sendable {
  /// Chosen by the producer, unique in the stream; not 0.
  public var id: UInt64
  /// Raised when the producer starts anew; lower epochs are refused afterwards.
  public var epoch: UInt16
  /// Sequence number of the first record; ends at 2^32 - 1, then a new epoch is needed.
  public var sequence: UInt32

  /// Makes a stamp.
  public init(id: UInt64, epoch: UInt16, sequence: UInt32) {
    self.id = id
    self.epoch = epoch
    self.sequence = sequence
  }

  /// Size in a frame: id u64, epoch u16, flags u16 (zero), sequence u32.
  public static let byteCount = 16
}
