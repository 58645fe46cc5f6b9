import BenchmarkHarness
internal import CommitLog
internal import LogFormat
internal import Quantities

/// The one place where the engine meets its benchmarks.
enum EngineCases {
  /// Our contenders for a benchmark.
  ///
  /// - Parameter name: The benchmark's name, such as `append/100B/visible`.
  /// - Returns: None for a benchmark the engine does not take part in.
  static func contenders(for name: String) -> [Contender] {
    switch name {
    case "append/100B/visible", "append/1KiB/visible":
      [Contender("piperoll memory", role: .ours) { try SingleAppend($0, .memory) }]
    case "batch1000x100B/visible":
      [Contender("piperoll memory", role: .ours) { try BatchAppend($0, .memory) }]
    case "append/100B/durable":
      [Contender("piperoll disk", role: .ours) { try SingleAppend($0, .disk) }]
    case "batch1000x100B/durable":
      [Contender("piperoll disk", role: .ours) { try BatchAppend($0, .disk) }]
    case "replay/100B/in-cache":
      [
        Contender("piperoll verified", role: .ours, lifetime: .benchmark) {
          try Replay($0, .always)
        },
        Contender("piperoll unverified", role: .ours, lifetime: .benchmark) {
          try Replay($0, .never)
        },
      ]
    case "random-read/100B/in-cache":
      [Contender("piperoll", role: .ours, lifetime: .benchmark) { try RandomRead($0) }]
    default: []
    }
  }

  /// Benchmarks of the engine that have no peers.
  static var additionalBenchmarks: [Benchmark] {
    [
      ReopenBenchmark.benchmark, RetentionBenchmark.benchmark, EraseBenchmark.benchmark,
      PacedAppendBenchmark.benchmark,
      LiveAuditBenchmark.benchmark,
    ]
  }
}

extension EngineCases {
  /// A store with one stream, in the directory of a benchmark. The peers prove nothing, so it does not
  /// either unless that is asked for.
  static func makeLog(
    _ context: BenchmarkContext, _ durability: CommitLog.Durability,
    _ evidence: EvidenceClass = .none
  ) throws -> (Store, StreamLog) {
    let path = context.directory + "/store"
    try Store.create(at: path)
    let store = try Store.open(at: path)
    var options = StreamOptions()
    options.durability = durability
    options.evidence = evidence
    options.firstSegmentByteCount = 128 << 20
    options.segmentByteCount = 128 << 20
    return (store, try store.createStream(StreamName("benchmark"), options: options))
  }
}

/// One record an append; class `disk` waits until it is durable.
private final class SingleAppend: ContenderSession {
  private let store: Store
  private let log: StreamLog
  private let payload: Payload
  private let isDurable: Bool
  private var expected: UInt64 = 0

  init(_ context: BenchmarkContext, _ durability: CommitLog.Durability) throws {
    (store, log) = try EngineCases.makeLog(context, durability)
    payload = context.payload
    isDurable = durability == .disk
    if !isDurable { log.prepareAhead() }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let payload = payload
    let log = log
    expected += UInt64(iterations)
    if isDurable {
      return try stopwatch(iterations: iterations, recording: latencies) { iteration in
        _ = try log.appendDurably(payload.record(iteration))
      }
    }
    return try stopwatch(iterations: iterations, recording: latencies) { iteration in
      _ = try log.append(payload.record(iteration))
    }
  }

  func close() throws {
    guard log.visibleOffset.rawValue == expected else { throw Lost() }
    store.close()
  }
}

/// A thousand records an append.
private final class BatchAppend: ContenderSession {
  private let store: Store
  private let log: StreamLog
  private let payload: Payload
  private let count: Int
  private let isDurable: Bool

  init(_ context: BenchmarkContext, _ durability: CommitLog.Durability) throws {
    (store, log) = try EngineCases.makeLog(context, durability)
    payload = context.payload
    count = context.workload.recordsPerIteration
    isDurable = durability == .disk
    if !isDurable { log.prepareAhead() }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let payload = payload
    let log = log
    var batch = BatchBuilder(capacity: 1 << 20)
    return try stopwatch(iterations: iterations, recording: latencies) { _ in
      batch.removeAll()
      for index in 0..<count { try batch.append(payload.record(index)) }
      let receipt = try log.append(batch)
      if isDurable { try log.waitUntilDurable(receipt.offset) }
    }
  }

  func close() throws { store.close() }
}

/// Fills a stream with the records that reading benchmarks read.
private func fill(_ context: BenchmarkContext) throws -> (Store, StreamLog) {
  let (store, log) = try EngineCases.makeLog(context, .memory)
  var batch = BatchBuilder(capacity: 1 << 20)
  var index = 0
  while index < context.workload.storedRecordCount {
    batch.removeAll()
    while batch.count < 1_000, index < context.workload.storedRecordCount {
      try batch.append(context.payload.record(index))
      index += 1
    }
    try log.append(batch)
  }
  return (store, log)
}

/// A full pass in order, zero copy.
private final class Replay: ContenderSession {
  private let store: Store
  private let log: StreamLog
  private let options: ReaderOptions
  private let count: Int

  init(_ context: BenchmarkContext, _ verification: VerificationMode) throws {
    (store, log) = try fill(context)
    var options = ReaderOptions()
    options.verification = verification
    self.options = options
    count = context.workload.storedRecordCount
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    var sum = 0
    let time = try stopwatch(iterations: iterations, recording: latencies) { _ in
      var reader = try log.makeReader(from: .earliest, options: options)
      let read = try reader.read { record in
        sum &+= Int(record.value.unsafeLoadByte)
      }
      guard read == count else { throw Lost() }
    }
    keep(sum)
    return time
  }

  func close() throws { store.close() }
}

/// One record by offset, here and there.
private final class RandomRead: ContenderSession {
  private let store: Store
  private let log: StreamLog
  private let count: UInt64
  private var generator = NoiseGenerator(seed: 42)

  init(_ context: BenchmarkContext) throws {
    (store, log) = try fill(context)
    count = UInt64(context.workload.storedRecordCount)
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    var reader = try log.makeReader()
    var sum = 0
    let time = try stopwatch(iterations: iterations, recording: latencies) { _ in
      let offset = UInt64(generator.next(below: Int(count)))
      try reader.seek(to: .offset(Offset(rawValue: offset)))
      let read = try reader.read(max: 1) { sum &+= Int($0.value.unsafeLoadByte) }
      guard read == 1 else { throw Lost() }
    }
    keep(sum)
    return time
  }

  func close() throws { store.close() }
}

/// The engine delivered fewer records than it took.
private struct Lost: Error {}

/// Makes a result observable, so that the work for it is not optimised away.
@inline(never)
private func keep(_ value: Int) {}

extension RawSpan {
  /// The first byte; 0 for no bytes.
  fileprivate var unsafeLoadByte: UInt8 {
    // Safety: the count was checked.
    byteCount > 0 ? unsafe unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self) : 0
  }
}
