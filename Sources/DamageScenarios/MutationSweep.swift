internal import PlatformIO
internal import SimulatedIO

/// Changes a store with evidence in random ways, one at a time, and audits each copy with the checkpoints
/// that were held: nothing that is covered may change unseen, and nothing else may be called broken.
public struct MutationSweep: Sendable {
  /// Decides the store's content and the mutations.
  public var seed: UInt64 = 1
  /// Bytes of values in the store.
  public var byteCount = 256 << 10
  /// How many mutations.
  public var count = 1_000_000
  /// The only mutation to judge; `nil` for all.
  public var only: Int?
  /// Every how many-th of the bits that structures cover is flipped, instead of mutations at random; `nil` for those.
  public var bitStep: Int?
  /// The first of these bits.
  public var firstBit = 0
  /// Threads.
  public var threadCount = 2

  /// Makes a sweep.
  public init() {}

  /// What a sweep came to.
  public struct Outcome: Sendable {
    /// Mutations by kind and by what was changed, and what went wrong.
    public var tally = Tally()
    /// Mutations that changed no byte.
    public var sameCount = 0
    /// Bytes that some structure covers.
    public var coveredByteCount = 0
    /// Bytes that nothing covers, by reason.
    public var freeByteCounts: [String: Int] = [:]

    /// The list of bytes that nothing covers, for people.
    public var coverageLines: [String] {
      let free = freeByteCounts.sorted { $0.key < $1.key }
      return ["\(coveredByteCount) bytes are covered; of no consequence are:"]
        + free.map { "  \($0.value) bytes: \($0.key)" }
    }
  }

  /// Runs it.
  ///
  /// - Parameter progress: Called with mutations that were judged, by one thread at a time.
  public func run(progress: @escaping @Sendable (Int) -> Void = { _ in }) throws(ScenarioError)
    -> Outcome
  {
    let numbers = try numbers()
    let result = Guarded<(outcome: Outcome, error: ScenarioError?, done: Int)>((Outcome(), nil, 0))
    let sweep = self
    let next = Guarded(numbers.lowerBound)
    let threads = try step("starting threads") {
      try (0..<max(1, threadCount)).map { worker in
        try DedicatedThread.start(name: "mutations \(worker)", stackByteCount: 8 << 20) {
          do throws(ScenarioError) {
            // Each worker has a disk of its own, made by the same steps.
            let store = try EvidenceStore(seed: sweep.seed, byteCount: sweep.byteCount)
            let judge = try MutationJudge(store, seed: sweep.seed)
            result.withLock {
              $0.outcome.coveredByteCount = judge.coverage.coveredByteCount
              $0.outcome.freeByteCounts = judge.coverage.freeByteCounts
            }
            while true {
              let from = next.withLock { next in
                defer { next = min(next + Self.portion, numbers.upperBound) }
                return next
              }
              guard from < numbers.upperBound else { break }
              let part = from..<min(from + Self.portion, numbers.upperBound)
              let outcome = try sweep.judge(part, judge)
              result.withLock {
                $0.outcome.tally.add(outcome.tally)
                $0.outcome.sameCount += outcome.sameCount
                $0.done += part.count
                progress($0.done)
              }
            }
          } catch {
            let problem = error
            result.withLock { $0.error = problem }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    let (outcome, error, _) = result.withLock { $0 }
    if let error { throw error }
    return outcome
  }

  /// Mutations that a thread takes at a time.
  private static let portion = 256

  /// What is judged: mutations, or flips.
  public func numbers() throws(ScenarioError) -> Range<Int> {
    if let only { return only..<(only + 1) }
    guard let bitStep else { return 0..<count }
    let judge = try MutationJudge(EvidenceStore(seed: seed, byteCount: byteCount), seed: seed)
    return 0..<(max(0, judge.mutator.bitCount - firstBit) + bitStep - 1) / bitStep
  }

  private func judge(_ numbers: Range<Int>, _ judge: MutationJudge) throws(ScenarioError) -> Outcome
  {
    var outcome = Outcome()
    if let bitStep {
      for number in numbers {
        let problem = try judge.judge(flip: firstBit + number * bitStep)
        outcome.tally.note("covered: each bit flipped", problem)
      }
      return outcome
    }
    for number in numbers {
      let mutation = judge.mutator.mutation(number)
      switch try judge.judge(mutation) {
      case .same: outcome.sameCount += 1
      case .covered(let problem): outcome.tally.note("covered: \(mutation.kind.rawValue)", problem)
      case .free(let problem): outcome.tally.note("free: \(mutation.kind.rawValue)", problem)
      }
    }
    return outcome
  }
}
