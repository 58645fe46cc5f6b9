public import Cryptography

/// What a witness decides about a request (C2SP tlog-witness): pure rules. Who calls it keeps what was seen
/// last, durably and atomically, before the answer leaves.
public struct Witness: Sendable {
  /// A log whose checkpoints are cosigned.
  public struct Log: Hashable, Sendable {
    /// The first line of its checkpoints.
    public let origin: String
    /// Keys that it signs with.
    public let keys: [NoteVerifierKey]

    /// A log.
    public init(origin: String, keys: [NoteVerifierKey]) {
      (self.origin, self.keys) = (origin, keys)
    }
  }

  /// The largest consistent tree of an origin that was seen.
  public struct State: Hashable, Sendable {
    /// Leaves of the tree.
    public let size: UInt64
    /// Its root.
    public let root: Digest

    /// A tree.
    public init(size: UInt64, root: Digest) { (self.size, self.root) = (size, root) }

    /// What was seen of a log before its first checkpoint.
    public static let nothing = State(size: 0, root: MerkleTree.emptyRoot)
  }

  /// Why a checkpoint is not cosigned.
  public enum Refusal: Error, Hashable, Sendable {
    /// The request cannot be read, or contradicts itself.
    case malformed
    /// The log is not one of those that are witnessed.
    case unknownOrigin
    /// No signature of the log's keys, or one that does not verify.
    case unsigned
    /// The sender thinks of another size; this is the one.
    case conflict(size: UInt64)
    /// The checkpoint does not go on from what was seen.
    case inconsistent

    /// The status of HTTP that says so.
    public var status: Int {
      switch self {
      case .malformed: 400
      case .unsigned: 403
      case .unknownOrigin: 404
      case .conflict: 409
      case .inconsistent: 422
      }
    }
  }

  /// By the bytes of the origin: equal as text is not enough.
  private let logs: [[UInt8]: Log]

  /// A witness of some logs; of two with one origin the first counts.
  public init(logs: [Log]) {
    self.logs = Dictionary(logs.map { (Array($0.origin.utf8), $0) }) { first, _ in first }
  }

  /// The log that a request is about, if it is witnessed: whose state is needed to judge it.
  ///
  /// - Throws: `.malformed`, `.unknownOrigin`.
  public func log(of request: WitnessRequest) throws(Refusal) -> Log {
    guard let checkpoint = try? Checkpoint(text: request.note.text) else { throw .malformed }
    guard let log = logs[checkpoint.origin] else { throw .unknownOrigin }
    return log
  }

  /// Judges a request, in the order in which the text lists the answers.
  ///
  /// - Parameters:
  ///   - request: What was asked.
  ///   - state: What was seen of that origin last.
  /// - Returns: What is seen now. It is to be kept before a cosignature leaves.
  /// - Throws: ``Refusal``.
  public func judge(_ request: WitnessRequest, after state: State) throws(Refusal) -> State {
    let log = try log(of: request)
    let checkpoint: Checkpoint
    do throws(NoteError) {
      checkpoint = try Checkpoint.verified(request.note, origin: log.origin, keys: log.keys)
    } catch {
      throw .unsigned
    }
    guard request.oldSize <= checkpoint.size else { throw .malformed }
    guard request.oldSize == state.size else { throw .conflict(size: state.size) }
    if checkpoint.size == 0, checkpoint.root != MerkleTree.emptyRoot { throw .inconsistent }
    let proof = ConsistencyProof(
      oldSize: request.oldSize, size: checkpoint.size, path: request.path)
    do throws(ProofError) {
      try proof.verify(part: state.root, root: checkpoint.root)
    } catch {
      throw .inconsistent
    }
    return State(size: checkpoint.size, root: checkpoint.root)
  }
}
