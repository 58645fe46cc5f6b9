internal import AuditVerification
import BenchmarkHarness
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import Synchronization

/// What an audit beside a writer takes from it: the time of each append at full speed, with and without one. The
/// audit goes on all the time, over and over, and may find nothing.
enum LiveAuditBenchmark {
  static var benchmark: Benchmark {
    let alone = "piperoll memory, evidence tree"
    return Benchmark(
      name: "append/100B/audited",
      workload: Workload(recordByteCount: 100, durability: .visible), measure: .latency,
      goals: [.latencyAtMost(1.02, times: alone, at: .p99)],
      contenders: [
        Contender(alone, role: .peer, lifetime: .benchmark) { try LiveAppend($0) },
        Contender("piperoll memory, evidence tree, audited", role: .ours, lifetime: .benchmark) {
          try AuditedAppend($0)
        },
      ])
  }

  /// Appends single records, and removes old ones between the windows.
  private class LiveAppend: ContenderSession {
    private static let keptCount: UInt64 = 3_000_000
    private let store: Store
    private let log: StreamLog
    private let payload: Payload

    init(_ context: BenchmarkContext) throws {
      (store, log) = try EngineCases.makeLog(context, .memory, .tree)
      payload = context.payload
      log.prepareAhead()
    }

    func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
      let (payload, log) = (payload, log)
      let spent = try stopwatch(iterations: iterations, recording: latencies) { iteration in
        _ = try log.append(payload.record(iteration))
      }
      let end = log.logEndOffset.rawValue
      if end > Self.keptCount {
        try log.removeSegments(before: Offset(rawValue: end - Self.keptCount), reason: "benchmark")
      }
      return spent
    }

    func close() throws { store.close() }
  }

  /// The same beside an audit.
  private final class AuditedAppend: LiveAppend {
    private struct Found: Error {
      let text: String
    }

    private struct NoAudit: Error {}

    /// What the audits came to.
    private final class Outcome: Sendable {
      let isOver = Atomic<Bool>(false)
      let auditCount = Atomic<Int>(0)
      let failure = Guarded<String?>(nil)
    }

    private let path: String
    private let outcome = Outcome()

    override init(_ context: BenchmarkContext) throws {
      path = context.directory + "/store"
      try super.init(context)
    }

    override func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
      let (outcome, path) = (outcome, path)
      outcome.isOver.store(false, ordering: .relaxed)
      let thread = try DedicatedThread.start(name: "auditor") {
        // As the program does.
        ThreadPriority.giveWay(niceness: 10)
        while !outcome.isOver.load(ordering: .relaxed) {
          do {
            let report = try Audit(AuditOptions(path: path), fileSystem: PosixFileSystem()).run()
              .report
            guard !report.findings.isEmpty else {
              outcome.auditCount.wrappingAdd(1, ordering: .relaxed)
              continue
            }
            outcome.failure.withLock { $0 = "\(report.findings)" }
          } catch {
            outcome.failure.withLock { $0 = "\(error)" }
          }
        }
      }
      defer {
        outcome.isOver.store(true, ordering: .relaxed)
        thread.join()
      }
      let spent = try super.run(iterations: iterations, latencies: latencies)
      if let text = outcome.failure.withLock({ $0 }) { throw Found(text: text) }
      return spent
    }

    override func close() throws {
      try super.close()
      guard outcome.auditCount.load(ordering: .relaxed) > 0 else { throw NoAudit() }
    }
  }
}
