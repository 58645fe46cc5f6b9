public import CommitLog
public import Cryptography
public import Integrity
internal import PlatformIO
public import Quantities

/// Why a checkpoint was not taken into a parent log, or a parent log cannot be used.
public enum AggregationError: Error, Sendable {
  /// It is no checkpoint, or a signature is missing or does not hold.
  case note(NoteError)
  /// No key of its log was given.
  case unknownLog(origin: String)
  /// A key has signed it twice: two spellings of one thing.
  case repeatedLine(name: KeyName)
  /// Too few witnesses of the policy have cosigned it.
  case quorum(origin: String)
  /// It is smaller than the newest one that the parent holds.
  case rollback(origin: String, held: CheckpointAggregator.Newest, given: UInt64)
  /// It has the size of the newest one that the parent holds, and another root.
  case fork(origin: String, held: CheckpointAggregator.Newest, root: Digest)
  /// It is larger, and nothing proves that it goes on from the newest one.
  case unproven(origin: String, held: CheckpointAggregator.Newest, given: UInt64)
  /// The proof does not lead from the newest one to it.
  case inconsistent(origin: String, held: CheckpointAggregator.Newest?, given: UInt64)
  /// The proof that came with it is from another size.
  case otherSize(origin: String, held: UInt64, given: UInt64)
  /// The tiles that a proof was to be made from cannot be read.
  case tiles(TileFolderError)
  /// The parent has no tree.
  case evidence(EvidenceError)
  /// The first records of the parent were removed, and with them what was seen.
  case beginningRemoved(stream: String, first: Offset)
  /// A record of the parent is no checkpoint.
  case foreignRecord(stream: String, Offset, NoteError)
  /// A record of the parent does not go on from an earlier one of the same log.
  case brokenOrder(stream: String, Offset, origin: String)
  /// Others append to the parent all the time.
  case contended
  /// The record could not be appended.
  case append(AppendError)
  /// The parent could not be read.
  case read(ReadError)

  /// Whether the checkpoint contradicts what its log signed before; all else may be mended.
  public var isContradiction: Bool {
    switch self {
    case .rollback, .fork, .inconsistent: true
    default: false
    }
  }
}

extension AggregationError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .note(let error): "\(error)"
    case .unknownLog(let origin):
      "no key of '\(escapedForTerminal(origin))' was given; give the public key of that log"
    case .repeatedLine(let name):
      "\(escapedForTerminal("\(name)")) has signed it twice; ask for it again"
    case .quorum(let origin):
      "too few witnesses of the policy have cosigned the checkpoint of "
        + "'\(escapedForTerminal(origin))'; ask for more of them"
    case .rollback(let origin, let held, let given):
      "ROLLBACK: '\(escapedForTerminal(origin))' signed size \(held.state.size) (record "
        + "\(held.offset)), and now size \(given): an earlier checkpoint, or a log that lost its end"
    case .fork(let origin, let held, let root):
      "FORK: '\(escapedForTerminal(origin))' signed two trees of size \(held.state.size): root "
        + "\(held.state.root) (record \(held.offset)), and now \(root); keep both, they prove it"
    case .unproven(let origin, let held, let given):
      "'\(escapedForTerminal(origin))' is held at size \(held.state.size), and nothing proves that size "
        + "\(given) goes on from there; give a consistency proof, or the tiles of the log"
    case .inconsistent(let origin, let held, let given):
      "FORK OR WRONG PROOF: size \(given) of '\(escapedForTerminal(origin))' does not go on from "
        + (held.map { "size \($0.state.size) (record \($0.offset))" } ?? "nothing")
        + "; ask the log for a proof between these two, and keep the checkpoint"
    case .otherSize(let origin, let held, let given):
      "the proof is from size \(given) of '\(escapedForTerminal(origin))', and size \(held) is held; ask for "
        + "one from there"
    case .tiles(let error): "\(error)"
    case .evidence(let error): "\(error)"
    case .beginningRemoved(let stream, let first):
      "stream '\(escapedForTerminal(stream))' begins at offset \(first): what was removed would be "
        + "forgotten; use a stream that keeps its records"
    case .foreignRecord(let stream, let offset, let error):
      "record \(offset) of stream '\(escapedForTerminal(stream))' is no checkpoint (\(error)); use a "
        + "stream that holds nothing else"
    case .brokenOrder(let stream, let offset, let origin):
      "record \(offset) of stream '\(escapedForTerminal(stream))' is a checkpoint of "
        + "'\(escapedForTerminal(origin))' that does not go on from an earlier one; somebody else "
        + "appended it: use another stream"
    case .contended: "others append to the stream all the time; try again"
    case .append(let error): "\(error)"
    case .read(let error): "\(error)"
    }
  }
}
