internal import AuditVerification
import BenchmarkHarness
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// What an audit beside a writer takes from it: the time of each append at full speed, with and without one. The
/// audit goes on all the time, over and over, and may find nothing.
enum LiveAuditBenchmark {
  static var benchmark: Benchmark {
    let alone = "piperoll memory, evidence tree"
    return Benchmark(
      name: "append/100B/audited",
      workload: Workload(recordByteCount: 100, durability: .visible), measure: .latency,
      goals: [.latencyAtMost(1.02, times: alone, at: .p99)],
      // One hundredth of the appends says little of a short time.
      windowFactor: 4,
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

    private let path: String
    private var auditCount = 0

    override init(_ context: BenchmarkContext) throws {
      path = context.directory + "/store"
      try super.init(context)
    }

    override func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
      let auditor = try AuditChild.start(path)
      let spent: Result<UInt64, any Error> = Result {
        try super.run(iterations: iterations, latencies: latencies)
      }
      let answer = try auditor.stop()
      guard answer.problem.isEmpty else { throw Found(text: answer.problem) }
      auditCount += answer.count
      return try spent.get()
    }

    override func close() throws {
      try super.close()
      guard auditCount > 0 else { throw NoAudit() }
    }
  }
}

/// The process that audits, over and over, until it is told to stop: the program is one of its own, too.
struct AuditChild {
  private let request: ChildRequest

  private static let flag = "--audit-child"

  /// Reads the arguments of a child; `nil` in any other process.
  init?(_ arguments: [String]) {
    guard let request = ChildRequest(Self.flag, arguments) else { return nil }
    self.request = request
  }

  /// Starts a child that audits a store.
  static func start(_ path: String) throws -> ChildProcess { try ChildProcess(flag, path) }

  /// Audits until it is told to stop, and tells how often.
  func run() -> Never {
    // As the program does.
    ThreadPriority.giveWay(niceness: 10)
    var (count, problem) = (0, "")
    while problem.isEmpty, request.isWanted {
      do {
        let options = AuditOptions(path: request.path)
        let report = try Audit(options, fileSystem: PosixFileSystem()).run().report
        if !report.findings.isEmpty { problem = "\(report.findings)" }
        count += 1
      } catch {
        problem = "\(error)"
      }
    }
    request.end(count: count, problem: problem)
  }
}
