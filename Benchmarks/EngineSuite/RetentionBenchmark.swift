import BenchmarkHarness
internal import CommitLog
import Glibc
internal import LogFormat
internal import Quantities

/// What the caller waits for when a full segment of 1 GiB goes, while one reader in the process is attached to it and
/// another process reads the stream; beside what unlinking a file of that size takes.
enum RetentionBenchmark {
  static var benchmark: Benchmark {
    let limit = "unlink of 1 GiB"
    return Benchmark(
      name: "retention/1GiB",
      workload: Workload(recordByteCount: 64 << 10, durability: .readOnly), measure: .latency,
      goals: [.latencyAtMost(1, times: limit)], latencyCountMinimum: 3,
      contenders: [
        Contender(limit, role: .limit, lifetime: .benchmark) { try UnlinkSession($0) },
        Contender("piperoll memory", role: .ours, lifetime: .benchmark) {
          try RetentionSession($0, .none)
        },
        Contender("piperoll memory, evidence tree", role: .ours, lifetime: .benchmark) {
          try RetentionSession($0, .tree)
        },
      ])
  }

  static let segmentByteCount: UInt64 = 1 << 30
}

private struct NotRemoved: Error {}

/// Unlinks a file that was just written.
private final class UnlinkSession: ContenderSession {
  private let path: String
  private let block = [UInt8](repeating: 0x55, count: 1 << 20)

  init(_ context: BenchmarkContext) throws { path = context.directory + "/file" }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let began = MonotonicClock.nanoseconds()
    for _ in 0..<iterations {
      let file = unsafe open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
      for _ in 0..<(RetentionBenchmark.segmentByteCount >> 20) {
        guard unsafe write(file, block, block.count) == block.count else {
          throw BenchmarkError("cannot write \(path)")
        }
      }
      Glibc.close(file)
      let start = MonotonicClock.nanoseconds()
      _ = unsafe unlink(path)
      latencies?.record(nanoseconds: MonotonicClock.nanoseconds() - start)
    }
    return MonotonicClock.nanoseconds() - began
  }

  func close() throws {}
}

/// Fills a segment and removes it.
private final class RetentionSession: ContenderSession {
  private let store: Store
  private let log: StreamLog
  private let child: ChildProcess
  private let value = [UInt8](repeating: 0x55, count: 64 << 10)

  init(_ context: BenchmarkContext, _ evidence: EvidenceClass) throws {
    let path = context.directory + "/store"
    try Store.create(at: path)
    store = try Store.open(at: path)
    var options = StreamOptions()
    options.durability = .memory
    options.evidence = evidence
    options.firstSegmentByteCount = RetentionBenchmark.segmentByteCount
    options.segmentByteCount = RetentionBenchmark.segmentByteCount
    log = try store.createStream(StreamName("benchmark"), options: options)
    log.prepareAhead()
    child = try ReadingChild.start(path)
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let began = MonotonicClock.nanoseconds()
    let value = value
    for _ in 0..<iterations {
      var batch = BatchBuilder(capacity: 2 << 20)
      for _ in 0..<16 { try batch.append(unsafe value.span.bytes) }
      for _ in 0..<(RetentionBenchmark.segmentByteCount >> 20) { try log.append(batch) }
      try log.flush()
      // Attached to the segment that goes.
      var reader = try log.makeReader(from: .earliest)
      _ = try reader.read(max: 1) { _ in }
      let start = MonotonicClock.nanoseconds()
      let outcome = try log.removeSegments(before: log.logEndOffset)
      latencies?.record(nanoseconds: MonotonicClock.nanoseconds() - start)
      guard outcome.removed > 0 else { throw NotRemoved() }
    }
    return MonotonicClock.nanoseconds() - began
  }

  func close() throws {
    let answer = try child.stop()
    store.close()
    guard answer.count > 0, answer.problem.isEmpty else { throw BenchmarkError(answer.problem) }
  }
}

/// The process that reads, from the first record to the last, over and over.
struct ReadingChild {
  private let request: ChildRequest

  private static let flag = "--reading-child"

  /// Reads the arguments of a child; `nil` in any other process.
  init?(_ arguments: [String]) {
    guard let request = ChildRequest(Self.flag, arguments) else { return nil }
    self.request = request
  }

  /// Starts a child that reads a store.
  static func start(_ path: String) throws -> ChildProcess { try ChildProcess(flag, path) }

  /// Reads until it is told to stop, and tells how many records.
  func run() -> Never {
    var (count, problem) = (0, "")
    while problem.isEmpty, request.isWanted {
      do {
        var reader = try StoreReader.open(at: request.path).makeReader(
          of: StreamName("benchmark"), from: .earliest)
        while request.isWanted {
          let read = try reader.read(max: 256) { _ in }
          count += read
          if read == 0 { break }
        }
      } catch ReadError.expired {
        continue
      } catch {
        problem = "\(error)"
      }
    }
    request.end(count: count, problem: problem)
  }
}
