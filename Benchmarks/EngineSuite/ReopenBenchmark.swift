import BenchmarkHarness
internal import CommitLog
import Glibc
internal import LogFormat
internal import Quantities

/// Opening a store after its process was killed: the time must not depend on the size of the log.
enum ReopenBenchmark {
  static var benchmark: Benchmark {
    Benchmark(
      name: "reopen/after-kill-9",
      workload: Workload(recordByteCount: 1_000, durability: .readOnly), measure: .latency,
      goals: [.latencyAtMost(1.5, times: "256 MB")],
      contenders: [
        Contender("256 MB", role: .limit, lifetime: .benchmark) {
          try ReopenSession($0, byteCount: 256 << 20)
        },
        Contender("4 GB", role: .ours, lifetime: .benchmark) {
          try ReopenSession($0, byteCount: 4 << 30)
        },
      ])
  }
}

/// A store that a child process opens, appends to and dies with, again and again.
private final class ReopenSession: ContenderSession {
  private let path: String

  init(_ context: BenchmarkContext, byteCount: UInt64) throws {
    path = context.directory + "/store"
    try Store.create(at: path)
    _ = try ReopenChild.start(path, appending: byteCount)
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    var total: UInt64 = 0
    for _ in 0..<iterations {
      let nanoseconds = try ReopenChild.start(path, appending: 16 << 20)
      latencies?.record(nanoseconds: nanoseconds)
      total += nanoseconds
    }
    return total
  }

  func close() throws {}
}

/// The process that is killed.
struct ReopenChild {
  private let path: String
  private let byteCount: UInt64
  private let output: Int32

  private static let flag = "--reopen-child"
  private struct Failed: Error {}

  /// Reads the arguments of a child; `nil` in any other process.
  init?(_ arguments: [String]) {
    guard arguments.count == 5, arguments[1] == Self.flag, let count = UInt64(arguments[3]),
      let descriptor = Int32(arguments[4])
    else { return nil }
    path = arguments[2]
    byteCount = count
    output = descriptor
  }

  /// Starts a child and returns how long opening the store and its stream took it, in nanoseconds.
  static func start(_ path: String, appending byteCount: UInt64) throws -> UInt64 {
    var ends: [Int32] = [0, 0]
    guard unsafe pipe(&ends) == 0 else { throw Failed() }
    defer { Glibc.close(ends[0]) }
    let words = [CommandLine.arguments[0], flag, path, "\(byteCount)", "\(ends[1])"]
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    defer { unsafe arguments.forEach { unsafe free($0) } }
    var child: pid_t = 0
    guard unsafe posix_spawn(&child, "/proc/self/exe", nil, nil, arguments, environ) == 0 else {
      throw Failed()
    }
    Glibc.close(ends[1])
    var nanoseconds: UInt64 = 0
    let count = unsafe read(ends[0], &nanoseconds, 8)
    var status: Int32 = 0
    _ = unsafe waitpid(child, &status, 0)
    guard count == 8 else { throw Failed() }
    return nanoseconds
  }

  /// Opens, reports the time, appends and kills itself in the middle of it.
  func run() -> Never {
    do {
      let began = MonotonicClock.nanoseconds()
      let store = try Store.open(at: path)
      let log = try store.streamCreatingIfNeeded(StreamName("s"))
      var took = MonotonicClock.nanoseconds() - began
      var batch = BatchBuilder(capacity: 1 << 20)
      let value = [UInt8](repeating: 0x55, count: 1_000)
      var appended: UInt64 = 0
      while appended < byteCount {
        batch.removeAll()
        for _ in 0..<500 { try batch.append(unsafe value.span.bytes) }
        try log.append(batch)
        appended += 500_000
      }
      _ = unsafe write(output, &took, 8)
    } catch {
      exit(1)
    }
    kill(getpid(), SIGKILL)
    exit(1)
  }
}
