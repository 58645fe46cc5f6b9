public import LogFormat
public import PlatformIO
public import Quantities

/// Why a store or stream could not be opened or created.
public enum OpenError: Error, Sendable {
  /// A file-system operation failed.
  case fileSystem(FileSystemError)
  /// The directory holds no store, or something else.
  case notAStore(path: String)
  /// There is a store already.
  case alreadyExists(path: String)
  /// Another opening for writing holds the store.
  case locked(path: String, holder: LockHolder?)
  /// The bytes contradict themselves.
  case damaged(path: String, position: UInt64, FormatError)
  /// The manifest has two segments of a stream claim the same offsets.
  case segmentsContradict(path: String, otherPath: String)
  /// Written by a newer version.
  case newer(path: String, FormatError)
  /// Intact, but larger than the limits of this opening allow; raise them.
  case overLimit(path: String, FormatError)
  /// The directory is a copy: device or inode differ from those the store was made with.
  case copied(path: String)
  /// No stream of that name.
  case streamNotFound(name: String)
  /// The engine keeps streams whose names begin with `piperoll.` for itself.
  case reservedStreamName(name: String)
  /// The name cannot be a stream's.
  case invalidStreamName(reason: StreamName.Problem)
  /// The stream exists with other settings.
  case settingsDiffer(stream: String, setting: String, existing: String, requested: String)
  /// A setting is out of its range.
  case invalidSetting(String)
  /// New segments are refused until there is more room.
  case full(path: String, availableByteCount: UInt64, neededByteCount: UInt64)
  /// The store was closed.
  case closed
  /// The store was opened before this process was forked; writing belongs to the parent.
  case forked
  /// The stream stopped; everything before the offset is durable.
  case streamFailed(StreamFailure)

  /// Who holds a store.
  public struct LockHolder: Hashable, Sendable {
    /// Process number on its machine.
    public let processID: UInt64
    /// Writer epoch it was given.
    public let epoch: UInt64
    /// Makes a holder.
    public init(processID: UInt64, epoch: UInt64) {
      self.processID = processID
      self.epoch = epoch
    }
  }
}

extension OpenError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fileSystem(let error): error.description
    case .notAStore(let path):
      "'\(escapedForTerminal(path))' is not a store; create one with 'piperoll init'"
    case .alreadyExists(let path): "'\(escapedForTerminal(path))' holds a store already"
    case .locked(let path, let holder):
      "'\(escapedForTerminal(path))' is open for writing"
        + (holder.map { " in process \($0.processID) (epoch \($0.epoch))" } ?? " elsewhere")
        + "; one writer at a time, readers need no lock"
    case .damaged(let path, let position, let error):
      "'\(escapedForTerminal(path))', position \(position): \(error); restore the file from a copy"
    case .segmentsContradict(let path, let other):
      "segments '\(escapedForTerminal(path))' and '\(escapedForTerminal(other))' claim the same "
        + "offsets; restore the manifest from a copy"
    case .newer(let path, let error): "'\(escapedForTerminal(path))': \(error)"
    case .overLimit(let path, let error): "'\(escapedForTerminal(path))': \(error)"
    case .copied(let path):
      "'\(escapedForTerminal(path))' is a copy or was moved to another file system; open it with "
        + "--adopt to give it an identity of its own"
    case .reservedStreamName(let name):
      "stream '\(escapedForTerminal(name))' is the engine's own: its records can be read, and names that "
        + "begin with 'piperoll.' are not for others to write"
    case .streamNotFound(let name): "no stream '\(escapedForTerminal(name))' in this store"
    case .invalidStreamName(let problem): problem.rawValue
    case .settingsDiffer(let stream, let setting, let existing, let requested):
      "stream '\(escapedForTerminal(stream))' has \(setting) \(existing), not \(requested); it is "
        + "fixed when the stream is created"
    case .invalidSetting(let text): text
    case .full(let path, let available, let needed):
      "'\(escapedForTerminal(path))': \(available) bytes free, \(needed) needed for a new segment; "
        + "make room or remove old segments"
    case .closed: "the store was closed"
    case .forked: "the store was opened before a fork; open it again in this process"
    case .streamFailed(let failure): failure.description
    }
  }
}

/// A writer that stopped for good: what is durable and why it stopped.
public struct StreamFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// Name of the stream.
  public let stream: String
  /// Everything before this offset is durable (class `memory`: visible).
  public let durableOffset: Offset
  /// What failed.
  public let cause: FileSystemError

  public var description: String {
    "stream '\(escapedForTerminal(stream))' stopped: \(cause); records before offset "
      + "\(durableOffset) are safe; close the store, mend the cause and open it again"
  }
}

