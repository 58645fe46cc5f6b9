public import Quantities

/// What opening a stream for writing found and did.
public struct RecoveryReport: Hashable, Sendable {
  /// The stream was closed in order the last time, so there was nothing to do.
  public var wasClean = true
  /// Bytes whose frames were walked.
  public var scannedByteCount: UInt64 = 0
  /// Bytes of intact frames that were not proven durable, written again and synced.
  public var rewrittenByteCount: UInt64 = 0
  /// Bytes behind the last intact frame that were invalidated.
  public var invalidatedByteCount: UInt64 = 0
  /// Places that were durable and are not intact.
  public var damaged: [DamageReport] = []
  /// Bytes of a last group that may be torn or rotten; kept in the quarantine of the store, or, in classes
  /// `memory` and `async`, where they are, behind the end of the segment.
  public var undecidableByteCount: UInt64 = 0
  /// Name of the quarantined file, when there is one.
  public var quarantinedFile: String?
  /// Nanoseconds it took, on the monotonic clock.
  public var nanoseconds: UInt64 = 0
  /// Offset the next record will get.
  public var nextOffset = Offset.zero

  /// A report of nothing.
  public init() {}
}
