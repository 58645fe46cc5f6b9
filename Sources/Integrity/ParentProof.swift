internal import Cryptography

/// How a record of a log is proven by the checkpoint of another: its own log's checkpoint is a record of a
/// parent log, and that log's checkpoint is the one that witnesses have seen.
extension ProofFile {
  /// Checks that the checkpoint of this proof is a record of a parent log: its bytes, with all their
  /// signatures, are the record's value.
  ///
  /// This proof is verified by itself (``verify(leaf:origin:keys:policy:)``); what its log says of itself is
  /// believed no more because a parent holds it.
  ///
  /// - Parameters:
  ///   - parent: The proof of that record, as a prover of Piperoll makes it: with the record's leaf.
  ///   - origin: The parent log, as the caller knows it.
  ///   - keys: Keys of the parent log.
  ///   - policy: What witnesses must have seen the parent's checkpoint; `nil` for none.
  /// - Returns: The parent's checkpoint, and the record's leaf in it.
  /// - Throws: ``ParentFailure``.
  public func verifyCheckpoint(
    in parent: ProofFile, origin: String, keys: [NoteVerifierKey], policy: WitnessPolicy? = nil
  ) throws(ParentFailure) -> (checkpoint: Checkpoint, leaf: RecordLeaf) {
    guard let extra = parent.extra, let record = RecordProof(extra) else { throw .leaf }
    let checkpoint: Checkpoint
    do throws(Failure) {
      checkpoint = try parent.verify(
        leaf: record.provenLeaf, origin: origin, keys: keys, policy: policy)
    } catch {
      throw .parent(error)
    }
    do throws(RecordProof.Failure) { try record.verify(index: parent.index) } catch {
      throw .record(error)
    }
    let commitment = RecordContent.commitment(
      key: nil, type: nil, headers: [], value: note.encoded)
    guard record.leaf.kind == .record, record.leaf.commitment == commitment else {
      throw .otherRecord(offset: record.leaf.offset)
    }
    return (checkpoint, record.leaf)
  }

  /// Why a parent log does not vouch for a checkpoint.
  public enum ParentFailure: Error, Hashable, Sendable {
    /// The parent's proof does not say of which record it is.
    case leaf
    /// The parent's proof does not hold.
    case parent(Failure)
    /// What stands between the parent's record and its checkpoint does not hold.
    case record(RecordProof.Failure)
    /// The record is another one than the checkpoint of this proof.
    case otherRecord(offset: UInt64)
  }
}
