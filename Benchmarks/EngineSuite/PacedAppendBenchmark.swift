import BenchmarkHarness
internal import CommitLog
internal import Cryptography
internal import LogFormat
internal import Quantities
internal import Synchronization

/// What chain and tree take from whoever appends, below the rate at which they are made: appends at a steady
/// pace, and only the time inside them counts.
///
/// Two hardware threads of one core share its units, so that whoever computes beside an append slows it. One
/// contender has a thread that hashes as much memory of its own: what is slower than that is the log's doing.
///
/// A latency is that of a burst of 64 appends. Its median tells what an append costs; the rate has the moments in it, too,
/// in which the machine gave the processor to somebody else.
enum PacedAppendBenchmark {
  /// Appends of a burst, behind which the pace is kept.
  private static let burstCount = 64
  /// Nanoseconds from one burst to the next: two million records a second.
  private static let burstNanoseconds: UInt64 = 32_000

  static var benchmark: Benchmark {
    let peer = "piperoll memory, evidence none"
    let busy = "piperoll memory, evidence none, hashing beside"
    return Benchmark(
      name: "append/100B/evidence",
      workload: Workload(
        recordByteCount: 100, recordsPerIteration: burstCount, durability: .visible),
      measure: .latency,
      goals: [
        .latencyAtMost(1.05, times: peer), .latencyAtMost(1.05, times: busy),
        .atLeast(0.95, times: busy),
      ],
      contenders: [
        Contender(peer, role: .peer) { try PacedAppend($0, .none) },
        Contender(busy, role: .peer) { context in
          BesideHashing(try PacedAppend(context, .none), context.workload)
        },
        Contender("piperoll memory, evidence tree", role: .ours) { try PacedAppend($0, .tree) },
      ])
  }

  /// Another session, with a thread that hashes at the same pace.
  private final class BesideHashing: ContenderSession {
    private let session: PacedAppend
    private let end = End()

    private final class End: Sendable {
      let isReached = Atomic<Bool>(false)
    }

    init(_ session: PacedAppend, _ workload: Workload) {
      self.session = session
      let end = end
      Task.detached {
        // As many at once as the engine hashes.
        let hashing = HashSession(.records, .best, workload, recordCount: 1_024)
        let groupNanoseconds = 16 * PacedAppendBenchmark.burstNanoseconds
        var next = MonotonicClock.nanoseconds()
        while !end.isReached.load(ordering: .relaxed) {
          _ = try hashing.run(iterations: 1, latencies: nil)
          next += groupNanoseconds
          let now = MonotonicClock.nanoseconds()
          if now < next { try await Task.sleep(nanoseconds: next - now) }
        }
      }
    }

    func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
      try session.run(iterations: iterations, latencies: latencies)
    }

    func close() throws {
      end.isReached.store(true, ordering: .relaxed)
      try session.close()
    }
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
