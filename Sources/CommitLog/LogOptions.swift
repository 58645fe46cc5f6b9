public import LogFormat

/// How hard a stream tries to keep what it acknowledged; a property of the stream, fixed when it is
/// created.
public enum Durability: Hashable, Sendable {
  /// Acknowledged as soon as visible; survives the death of the process, not of the machine.
  case memory
  /// Survives power loss but for at most this much; appends wait when the byte bound is reached.
  case async(maxDelayNanoseconds: UInt64, maxByteCount: UInt64)
  /// Acknowledged means that it survives power loss.
  case disk

  /// The class on disk.
  public var durabilityClass: DurabilityClass {
    switch self {
    case .memory: .memory
    case .async: .async
    case .disk: .disk
    }
  }
}

/// Settings of a stream, fixed when it is created.
public struct StreamOptions: Hashable, Sendable {
  /// The durability class. Default: `disk`.
  public var durability: Durability = .disk
  /// Size of the first segment in bytes; later ones double. Default 1 MiB, at least 64 KiB.
  public var firstSegmentByteCount: UInt64 = 1 << 20
  /// Size segments grow to in bytes. Default 128 MiB, at most 1 GiB.
  public var segmentByteCount: UInt64 = 128 << 20
  /// Records after which a segment is rolled; 0 for no such bound.
  public var rollRecordCount: UInt64 = 0
  /// Age in nanoseconds after which a segment is rolled; 0 for no such bound.
  public var rollNanoseconds: UInt64 = 0
  /// What chain and tree the stream has. Default: both.
  public var evidence: EvidenceClass = .tree
  /// Whether payloads are under keys of their subjects, so that they can be erased. Default: no.
  public var isErasable = false
  /// What happens to readers behind a removal of segments.
  public var slowReaders: SlowReaderPolicy = .expire

  /// What a removal of segments does about readers that still need them.
  public enum SlowReaderPolicy: Hashable, Sendable {
    /// They get `ReadError.expired` with the first offset that is left.
    case expire
    /// The removal leaves segments alone that a reader holding a lease still needs, unless it lags
    /// more than this many records behind the log end offset.
    case wait(maxLag: UInt64)
  }

  /// Smallest segment in bytes.
  public static let segmentByteCountMinimum: UInt64 = 64 << 10
  /// Largest segment in bytes.
  public static let segmentByteCountMaximum: UInt64 = 1 << 30

  /// Makes the default settings.
  public init() {}
}

/// Settings of an opened store; they may differ from one opening to the next.
public struct StoreOptions: Sendable {
  /// Bounds of records, batches and segments.
  public var limits = FormatLimits()
  /// Where the work behind the append runs.
  public var execution: Execution = .threads
  /// Size of one staging buffer of a `disk` stream in bytes. Default 1 MiB.
  public var stagingByteCount = 1 << 20
  /// Most staging buffers of one stream; appends wait when all are full. Default 4.
  public var stagingBufferCount = 4
  /// A recovery slot is written after this many bytes. Default 64 MiB.
  public var slotByteCount: UInt64 = 64 << 20
  /// A recovery slot is written after this many nanoseconds. Default one second.
  public var slotNanoseconds: UInt64 = 1_000_000_000
  /// How long records may wait until a group of chain and tree has them, in nanoseconds, when there are
  /// too few for a group. Default five seconds.
  public var evidenceNanoseconds: UInt64 = 5_000_000_000
  /// Size of a manifest segment in bytes. Default 1 MiB.
  public var manifestSegmentByteCount: UInt64 = 1 << 20
  /// Most retired segment files kept for reuse. Default 2.
  public var spareSegmentCount = 2
  /// New segments are refused when less than this share of the file system is free (in percent), or
  /// less than `minimumFreeByteCount`, whichever is smaller. Default 5 %.
  public var minimumFreePercent: UInt64 = 5
  /// See `minimumFreePercent`. Default 1 GiB.
  public var minimumFreeByteCount: UInt64 = 1 << 30
  /// Whether a store that was copied or moved to another file system may be opened for writing; it
  /// gets a new identity then.
  public var adoptsCopy = false
  /// Shared memory for readers in other processes. Default: `/dev/shm`.
  public var sharesWatermarks = true
  /// Groups at least this large are padded to 4 KiB. Default 64 KiB; 0 pads every group
  /// (`strictSectors`).
  public var paddedGroupByteCount = 64 << 10

  /// Where the work behind the append runs.
  public enum Execution: Sendable {
    /// Dedicated threads: one that commits, one that prepares segments.
    case threads
    /// The calling thread, when it waits or asks: for tests and simulation.
    case inline
  }

  /// Makes the default settings.
  public init() {}
}

/// How a reader treats checksums.
public enum VerificationMode: Sendable {
  /// Every frame once for each segment and process, then remembered. The default.
  case once
  /// Every frame each time it is read.
  case always
  /// Never; lengths are bounded all the same.
  case never
}
