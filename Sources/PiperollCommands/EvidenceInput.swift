internal import CommandLineInterface
internal import Integrity
internal import LogCheckpoints
internal import PlatformIO

#if HTTP
  internal import EvidenceHTTP
#endif

/// What the commands about evidence read.
enum EvidenceInput {
  /// Reads a checkpoint with its signatures.
  static func note(_ path: String) throws(CommandFailure) -> SignedNote {
    let bytes = try NamedFile.read(path, limit: SignedNote.byteCountLimit, kind: "a checkpoint")
    do throws(NoteError) {
      let note = try SignedNote(bytes)
      _ = try Checkpoint(text: note.text)
      return note
    } catch {
      throw .message("'\(escapedForTerminal(path))': \(error)")
    }
  }

  /// Reads a policy.
  static func policy(_ path: String) throws(CommandFailure) -> WitnessPolicy {
    let bytes = try NamedFile.read(path, limit: 1 << 20, kind: "a policy")
    do throws(NoteError) { return try WitnessPolicy(bytes) } catch {
      throw .message("'\(escapedForTerminal(path))': \(error)")
    }
  }

  /// Asks the witnesses of a policy, and keeps what they answered.
  ///
  /// - Parameter before: What they are thought to have seen.
  static func cosigned(
    _ note: SignedNote, before: UInt64, _ policy: WitnessPolicy, _ checkpointer: Checkpointer,
    _ console: Console
  ) throws(CommandFailure) -> (SignedNote, ExitCode) {
    #if HTTP
      do throws(CheckpointError) {
        guard let tree = try checkpointer.tree() else { return (note, .success) }
        let result = policy.collect(note, after: before) { old, size in
          try tree.consistencyProof(oldSize: old, size: size).path
        }
        for failure in result.failures {
          console.writeError("evidence: witness \(failure.name): \(failure.error)\n")
        }
        try checkpointer.keep(result.note)
        guard result.isQuorumMet else {
          console.writeError("evidence: too few witnesses cosigned; try again\n")
          return (result.note, .usage)
        }
        return (result.note, .success)
      } catch {
        throw .message("\(error)")
      }
    #else
      throw .message("this program was built without HTTP and can ask no witnesses")
    #endif
  }
}

extension ValueKind where Value == NoteVerifierKey {
  /// The public key of a log.
  static var logKey: ValueKind {
    ValueKind { text throws(ValueError) in
      let key: NoteVerifierKey
      do throws(NoteError) { key = try NoteVerifierKey(text) } catch {
        throw ValueError("is refused: \(error)")
      }
      guard key.kind == .ed25519 else {
        throw ValueError("is a witness's key; give the key that the log signs with")
      }
      return key
    }
  }
}
