import BenchmarkHarness
import CPeers

/// Another store at work.
@safe final class PeerSession: ContenderSession {
  /// What the store is asked to do.
  enum Task {
    case append
    case replay
    case randomRead
  }

  private let peer: OpaquePointer
  private let task: Task
  private let workload: Workload
  private let payload: Payload
  private var nextKey: UInt64 = 0
  private var noise = NoiseGenerator(seed: 42)

  /// Makes a contender of a store.
  static func contender(_ name: String, _ kind: peer_kind, _ task: Task) -> Contender {
    Contender(name, role: .peer, lifetime: task == .append ? .window : .benchmark) { context in
      try PeerSession(kind, task, context)
    }
  }

  private init(_ kind: peer_kind, _ task: Task, _ context: BenchmarkContext) throws {
    var message = [CChar](repeating: 0, count: 256)
    let durability = context.workload.durability == .durable ? PEER_DURABLE : PEER_VISIBLE
    let opened = unsafe peer_open(kind, context.directory, durability, &message, message.count)
    guard let peer = unsafe opened else {
      let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw BenchmarkError(String(decoding: text, as: UTF8.self))
    }
    unsafe self.peer = unsafe peer
    self.task = task
    workload = context.workload
    payload = context.payload
    if task != .append { try fill() }
  }

  private func fill() throws {
    let batchCount = payload.recordCount
    while nextKey < workload.storedRecordCount {
      let count = min(batchCount, workload.storedRecordCount - Int(nextKey))
      try append(turn: 0, count: count)
    }
    try check(unsafe peer_prepare_reading(peer))
    var count: UInt64 = 0
    try check(unsafe peer_count(peer, &count))
    guard count == workload.storedRecordCount else {
      throw BenchmarkError("stored \(workload.storedRecordCount) records, found \(count)")
    }
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    switch task {
    case .append:
      let count = workload.recordsPerIteration
      let lastTurn = payload.recordCount - count
      return try stopwatch(iterations: iterations, recording: latencies) { iteration in
        try append(turn: lastTurn == 0 ? 0 : iteration % lastTurn, count: count)
      }
    case .replay:
      return try stopwatch(iterations: iterations, recording: latencies) { _ in
        var count: UInt64 = 0
        var sum: UInt64 = 0
        try check(unsafe peer_read_all(peer, &count, &sum))
        guard count == workload.recordsPerIteration, sum > 0 else {
          throw BenchmarkError("read \(count) of \(workload.recordsPerIteration) records")
        }
      }
    case .randomRead:
      var sum: UInt64 = 0
      let bound = workload.storedRecordCount
      return try stopwatch(iterations: iterations, recording: latencies) { _ in
        try check(unsafe peer_read_one(peer, UInt64(noise.next(below: bound)), &sum))
      }
    }
  }

  private func append(turn: Int, count: Int) throws {
    // Safety: the payload lives as long as this session and holds `turn + count` records.
    let values = unsafe payload.unsafeBytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    try check(
      unsafe peer_append(
        peer, nextKey, values.map { unsafe $0 + turn * payload.recordByteCount }, count,
        payload.recordByteCount))
    nextKey += UInt64(count)
  }

  private func check(_ status: Int32) throws {
    guard status != 0 else { return }
    throw BenchmarkError(unsafe String(cString: peer_error(peer)))
  }

  func close() {
    unsafe peer_close(peer)
  }
}
