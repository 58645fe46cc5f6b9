public import ByteCoding
public import Quantities

/// One fact about the store, a record of the manifest (stream 0).
///
/// A record's value is: kind u16, version u16 (1), zero u32, then the fields of the kind in the order
/// below. Kinds with bit 15 set may be skipped by programs that do not know them; any other unknown
/// kind means the store is *newer*. Edits of one batch take effect together.
public enum ManifestEdit: Hashable, Sendable {
  /// The first edit of every manifest segment: everything before it is void. The snapshot ends with
  /// ``snapshotEnd``.
  case snapshotBegin(SnapshotBegin)
  /// The snapshot is whole.
  case snapshotEnd
  /// A stream exists.
  case createStream(StreamDefinition)
  /// A file with this identity is about to be made; it is a leftover without
  /// ``segmentPrepared(_:)``.
  case segmentIntent(streamID: UInt64, segmentID: UInt64)
  /// The file is whole, allocated and in place, and may become active.
  case segmentPrepared(SegmentDefinition)
  /// The segment takes the stream's records from here on.
  case segmentActivated(SegmentActivation)
  /// The segment takes no more records.
  case segmentEnded(SegmentEnd)
  /// The segment's file may go.
  case segmentDropped(streamID: UInt64, segmentID: UInt64)
  /// Records below this offset are gone.
  case logStart(streamID: UInt64, offset: Offset)
  /// Bytes of a segment were found rotten; readers step over them.
  case segmentDamaged(DamagedRange)
  /// The bytes of an active segment up to a position are durable: what is not intact there is rot,
  /// even when nothing in the file itself says so any more.
  case segmentDurable(DurablePrefix)
  /// Another file has the segment's records now: a sealed copy that leaves some of them out.
  case segmentReplaced(SegmentReplacement)
  /// How much of a stream is kept; the last one counts.
  case retention(Retention)
  /// Records may not go, whatever else is said, until ``holdReleased(name:)``.
  case hold(Hold)
  /// The hold of that name ends.
  case holdReleased(name: String)
  /// The segment's records say times that had not come: retention takes them for appended at this one.
  case segmentDated(streamID: UInt64, segmentID: UInt64, time: Timestamp)

  /// Counters of the store when a snapshot was taken.
  public struct SnapshotBegin: Hashable, Sendable {
    /// The next segment id.
    public var nextSegmentID: UInt64
    /// The next stream id.
    public var nextStreamID: UInt64
    /// Makes the counters.
    public init(nextSegmentID: UInt64, nextStreamID: UInt64) {
      self.nextSegmentID = nextSegmentID
      self.nextStreamID = nextStreamID
    }
  }

  /// A stream and its settings, fixed when it is created.
  public struct StreamDefinition: Hashable, Sendable {
    /// Number of the stream, from 1.
    public var streamID: UInt64
    /// Its name, bytes of valid UTF-8; identity is byte equality.
    public var name: String
    /// Its durability class.
    public var durability: DurabilityClass
    /// Class `async`: longest time between append and durability, in nanoseconds; else 0.
    public var maxDelayNanoseconds: UInt64
    /// Class `async`: most bytes not yet durable; else 0.
    public var maxByteCount: UInt64
    /// Size of the first segment in bytes.
    public var firstSegmentByteCount: UInt64
    /// Size segments grow to, in bytes.
    public var segmentByteCount: UInt64
    /// Records after which a segment is rolled; 0 for no such bound.
    public var rollRecordCount: UInt64
    /// Age after which a segment is rolled, in nanoseconds; 0 for no such bound.
    public var rollNanoseconds: UInt64
    /// What happens to readers behind a removal: 0 they expire, else removal waits for readers that
    /// lag at most this many records.
    public var maximumReaderLag: UInt64
    /// What chain and tree it has.
    public var evidence: EvidenceClass
    /// Where payloads can be erased: what their keys are bound to, whatever the store is called later;
    /// `nil` elsewhere.
    public var erasableID: UniqueIdentifier?

    /// Makes a definition.
    public init(
      streamID: UInt64, name: String, durability: DurabilityClass, maxDelayNanoseconds: UInt64,
      maxByteCount: UInt64, firstSegmentByteCount: UInt64, segmentByteCount: UInt64,
      rollRecordCount: UInt64, rollNanoseconds: UInt64, maximumReaderLag: UInt64,
      evidence: EvidenceClass = .none, erasableID: UniqueIdentifier? = nil
    ) {
      self.streamID = streamID
      self.name = name
      self.durability = durability
      self.maxDelayNanoseconds = maxDelayNanoseconds
      self.maxByteCount = maxByteCount
      self.firstSegmentByteCount = firstSegmentByteCount
      self.segmentByteCount = segmentByteCount
      self.rollRecordCount = rollRecordCount
      self.rollNanoseconds = rollNanoseconds
      self.maximumReaderLag = maximumReaderLag
      self.evidence = evidence
      self.erasableID = erasableID
    }
  }

  /// A segment file that is ready.
  public struct SegmentDefinition: Hashable, Sendable {
    /// Stream it was made for.
    public var streamID: UInt64
    /// Its identity.
    public var segmentID: UInt64
    /// Size of the file in bytes.
    public var capacity: UInt64
    /// Seed of its checksums.
    public var salt: UInt64
    /// Makes a definition.
    public init(streamID: UInt64, segmentID: UInt64, capacity: UInt64, salt: UInt64) {
      self.streamID = streamID
      self.segmentID = segmentID
      self.capacity = capacity
      self.salt = salt
    }
  }

