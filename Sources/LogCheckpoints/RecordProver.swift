public import CommitLog
internal import Cryptography
public import Integrity
public import Quantities

/// Makes proofs that records are in a log, as files that anybody can check (C2SP tlog-proof).
public struct RecordProver: Sendable {
  private let store: any StoreTrees
  private let stream: StreamName

  /// Proves records of a stream.
  ///
  /// - Parameters:
  ///   - stream: The stream; it has a tree.
  ///   - store: The store, open for writing or reading.
  public init(_ stream: StreamName, of store: any StoreTrees) {
    (self.store, self.stream) = (store, stream)
  }

  /// Proves a record.
  ///
  /// - Parameters:
  ///   - offset: The record's offset.
  ///   - note: A checkpoint of the stream or of the store, signed; its signatures are not looked at.
  /// - Returns: The file; its `extra` bytes are a `RecordProof`.
  /// - Throws: ``ProverError``.
  public func proof(of offset: Offset, under note: SignedNote) throws(ProverError) -> ProofFile {
    let checkpoint: Checkpoint
    do throws(NoteError) { checkpoint = try Checkpoint(text: note.text) } catch {
      throw .note(error)
    }
    do throws(EvidenceError) {
      do throws(EvidenceError) { return try proof(of: offset, under: note, checkpoint) } catch {
        // What was stated or taken out in the last moment may be why.
        try store.refresh(stream)
        return try proof(of: offset, under: note, checkpoint)
      }
    } catch {
      throw .evidence(error)
    }
  }

  private func proof(of offset: Offset, under note: SignedNote, _ checkpoint: Checkpoint)
    throws(EvidenceError) -> ProofFile
  {
    // An origin that ends like this is that of the stream; nothing else may be taken for it, as the
    // root decides.
    let suffix = Array(Checkpointer.origin(of: stream.text, in: "").utf8)
    guard checkpoint.origin.suffix(suffix.count).elementsEqual(suffix) else {
      return try statedProof(of: offset, under: note, checkpoint)
    }
    guard offset.rawValue < checkpoint.size else { throw .notCovered(offset) }
    let tree = try store.tree(ofStream: stream)
    let leaf = try leaf(offset, tree)
    let (_, proof) = try tree.proof(of: offset, size: checkpoint.size, root: checkpoint.root)
    return ProofFile(
      index: offset.rawValue, path: proof.path, note: note, extra: RecordProof(leaf: leaf).encoded)
  }

  private func leaf(_ offset: Offset, _ tree: StreamTree) throws(EvidenceError) -> RecordLeaf {
    guard let leaf = try tree.leaves(offset..<offset.advanced(by: 1)).first else {
      throw .notCovered(offset)
    }
    return leaf
  }

  /// By way of a statement of the store.
  private func statedProof(of offset: Offset, under note: SignedNote, _ checkpoint: Checkpoint)
    throws(EvidenceError) -> ProofFile
  {
    guard
      let stated = try store.statedHeads(
        ofStream: stream, covering: offset, below: checkpoint.size),
      case .heads(let heads) = stated.statement.content
    else { throw .notCovered(offset) }
    let tree = try store.tree(ofStream: stream)
    let leaf = try leaf(offset, tree)
    let (_, inner) = try tree.proof(of: offset, size: heads.nextOffset, root: heads.root)
    let statements = try store.treeOfStatements()
    let statementLeaf = try self.leaf(stated.offset, statements)
    let (_, outer) = try statements.proof(
      of: stated.offset, size: checkpoint.size, root: checkpoint.root)
    let extra = RecordProof(
      leaf: leaf,
      inner: .init(path: inner.path, statementLeaf: statementLeaf, statement: stated.statement))
    return ProofFile(
      index: stated.offset.rawValue, path: outer.path, note: note, extra: extra.encoded)
  }
}

/// Why a record cannot be proven.
public enum ProverError: Error, Sendable, CustomStringConvertible {
  /// The checkpoint is none.
  case note(NoteError)
  /// Chain or tree cannot be had, or do not lead to the checkpoint.
  case evidence(EvidenceError)

  public var description: String {
    switch self {
    case .note(let error): "\(error)"
    case .evidence(let error): "\(error)"
    }
  }
}