/// Why an append was refused; nothing was appended then.
public enum AppendError: Error, Sendable {
  /// The record or batch breaks a limit or contradicts itself.
  case invalid(FormatError)
  /// The stream was created without chain and tree.
  case withoutEvidence
  /// What the removal would leave of chain and tree cannot be stated, so nothing was removed.
  indirect case unstated(EvidenceError)
  /// The log end offset is not the one the caller expected.
  case conflict(expected: Offset, actual: Offset)
  /// A newer epoch of this producer is at work.
  case producerFenced(id: UInt64, epoch: UInt16, current: UInt16)
  /// The sequence number is not the next one and not a repetition that is still remembered.
  case producerOutOfOrder(id: UInt64, expected: UInt32, actual: UInt32)
  /// The producer's sequence numbers are used up; it needs a new epoch.
  case producerExhausted(id: UInt64)
  /// More producers than the stream remembers.
  case tooManyProducers(limit: Int)
  /// No room for a new segment; existing records can be read and removed.
  case full(path: String, cause: FileSystemError)
  /// The stream stopped earlier.
  case streamFailed(StreamFailure)
  /// The append would have to wait, and the caller asked not to.
  case wouldBlock
  /// The body of a reservation threw; its offset holds no record.
  case abandoned
  /// The store was closed.
  case closed
  /// The store was opened before this process was forked.
  case forked
}

extension AppendError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalid(let error): error.description
    case .withoutEvidence:
      "the stream was created without chain and tree; its records cannot be proven"
    case .unstated(let error):
      "nothing was removed, because the store cannot state what goes: \(error)"
    case .conflict(let expected, let actual):
      "the log ends at offset \(actual), not at \(expected); read what came between and decide again"
    case .producerFenced(let id, let epoch, let current):
      "producer \(id) epoch \(epoch) was replaced by epoch \(current)"
    case .producerOutOfOrder(let id, let expected, let actual):
      "producer \(id) sent sequence \(actual), \(expected) is next"
    case .producerExhausted(let id):
      "producer \(id) has used up its sequence numbers; start a new epoch"
    case .tooManyProducers(let limit):
      "the stream remembers at most \(limit) producers; raise producerCountLimit"
    case .full(let path, let cause):
      "no room for a new segment in '\(escapedForTerminal(path))': \(cause.reason.explanation)"
    case .streamFailed(let failure): failure.description
    case .wouldBlock: "the append would have to wait for the disk"
    case .abandoned: "the reservation was given up"
    case .closed: "the store was closed"
    case .forked: "the store was opened before a fork; open it again in this process"
    }
  }
}

/// Why records could not be read.
public enum ReadError: Error, Sendable {
  /// The offset was removed; the log starts later now.
  case expired(requested: Offset, first: Offset)
  /// The offset is beyond the log end offset.
  case beyondEnd(requested: Offset, end: Offset)
  /// Bytes are not intact; the reader goes on behind them at the next call.
  case damaged(DamageReport)
  /// Written by a newer version.
  case newer(path: String, FormatError)
  /// A file-system operation failed.
  case fileSystem(FileSystemError)
  /// The file lost pages while it was mapped.
  case truncated(path: String)
  /// The store or stream is not what it was when the reader was made.
  case open(OpenError)
  /// The reader was closed.
  case closed
}

extension ReadError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .expired(let requested, let first):
      "offset \(requested) was removed; the log starts at \(first) now"
    case .beyondEnd(let requested, let end):
      "offset \(requested) is beyond the log end offset \(end)"
    case .damaged(let report): report.description
    case .newer(let path, let error): "'\(escapedForTerminal(path))': \(error)"
    case .fileSystem(let error): error.description
    case .truncated(let path):
      "'\(escapedForTerminal(path))' was truncated while it was read; restore it from a copy"
    case .open(let error): error.description
    case .closed: "the reader was closed"
    }
  }
}

/// A place in a segment where bytes that should be intact are not.
public struct DamageReport: Hashable, Sendable, CustomStringConvertible {
  /// Name of the stream.
  public let stream: String
  /// The segment.
  public let segmentID: UInt64
  /// The segment's file.
  public let path: String
  /// First position that is not intact.
  public let from: FilePosition
  /// Position of the next intact frame, or the end of the segment.
  public let to: FilePosition
  /// First offset that may be lost.
  public let firstOffset: Offset
  /// First offset that can be read again; equal to `firstOffset` when no record was hit.
  public let nextOffset: Offset
  /// What is wrong.
  public let cause: FormatError
  /// The segment that this one contradicts, where two do.
  public var otherPath: String?
  /// Why the file as a whole cannot be read, where it cannot.
  public var fileProblem: FileSystemError?

  public var description: String {
    let lost =
      firstOffset >= nextOffset
      ? "no record lost" : "offsets \(firstOffset) to \(nextOffset.rawValue - 1) lost"
    let other = otherPath.map { " (after '\(escapedForTerminal($0))')" } ?? ""
    let problem = fileProblem.map { $0.reason.explanation } ?? cause.description
    return "stream '\(escapedForTerminal(stream))', segment '\(escapedForTerminal(path))'\(other), "
      + "positions \(from) to \(to): \(problem); \(lost)"
  }
}
