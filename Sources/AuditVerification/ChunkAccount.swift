internal import Cryptography
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// What a stretch of a segment's frames came to, made by whoever walked it.
struct ChunkAccount: Sendable {
  /// Segment that it is of, as the plan numbers them.
  var segment = 0
  /// First position.
  var start: UInt64 = 0
  /// Position behind the last frame that was walked.
  var end: UInt64 = 0
  /// What was found, in the order of positions.
  var items: [Item] = []
  /// What is said of them, in the order of positions.
  var events: [Event] = []
  /// Hashes of leaves, of all runs.
  var leaves: [Digest] = []
  /// Append times of the records with these leaves.
  var times: [Int64] = []
  /// Whole blocks of 256 leaves, of all runs.
  var blocks: [Block] = []
  /// Frames of records and gaps.
  var marks: [Mark] = []
  var statistics = SegmentStatistics()
  /// Records.
  var recordCount: UInt64 = 0
  /// Offsets of gaps.
  var gapCount: UInt64 = 0
  /// Append time of the last record, and the offset behind all, where there are any.
  var lastTime: Int64?
  var nextOffset: UInt64?
  /// Values of records, where they were asked for.
  var values: [(offset: UInt64, time: Int64, bytes: [UInt8])] = []
  /// The leaf that was asked for.
  var leaf: RecordLeaf?
  /// Positions of bytes between frames that should be zero.
  var padding: [UInt64] = []
  /// Why it ends.
  var stop = Stop.more(needed: 0)

  /// Makes room, so that nothing moves while it is filled.
  mutating func reserve(recordCount: Int, leaves hasLeaves: Bool) {
    marks.reserveCapacity(recordCount)
    guard hasLeaves else { return }
    leaves.reserveCapacity(recordCount)
    times.reserveCapacity(recordCount)
  }

  /// Why a walk ended.
  enum Stop: Sendable {
    /// The next frame is not all there: so many bytes are needed for it.
    case more(needed: Int)
    /// It came to its limit.
    case limit
    /// Behind a seal block.
    case sealed
    /// No intact frame stands at the end, nor behind it in these bytes.
    case damaged(FormatError)
    /// A frame that is not for this program.
    case refused(FormatError)
    /// The bytes could not be read.
    case failed(FileSystemError)
  }

  /// Records and what is wrong with them.
  enum Item: Sendable {
    case run(Run)
    /// A frame says which offset comes next, and the stretch alone does not tell that it does.
    case tell(nextOffset: UInt64, at: UInt64, FrameKind)
    /// Bytes that are no intact frame, up to the next.
    case damage(from: UInt64, to: UInt64, FormatError)
    /// A frame whose checksum holds and whose content does not.
    case contradiction(from: UInt64, to: UInt64, FormatError)
  }

  /// What is said of records that stand before it.
  enum Event: Sendable {
    case rows(IndexFrame, at: UInt64)
    case integrity(IntegrityFrame, at: UInt64, byteCount: Int)
    case seal(SealBlock, at: UInt64, byteCount: Int)

    var position: UInt64 {
      switch self {
      case .rows(_, let position): position
      case .integrity(_, let position, _), .seal(_, let position, _): position
      }
    }
  }

  /// Records, or offsets without, one behind the other.
  struct Run: Sendable {
    var first: UInt64
    /// Offset behind the last.
    var next: UInt64
    /// Position of the first frame, and behind the last.
    var position: UInt64
    var end: UInt64 = 0
    /// Where in ``ChunkAccount/leaves`` its leaves are; empty where none were made.
    var leaves: Range<Int>
    /// Where in ``ChunkAccount/blocks`` its whole blocks are.
    var blocks = 0..<0
    /// Whether these are offsets without a record.
    var isGap = false
  }

  /// A whole block of 256 leaves, of records alone.
  struct Block: Sendable {
    var hash: Digest
    var firstTime: Int64
    var lastTime: Int64
    /// Position of the frame that its first leaf is of.
    var position: UInt64
  }

  /// A frame of records, or a gap.
  struct Mark: Sendable {
    var position: UInt64
    var offset: UInt64
    /// Append time of the record before it; `nil` when that is in an earlier stretch.
    var timeBefore: Int64?
  }
}
