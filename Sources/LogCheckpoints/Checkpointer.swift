public import CommitLog
internal import Cryptography
public import EvidenceFiles
public import Integrity
internal import PlatformIO
internal import Quantities

/// Signs how far a store has come, or one of its streams: never twice in ways that contradict each other.
///
/// What is signed is durable and covered by chain and tree; it goes on, provably, from what was signed last;
/// and it stands in a file outside the store before anybody sees it. Methods may be called from any thread.
public final class Checkpointer: Sendable {
  /// Which tree is signed.
  public enum Subject: Sendable {
    /// That of the store: of its statements about all its streams.
    case store
    /// That of one stream.
    case stream(StreamLog)
  }

  private let store: Store
  private let subject: Subject
  private let key: NoteSignerKey
  private let file: CheckpointFile
  /// The origin that stands in the checkpoints.
  public let origin: String

  /// Prepares to sign.
  ///
  /// - Parameters:
  ///   - store: The store.
  ///   - subject: Which tree.
  ///   - origin: The store's origin; that of a stream follows from it (``origin(of:in:)``).
  ///   - key: The log's key.
  ///   - file: Where the last checkpoint stands, outside the store.
  public init(
    _ store: Store, _ subject: Subject = .store, origin: String, key: NoteSignerKey,
    file: CheckpointFile
  ) {
    (self.store, self.subject, self.key, self.file) = (store, subject, key, file)
    switch subject {
    case .store: self.origin = origin
    case .stream(let log): self.origin = Self.origin(of: log.name, in: origin)
    }
  }

  /// The origin of a stream: that of its store, `/streams/`, and the name with bytes other than ASCII
  /// letters, digits and `-._~` written as `%` and two hexadecimal digits.
  public static func origin(of stream: String, in store: String) -> String {
    Checkpoint.origin(of: stream, in: store)
  }

  /// The tree that is signed; `nil` when there is nothing in it yet.
  ///
  /// - Throws: ``CheckpointError``: `.evidence`.
  public func tree() throws(CheckpointError) -> StreamTree? {
    do throws(EvidenceError) {
      switch subject {
      case .store:
        guard let log = try store.evidenceStream() else { return nil }
        return try store.tree(of: log)
      case .stream(let log): return try store.tree(of: log)
      }
    } catch {
      throw .evidence(error)
    }
  }

  /// Covers all that was appended, and signs it.
  ///
  /// - Returns: The checkpoint; the last one, with all its lines, when nothing was added since.
  /// - Throws: ``CheckpointError``: `.nothing`, `.contradiction` when the store is not the one that was
  ///   signed before, or an older copy of it; `.evidence`, `.file`, `.note`.
  public func checkpoint() throws(CheckpointError) -> SignedNote {
    let head: EvidenceHead?
    do throws(EvidenceError) {
      switch subject {
      case .store: head = try store.stateHeads()
      case .stream(let log): head = try log.proveAll()
      }
    } catch {
      throw .evidence(error)
    }
    guard let head, let root = Digest(head.root), let tree = try tree() else { throw .nothing }
    let next: Checkpoint
    do throws(NoteError) {
      next = try Checkpoint(origin: origin, size: head.nextOffset.rawValue, root: root)
    } catch {
      throw .note(error)
    }
    let last = file.checkpoint
    if let last {
      if last == next, let note = file.note { return note }
      try check(last, next, tree)
    }
    var note: SignedNote
    do throws(NoteError) {
      note = try SignedNote(text: next.text)
      try note.sign(with: key)
    } catch {
      throw .note(error)
    }
    do throws(CheckpointFileError) { try file.advance(to: note, from: last) } catch {
      throw .file(error)
    }
    return note
  }

  /// Proves to ourselves that the tree went on from what was signed.
  private func check(_ last: Checkpoint, _ next: Checkpoint, _ tree: StreamTree)
    throws(CheckpointError)
  {
    let contradiction = CheckpointError.contradiction(
      path: file.path, last: last.size, next: next.size)
    guard last.origin == next.origin else {
      throw .otherOrigin(
        path: file.path, last: String(decoding: last.origin, as: UTF8.self), next: origin)
    }
    guard last.size <= next.size else { throw contradiction }
    let proof: ConsistencyProof
    do throws(EvidenceError) {
      proof = try tree.consistencyProof(oldSize: last.size, size: next.size)
    } catch {
      throw .evidence(error)
    }
    do throws(ProofError) { try proof.verify(part: last.root, root: next.root) } catch {
      throw contradiction
    }
  }

  /// Puts cosignatures of the last checkpoint beside it.
  ///
  /// - Parameter note: The last checkpoint, with more lines.
  /// - Throws: ``CheckpointError``: `.file`.
  public func keep(_ note: SignedNote) throws(CheckpointError) {
    do throws(CheckpointFileError) { try file.advance(to: note, from: file.checkpoint) } catch {
      throw .file(error)
    }
  }
}

/// Why there is no checkpoint.
public enum CheckpointError: Error, Sendable, CustomStringConvertible {
  /// Nothing was appended yet to a stream with a tree.
  case nothing
  /// The store is not the one whose checkpoint was signed last, or an older copy of it.
  case contradiction(path: String, last: UInt64, next: UInt64)
  /// The file holds a checkpoint of another log.
  case otherOrigin(path: String, last: String, next: String)
  /// Chain or tree cannot be had.
  case evidence(EvidenceError)
  /// The last checkpoint cannot be kept.
  case file(CheckpointFileError)
  /// A key or a note is not as it must be.
  case note(NoteError)

  public var description: String {
    switch self {
    case .nothing:
      "there is nothing to sign: append to a stream that has a tree (--evidence tree)"
    case .contradiction(let path, let last, let next):
      "the checkpoint in '\(escapedForTerminal(path))' has size \(last), and the store has another tree, "
        + "now of size \(next): it is an older copy, or was changed; nothing was signed. See what "
        + "piperoll-audit verify --checkpoint says of it"
    case .otherOrigin(let path, let last, let next):
      "'\(escapedForTerminal(path))' holds a checkpoint of '\(escapedForTerminal(last))', not of "
        + "'\(escapedForTerminal(next))'; each log needs a file of its own"
    case .evidence(let error): "\(error)"
    case .file(let error): "\(error)"
    case .note(let error): "\(error)"
    }
  }
}
