internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import Synchronization

/// Chain and tree of a stream that is open for writing: follow what is visible, and come back into the log
/// as integrity frames.
final class StreamEvidence: Sendable {
  /// Offsets of a group; the last piece that is hashed may go beyond it.
  static let groupOffsetCount: UInt64 = 4_096
  /// Offsets that are hashed together.
  static let pieceOffsetCount = 1_024
  /// Bytes of contents behind which a piece ends all the same, and a group.
  static let pieceByteCount = 1 << 20
  static let groupByteCount = 16 << 20
  /// Records that are read at a time, before their bytes are counted.
  private static let readCount = 64

  /// How long whoever hashes sleeps while records come, in nanoseconds. To be woken would cost the one who
  /// appends more than all else that the tree takes from it.
  static let napNanoseconds: UInt64 = 1_000_000
  /// Looks that find nothing, with a nap twice as long behind each, before whoever appends next must wake the
  /// thread: 31 ms.
  static let idleLookCount = 5

  /// Held by whoever hashes.
  let work: Guarded<Work>
  /// Somebody awaits that everything before this offset is covered; 0 when nobody does.
  let awaited = Atomic<UInt64>(0)

  init(
    storeID: UniqueIdentifier, definition: ManifestEdit.StreamDefinition,
    coverage: EvidenceCoverage, state: EvidenceState
  ) {
    work = Guarded(
      Work(
        builder: EvidenceBuilder(
          storeID: storeID.bytes, streamID: definition.streamID, coverage: coverage, state: state)))
  }

  /// What is being hashed.
  struct Work: ~Copyable {
    var builder: EvidenceBuilder
    /// As of the last group that stands in the log.
    var placed: EvidenceState
    /// A group that found no room in the log yet.
    var unplaced: EvidenceGroup?
    /// Why it found none.
    var refusal: AppendError?
    /// Since when there are records that no group has, by the monotonic clock; 0 for none.
    var pendingSince: UInt64 = 0
    /// Bytes of the contents of records that are hashed and that no group has.
    private(set) var pendingByteCount = 0
    /// Records of the next piece, by the size of those of the last.
    private(set) var pieceOffsetCount = StreamEvidence.pieceOffsetCount
    /// How often in turn there was no new record when it was time to look.
    private(set) var idleCount = 0
    private var seenOffset: UInt64 = 0
    /// When it is time to look again, unless there are new records; `nil` when whoever appends says so.
    private(set) var nextLook: UInt64? = 0
    /// Whether whoever appends next was asked to say so.
    var isAsleep = false
    /// Where the records are read; `nil` before the first and behind the last.
    private var reader: LogReader?
    private var piece = LeafPiece()

    init(builder: EvidenceBuilder) {
      self.builder = builder
      placed = builder.state
    }

    /// Offset behind the last leaf that was hashed.
    var hashedOffset: UInt64 { builder.state.nextOffset + builder.pendingCount }

    /// Hashes visible records, at most a few thousand.
    ///
    /// - Returns: Whether there was any.
    /// - Throws: ``ReadError`` that is no damage: the stream cannot be read.
    mutating func hash(_ log: StreamLog) throws(ReadError) -> Bool {
      let first = hashedOffset
      guard first < log.visible else { return false }
      if reader == nil {
        var options = ReaderOptions()
        options.takesLease = false
        reader = try LogReader(log, from: .offset(Offset(rawValue: first)), options)
      }
      // Out of the way of the reader, which is changed at the same time.
      var piece = LeafPiece()
      swap(&piece, &self.piece)
      defer { swap(&piece, &self.piece) }
      piece.nextOffset = first
      // Pieces end with blocks of the tree, so that groups do, and whoever audits a chain needs the blocks alone.
      let ahead = first % RecordRemoval.blockLeafCount
      let end = first + UInt64(StreamEvidence.pieceOffsetCount) - ahead
      while piece.nextOffset < end, piece.byteCount < pieceByteCount {
        let before = piece.nextOffset
        try reader?.addNext(to: &piece, max: Int(min(end - before, UInt64(readCount))))
        if piece.nextOffset == before { break }
      }
      pendingByteCount += piece.byteCount
      pieceOffsetCount =
        piece.byteCount < pieceByteCount ? StreamEvidence.pieceOffsetCount : max(1, piece.count)
      let (leaves, recordCount, times) = piece.finish()
      builder.append(leaves, recordCount: recordCount, appendTimes: times)
      return hashedOffset > first
    }

    /// Ends the group that is being made.
    mutating func endGroup() -> EvidenceGroup? {
      (pendingSince, pendingByteCount) = (0, 0)
      return builder.endGroup()
    }

    /// Whether there are records that the last look did not see.
    func hasNew(_ visible: UInt64) -> Bool { visible > seenOffset }

    /// Notes a look for records.
    ///
    /// - Parameters:
    ///   - visible: Offset behind the last that there is.
    ///   - now: The time by the monotonic clock.
    mutating func noteLook(_ visible: UInt64, now: UInt64) {
      if visible > seenOffset {
        idleCount = 0
      } else if let nextLook, now >= nextLook {
        idleCount += 1
      }
      seenOffset = visible
      if visible > hashedOffset, pendingSince == 0 { pendingSince = max(1, now) }
    }

    /// Notes how long nobody needs to look: `nil` until somebody appends.
    mutating func sleep(_ nanoseconds: UInt64?, from now: UInt64) {
      nextLook = nanoseconds.map { now &+ min($0, .max &- now) }
    }

    /// Lets go of the stream's files.
    mutating func close() { reader = nil }
  }
}
