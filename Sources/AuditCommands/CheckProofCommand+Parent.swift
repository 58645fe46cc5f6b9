internal import CommandLineInterface
internal import Cryptography
internal import Integrity

/// The way on, from the checkpoint of a proof to that of the log which holds it.
extension CheckProofCommand {
  /// Why a parent log does not vouch for a checkpoint.
  struct Refused: Error {
    let reason: String
  }

  /// What a parent log vouches for.
  struct Vouched {
    let origin: String
    let offset: UInt64
    let checkpoint: Checkpoint
  }

  /// What the command line says of a parent log.
  struct Above {
    private let bytes: [UInt8]
    private let keys: [NoteVerifierKey]
    private let origin: String
    private let policy: WitnessPolicy?

    /// - Returns: `nil` when no parent is given.
    init?(_ arguments: ParsedArguments, _ policy: WitnessPolicy?) throws(AuditFailure) {
      let keys = arguments[CheckProofCommand.parentKeys]
      guard let path = arguments[CheckProofCommand.parent] else {
        guard keys.isEmpty, arguments[CheckProofCommand.parentOrigin] == nil else {
          throw .message("give the proof that --parent-key is about with --parent")
        }
        return nil
      }
      guard let first = keys.first else {
        throw .message("give the parent log's public key with --parent-key")
      }
      (self.keys, self.policy) = (keys, policy)
      origin = arguments[CheckProofCommand.parentOrigin] ?? "\(first.name)"
      bytes = try NamedFile.read(path, limit: ProofFile.byteCountLimit, kind: "a proof")
    }

    func verify(_ proof: ProofFile) throws(Refused) -> Vouched {
      let parent: ProofFile
      do throws(NoteError) { parent = try ProofFile(bytes) } catch {
        throw Refused(reason: "parent: \(error)")
      }
      do throws(ProofFile.ParentFailure) {
        let (checkpoint, leaf) = try proof.verifyCheckpoint(
          in: parent, origin: origin, keys: keys, policy: policy)
        return Vouched(origin: origin, offset: leaf.offset, checkpoint: checkpoint)
      } catch {
        throw Refused(reason: "parent: \(Self.text(error))")
      }
    }

    private static func text(_ failure: ProofFile.ParentFailure) -> String {
      switch failure {
      case .leaf:
        "the proof does not hold the record's leaf; have 'piperoll evidence prove' make it"
      case .parent(let failure): CheckProofCommand.text(failure)
      case .record(let failure): CheckProofCommand.text(failure)
      case .otherRecord(let offset):
        "record \(offset) is not the checkpoint of the first proof; prove the record under the very "
          + "checkpoint that was aggregated"
      }
    }
  }
}
