import BenchmarkHarness
internal import CommitLog
internal import LogFormat
internal import Quantities

/// What chain and tree take from whoever appends, below the rate at which they are made: appends at a steady
/// pace, and only the time inside them counts.
enum PacedAppendBenchmark {
  /// Appends of a burst, behind which the pace is kept.
  private static let burstCount = 64
  /// Nanoseconds from one burst to the next: two million records a second.
  private static let burstNanoseconds: UInt64 = 32_000

  static var benchmark: Benchmark {
    let peer = "piperoll memory, evidence none"
    return Benchmark(
      name: "append/100B/evidence",
      workload: Workload(
        recordByteCount: 100, recordsPerIteration: burstCount, durability: .visible),
      goals: [.atLeast(0.95, times: peer)],
      contenders: [
        Contender(peer, role: .peer) { try PacedAppend($0, .none) },
        Contender("piperoll memory, evidence tree", role: .ours) { try PacedAppend($0, .tree) },
      ])
  }

  /// Appends bursts of single records.
  private final class PacedAppend: ContenderSession {
    private let store: Store
    private let log: StreamLog
    private let payload: Payload

    init(_ context: BenchmarkContext, _ evidence: EvidenceClass) throws {
      (store, log) = try EngineCases.makeLog(context, .memory, evidence)
      payload = context.payload
      log.prepareAhead()
    }

    func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
      let (payload, log) = (payload, log)
      var spent: UInt64 = 0
      var next = MonotonicClock.nanoseconds()
      for iteration in 0..<iterations {
        let start = MonotonicClock.nanoseconds()
        for index in 0..<PacedAppendBenchmark.burstCount {
          _ = try log.append(payload.record(iteration &* 64 &+ index))
        }
        let end = MonotonicClock.nanoseconds()
        spent += end - start
        latencies?.record(nanoseconds: end - start)
        next += PacedAppendBenchmark.burstNanoseconds
        while MonotonicClock.nanoseconds() < next {}
      }
      return spent
    }

    func close() throws {
      // Nothing may have been left behind: the lag is bounded, and what is hashed is right.
      let end = log.logEndOffset
      if log.hasEvidence, end.rawValue > 0 {
        try log.waitUntilEvidenced(Offset(rawValue: end.rawValue - 1))
      }
      store.close()
    }
  }
}