  /// Where a segment begins.
  public struct SegmentActivation: Hashable, Sendable {
    /// Its stream.
    public var streamID: UInt64
    /// Its identity.
    public var segmentID: UInt64
    /// Offset of its first record.
    public var baseOffset: Offset
    /// Append clock at that moment.
    public var baseAppendTime: Timestamp
    /// The segment before it; 0 for none.
    public var previousSegmentID: UInt64
    /// Makes an activation.
    public init(
      streamID: UInt64, segmentID: UInt64, baseOffset: Offset, baseAppendTime: Timestamp,
      previousSegmentID: UInt64
    ) {
      self.streamID = streamID
      self.segmentID = segmentID
      self.baseOffset = baseOffset
      self.baseAppendTime = baseAppendTime
      self.previousSegmentID = previousSegmentID
    }
  }

  /// Why a segment ended.
  public enum EndReason: UInt8, Sendable, CaseIterable {
    /// It was full, old or large enough; it ends with a seal block.
    case sealed = 0
    /// A sync of it failed; nothing behind the end position counts.
    case poisoned = 1
    /// Recovery ended it at the last intact frame; it has no seal block.
    case recovered = 2
  }

  /// Where a segment ends.
  public struct SegmentEnd: Hashable, Sendable {
    /// Its stream.
    public var streamID: UInt64
    /// Its identity.
    public var segmentID: UInt64
    /// Nothing at or behind this position counts.
    public var endPosition: FilePosition
    /// Offset after its last record.
    public var nextOffset: Offset
    /// Append time of its last record.
    public var lastAppendTime: Timestamp
    /// Records in it.
    public var recordCount: UInt64
    /// Why it ended.
    public var reason: EndReason
    /// Makes an end.
    public init(
      streamID: UInt64, segmentID: UInt64, endPosition: FilePosition, nextOffset: Offset,
      lastAppendTime: Timestamp, recordCount: UInt64, reason: EndReason
    ) {
      self.streamID = streamID
      self.segmentID = segmentID
      self.endPosition = endPosition
      self.nextOffset = nextOffset
      self.lastAppendTime = lastAppendTime
      self.recordCount = recordCount
      self.reason = reason
    }
  }

  /// Bytes of a segment that were durable and are no longer intact.
  public struct DamagedRange: Hashable, Sendable {
    /// Its stream.
    public var streamID: UInt64
    /// Its segment.
    public var segmentID: UInt64
    /// First damaged position.
    public var from: FilePosition
    /// Position of the next intact frame.
    public var to: FilePosition
    /// First offset that cannot be read.
    public var firstOffset: Offset
    /// First offset that can be read again; equal to `firstOffset` when no record was hit.
    public var nextOffset: Offset
    /// Makes a range.
    public init(
      streamID: UInt64, segmentID: UInt64, from: FilePosition, to: FilePosition,
      firstOffset: Offset, nextOffset: Offset
    ) {
      self.streamID = streamID
      self.segmentID = segmentID
      self.from = from
      self.to = to
      self.firstOffset = firstOffset
      self.nextOffset = nextOffset
    }
  }

  /// What is durable of a segment that has not ended.
  public struct DurablePrefix: Hashable, Sendable {
    /// Its stream.
    public var streamID: UInt64
    /// Its segment.
    public var segmentID: UInt64
    /// Everything before this position is durable.
    public var position: FilePosition
    /// Offset after the last record before it.
    public var nextOffset: Offset
    /// Append time of that record.
    public var lastAppendTime: Timestamp
    /// Makes a prefix.
    public init(
      streamID: UInt64, segmentID: UInt64, position: FilePosition, nextOffset: Offset,
      lastAppendTime: Timestamp
    ) {
      self.streamID = streamID
      self.segmentID = segmentID
      self.position = position
      self.nextOffset = nextOffset
      self.lastAppendTime = lastAppendTime
    }
  }

  /// A sealed segment that takes the place of another one, at the same offsets.
  public struct SegmentReplacement: Hashable, Sendable {
    /// The segment whose place is taken; it has ended.
    public var segmentID: UInt64
    /// The file that takes it.
    public var definition: SegmentDefinition
    /// Nothing in the new file at or behind this position counts.
    public var endPosition: FilePosition
    /// Records in the new file.
    public var recordCount: UInt64
    /// Makes a replacement.
    public init(
      segmentID: UInt64, definition: SegmentDefinition, endPosition: FilePosition,
      recordCount: UInt64
    ) {
      self.segmentID = segmentID
      self.definition = definition
      self.endPosition = endPosition
      self.recordCount = recordCount
    }

    /// The end of the new segment, from that of the old one.
    public func end(from old: SegmentEnd) -> SegmentEnd {
      SegmentEnd(
        streamID: definition.streamID, segmentID: definition.segmentID, endPosition: endPosition,
        nextOffset: old.nextOffset, lastAppendTime: old.lastAppendTime, recordCount: recordCount,
        reason: .sealed)
    }
  }

  /// Number of the kind on disk.
  public var kind: UInt16 {
    switch self {
    case .snapshotBegin: 1
    case .snapshotEnd: 2
    case .createStream: 3
    case .segmentIntent: 4
    case .segmentPrepared: 5
    case .segmentActivated: 6
    case .segmentEnded: 7
    case .segmentDropped: 8
    case .logStart: 9
    case .segmentDamaged: 10
    case .segmentDurable: 11
    case .segmentReplaced: 12
    case .retention: 13
    case .hold: 14
    case .holdReleased: 15
    case .segmentDated: 16
    }
  }
}
