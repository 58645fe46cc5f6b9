public import Integrity
public import PlatformIO

/// A checkpoint with the cosignatures that could be had.
public struct CosignedCheckpoint: Sendable {
  /// A witness that gave none.
  public struct Failure: Sendable {
    /// The witness.
    public let name: KeyName
    /// Why.
    public let error: WitnessError
  }

  /// The checkpoint, with all lines that verify added behind those it had.
  public let note: SignedNote
  /// Witnesses that were asked and gave none, in the order of the policy.
  public let failures: [Failure]
  /// Whether the quorum of the policy has cosigned.
  public let isQuorumMet: Bool
}

extension WitnessPolicy {
  /// Asks all witnesses that have a URL to cosign a checkpoint, side by side.
  ///
  /// Waits on the thread it is called on until all have answered or their time is over: never call it on a
  /// thread of Swift's shared pool, where ``cosigned(_:after:timeoutMilliseconds:proof:)`` is for.
  ///
  /// - Parameters:
  ///   - note: The checkpoint with the log's signature.
  ///   - oldSize: What the witnesses are thought to have seen; 0 when nothing is known.
  ///   - timeoutMilliseconds: How long each witness may take.
  ///   - proof: Proves that the tree goes on; called on several threads at a time.
  public func collect(
    _ note: SignedNote, after oldSize: UInt64 = 0, timeoutMilliseconds: UInt32 = 10_000,
    proof: @escaping WitnessClient.ProofSource
  ) -> CosignedCheckpoint {
    let asked = witnesses.compactMap { witness in
      witness.url.map { Question(witness.key, $0) }
    }
    for question in asked {
      do throws(ThreadCreationError) {
        let thread = try DedicatedThread.start(name: "witness") {
          question.ask(note, after: oldSize, timeoutMilliseconds, proof)
        }
        question.thread.withLock { $0 = thread }
      } catch {
        question.fail(.thread(error))
      }
    }
    var note = note
    var failures: [CosignedCheckpoint.Failure] = []
    for question in asked {
      question.thread.withLock { $0 }?.join()
      switch question.answer.withLock({ $0 }) {
      case .success(let lines):
        // In the place of an older one: of two lines of a key only the first would count.
        note.lines.removeAll { line in
          lines.contains { $0.name == line.name && $0.keyID == line.keyID }
        }
        note.lines += lines
      case .failure(let error):
        failures.append(.init(name: question.key.name, error: error))
      case nil: break
      }
    }
    let isMet = (try? isSatisfied(by: note)) ?? false
    return CosignedCheckpoint(note: note, failures: failures, isQuorumMet: isMet)
  }

  /// Asks all witnesses that have a URL to cosign a checkpoint, side by side, without holding a thread of
  /// Swift's shared pool.
  ///
  /// - Parameters:
  ///   - note: The checkpoint with the log's signature.
  ///   - oldSize: What the witnesses are thought to have seen; 0 when nothing is known.
  ///   - timeoutMilliseconds: How long each witness may take.
  ///   - proof: Proves that the tree goes on; called on several threads at a time.
  /// - Throws: `ThreadCreationError`.
  public func cosigned(
    _ note: SignedNote, after oldSize: UInt64 = 0, timeoutMilliseconds: UInt32 = 10_000,
    proof: @escaping WitnessClient.ProofSource
  ) async throws(ThreadCreationError) -> CosignedCheckpoint {
    let result: Result<CosignedCheckpoint, ThreadCreationError> = await withCheckedContinuation {
      continuation in
      do throws(ThreadCreationError) {
        _ = try DedicatedThread.start(name: "witnesses") {
          continuation.resume(
            returning: .success(
              collect(
                note, after: oldSize, timeoutMilliseconds: timeoutMilliseconds, proof: proof)))
        }
      } catch {
        continuation.resume(returning: .failure(error))
      }
    }
    return try result.get()
  }

  /// One witness that is asked.
  private final class Question: Sendable {
    let key: NoteVerifierKey
    private let url: String
    let thread = Guarded<DedicatedThread?>(nil)
    let answer = Guarded<Result<[SignedNote.Line], WitnessError>?>(nil)

    init(_ key: NoteVerifierKey, _ url: String) { (self.key, self.url) = (key, url) }

    func ask(
      _ note: SignedNote, after oldSize: UInt64, _ timeoutMilliseconds: UInt32,
      _ proof: WitnessClient.ProofSource
    ) {
      do throws(WitnessError) {
        let client = try WitnessClient(
          url: url, key: key, timeoutMilliseconds: timeoutMilliseconds)
        let lines = try client.cosign(note, after: oldSize, proof: proof)
        answer.withLock { $0 = .success(lines) }
      } catch {
        answer.withLock { $0 = .failure(error) }
      }
    }

    func fail(_ reason: WitnessError.Reason) {
      answer.withLock { $0 = .failure(WitnessError(url, reason)) }
    }
  }
}
