import BenchmarkHarness
import CLimits

/// A mapped file of framed records, written and read in C.
@safe final class MapLimit: ContenderSession {
  /// What is done with the file.
  enum Task {
    case append
    case scan(verified: Bool)
    case randomRead
  }

  private let map: OpaquePointer
  private let task: Task
  private let workload: Workload
  private let payload: Payload
  private var noise = NoiseGenerator(seed: 42)
  private var sum: UInt64 = 0

  /// Makes a contender of a mapped file whose pages are ready before it is measured.
  static func contender(_ name: String, _ task: Task) -> Contender {
    Contender(name, role: .limit, lifetime: .benchmark) { context in
      try MapLimit(task, context)
    }
  }

  private init(_ task: Task, _ context: BenchmarkContext) throws {
    self.task = task
    workload = context.workload
    payload = context.payload
    let stride = (24 + workload.recordByteCount + 7) & ~7
    let capacity = if case .append = task { 64 << 20 } else { workload.storedRecordCount * stride }
    var opened: OpaquePointer?
    let failure = unsafe limit_map_open(
      context.directory + "/map", UInt64(capacity), true, &opened)
    guard failure == 0, let map = unsafe opened else {
      throw BenchmarkError("cannot map the file: error \(failure)")
    }
    unsafe self.map = unsafe map
    append(workload.storedRecordCount, batchCount: 1000)
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    switch task {
    case .append:
      let batchCount = workload.recordsPerIteration
      return stopwatch(iterations: 1, recording: latencies) { _ in
        append(iterations * batchCount, batchCount: batchCount)
      }
    case .scan(let verified):
      return try stopwatch(iterations: iterations, recording: latencies) { _ in
        let count = unsafe limit_map_scan(map, verified, &sum)
        guard count == workload.storedRecordCount else {
          throw BenchmarkError("scanned \(count) of \(workload.storedRecordCount) records")
        }
      }
    case .randomRead:
      let bound = workload.storedRecordCount
      return stopwatch(iterations: iterations, recording: latencies) { _ in
        let index = UInt64(noise.next(below: bound))
        sum &+= unsafe limit_map_read(map, index, workload.recordByteCount)
      }
    }
  }

  private func append(_ count: Int, batchCount: Int) {
    // Safety: the payload lives as long as this session and holds `recordCount` records.
    guard let values = unsafe payload.unsafeBytes.baseAddress else { return }
    unsafe limit_map_append_batches(
      map, values.assumingMemoryBound(to: UInt8.self), payload.recordCount,
      payload.recordByteCount, UInt64(batchCount), UInt64(count))
  }

  func close() {
    unsafe limit_map_close(map)
  }
}
