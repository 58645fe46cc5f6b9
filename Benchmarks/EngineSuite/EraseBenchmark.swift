import BenchmarkHarness
internal import CommitLog
internal import Cryptography
internal import ErasableRecords
internal import EvidenceFiles
import Glibc
internal import Quantities

/// How long it takes to erase a subject, from the call to the durable statement: with a million records no longer than
/// with a thousand. Beside it what any such erasure must do: replace a small file, durably, and write a record behind
/// others, durably.
enum EraseBenchmark {
  static var benchmark: Benchmark {
    let limit = "a file replaced, a record synced"
    return Benchmark(
      name: "erase/1000000",
      workload: Workload(recordByteCount: 20, durability: .readOnly), measure: .latency,
      goals: [
        .latencyAtMost(2, times: "piperoll, 1,000 records", by: "piperoll, 1,000,000 records")
      ], latencyCountMinimum: 3,
      contenders: [
        Contender(limit, role: .limit, lifetime: .benchmark) { try ReplaceSession($0) },
        Contender("piperoll, 1,000 records", role: .ours, lifetime: .benchmark) {
          try EraseSession($0, recordCount: 1_000)
        },
        Contender("piperoll, 1,000,000 records", role: .ours, lifetime: .benchmark) {
          try EraseSession($0, recordCount: 1_000_000)
        },
      ])
  }
}

/// Replaces a file and syncs a record, with what the system has for it.
private final class ReplaceSession: ContenderSession {
  private let folder: String
  private let log: Int32
  private let bytes = [UInt8](repeating: 0x55, count: 200)
  private var position = 0

  init(_ context: BenchmarkContext) throws {
    folder = context.directory
    log = unsafe open(folder + "/log", O_RDWR | O_CREAT, 0o600)
    guard log >= 0, posix_fallocate(log, 0, 1 << 20) == 0 else {
      throw BenchmarkError("cannot make \(folder)/log")
    }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let began = MonotonicClock.nanoseconds()
    for _ in 0..<iterations {
      let start = MonotonicClock.nanoseconds()
      try replace()
      guard unsafe pwrite(log, bytes, bytes.count, position) == bytes.count, fdatasync(log) == 0
      else {
        throw BenchmarkError("cannot write \(folder)/log")
      }
      position = (position + bytes.count) % (1 << 19)
      latencies?.record(nanoseconds: MonotonicClock.nanoseconds() - start)
    }
    return MonotonicClock.nanoseconds() - began
  }

  private func replace() throws {
    let file = unsafe open(folder + "/new", O_RDWR | O_CREAT | O_TRUNC, 0o600)
    let parent = unsafe open(folder, O_RDONLY)
    defer { Glibc.close(parent) }
    guard unsafe write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0,
      Glibc.close(file) == 0, unsafe rename(folder + "/new", folder + "/key") == 0,
      fsync(parent) == 0
    else { throw BenchmarkError("cannot replace \(folder)/key") }
  }

  func close() throws { Glibc.close(log) }
}

private struct NotErased: Error {}

/// Appends records about a subject and erases it.
private final class EraseSession: ContenderSession {
  private let store: Store
  private let stream: ErasableStream
  private let keys: SubjectKeyStore
  private let recordCount: Int
  private let value = Array("what a subject says.".utf8)
  private var subject = 0

  init(_ context: BenchmarkContext, recordCount: Int) throws {
    self.recordCount = recordCount
    let master = SecretKey(from: { UInt64.random(in: .min ... .max) })
    let folder = context.directory + "/keys"
    try SubjectKeyStore.create(at: folder, masterKey: master)
    keys = try SubjectKeyStore(opening: folder) { _ in master }
    let path = context.directory + "/store"
    try Store.create(at: path)
    store = try Store.open(at: path)
    var options = StreamOptions()
    options.isErasable = true
    options.durability = .memory
    let log = try store.createStream(StreamName("benchmark"), options: options)
    stream = try ErasableStream(log, of: store, keys: keys)
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let began = MonotonicClock.nanoseconds()
    for _ in 0..<iterations {
      subject += 1
      let name = Array("subject \(subject)".utf8)
      for _ in 0..<recordCount { _ = try stream.append(value, for: name) }
      try stream.log.flush()
      let start = MonotonicClock.nanoseconds()
      let statement = try store.erase(subject: name, keys: keys)
      latencies?.record(nanoseconds: MonotonicClock.nanoseconds() - start)
      guard statement != nil else { throw NotErased() }
    }
    return MonotonicClock.nanoseconds() - began
  }

  func close() throws { store.close() }
}
