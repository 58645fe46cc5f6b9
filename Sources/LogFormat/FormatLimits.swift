/// Bounds checked before anything is allocated or believed, on the way in and when read back.
public struct FormatLimits: Hashable, Sendable {
  /// Largest record, key and headers included, in bytes.
  public var recordByteCountLimit: Int
  /// Largest batch frame in bytes.
  public var batchByteCountLimit: Int
  /// Most records in one batch.
  public var batchRecordCountLimit: Int
  /// Largest segment file in bytes.
  public var segmentByteCountLimit: UInt64
  /// Most producers remembered by one stream.
  public var producerCountLimit: Int

  /// Makes limits; the defaults are 16 MiB a record, 64 MiB and 1,048,576 records a batch, 4 GiB a
  /// segment and 65,536 producers.
  public init(
    recordByteCountLimit: Int = 16 << 20, batchByteCountLimit: Int = 64 << 20,
    batchRecordCountLimit: Int = 1 << 20, segmentByteCountLimit: UInt64 = 4 << 30,
    producerCountLimit: Int = 65_536
  ) {
    self.recordByteCountLimit = recordByteCountLimit
    self.batchByteCountLimit = batchByteCountLimit
    self.batchRecordCountLimit = batchRecordCountLimit
    self.segmentByteCountLimit = segmentByteCountLimit
    self.producerCountLimit = producerCountLimit
  }

  /// Longest key in bytes.
  public static let keyByteCountLimit = 65_535
  /// Longest record type in bytes.
  public static let typeByteCountLimit = 255
  /// Largest block of record headers in bytes.
  public static let headersByteCountLimit = 1 << 20
  /// Longest stream name in bytes.
  public static let nameByteCountLimit = 255
}
