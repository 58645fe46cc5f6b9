internal import AuditVerification
import BenchmarkHarness
internal import CommitLog
import Glibc
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
      auditCount += answer.auditCount
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
  private let path: String
  private let socket: Int32

  private static let flag = "--audit-child"
  private struct Failed: Error {}

  /// Reads the arguments of a child; `nil` in any other process.
  init?(_ arguments: [String]) {
    guard arguments.count == 4, arguments[1] == Self.flag, let socket = Int32(arguments[3]) else {
      return nil
    }
    (path, self.socket) = (arguments[2], socket)
  }

  /// A child that runs.
  struct Running {
    fileprivate let process: pid_t
    fileprivate let socket: Int32

    /// Ends it behind its present audit.
    ///
    /// - Returns: How many audits there were, and what one found; empty when none found anything.
    func stop() throws -> (auditCount: Int, problem: String) {
      defer { Glibc.close(socket) }
      shutdown(socket, Int32(SHUT_WR))
      var bytes: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4_096)
      while true {
        let count = unsafe read(socket, &buffer, buffer.count)
        guard count > 0 else { break }
        bytes += buffer.prefix(count)
      }
      var status: Int32 = 0
      _ = unsafe waitpid(process, &status, 0)
      let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", maxSplits: 1)
      guard status == 0, let count = lines.first.flatMap({ Int($0) }) else { throw Failed() }
      return (count, lines.count > 1 ? String(lines[1]) : "")
    }
  }

  /// Starts a child that audits a store.
  static func start(_ path: String) throws -> Running {
    var ends: [Int32] = [0, 0]
    guard unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else {
      throw Failed()
    }
    defer { Glibc.close(ends[1]) }
    // Or the child would hold the end open that says when to stop.
    _ = fcntl(ends[0], F_SETFD, FD_CLOEXEC)
    let words = [CommandLine.arguments[0], flag, path, "\(ends[1])"]
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    guard unsafe posix_spawn(&child, "/proc/self/exe", nil, nil, arguments, environ) == 0 else {
      Glibc.close(ends[0])
      throw Failed()
    }
    return Running(process: child, socket: ends[0])
  }

  /// Audits until the other end is closed, and tells what came of it.
  func run() -> Never {
    // As the program does.
    ThreadPriority.giveWay(niceness: 10)
    var (count, problem) = (0, "")
    var byte: UInt8 = 0
    while problem.isEmpty, unsafe recv(socket, &byte, 1, Int32(MSG_DONTWAIT)) < 0 {
      do {
        let report = try Audit(AuditOptions(path: path), fileSystem: PosixFileSystem()).run().report
        if !report.findings.isEmpty { problem = "\(report.findings)" }
        count += 1
      } catch {
        problem = "\(error)"
      }
    }
    let answer = Array("\(count)\n\(problem)".utf8)
    exit(unsafe write(socket, answer, answer.count) == answer.count ? 0 : 1)
  }
}
