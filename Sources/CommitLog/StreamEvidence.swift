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
    /// Since when there are leaves that no group has, by the monotonic clock; 0 for none.
    var pendingSince: UInt64 = 0
    /// How often in turn there was no new record.
    private(set) var idleCount = 0
    private var seenOffset: UInt64 = 0
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
      let ahead = Int(first % UInt64(EvidenceBuilder.blockLeafCount))
      try reader?.addNext(to: &piece, max: pieceOffsetCount - ahead)
      let (leaves, recordCount, times) = piece.finish()
      builder.append(leaves, recordCount: recordCount, appendTimes: times)
      return hashedOffset > first
    }

    /// Notes a look for records.
    ///
    /// - Parameter visible: Offset behind the last that there is.
    mutating func noteLook(_ visible: UInt64) {
      idleCount = visible > seenOffset ? 0 : idleCount + 1
      seenOffset = visible
    }

    /// Lets go of the stream's files.
    mutating func close() { reader = nil }
  }
}
