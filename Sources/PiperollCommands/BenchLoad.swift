internal import ByteCoding
internal import CommitLog
internal import PlatformIO
internal import Quantities
internal import Synchronization

/// Threads that append generated records and wait for each.
final class BenchLoad: Sendable {
  private let log: StreamLog
  private let byteCount: Int
  private let firstCounter: UInt64
  private let acknowledgements: PlainFile?
  private let time: any TimeSource
  private let end: UInt64
  private let isStopped = Atomic<Bool>(false)
  private let runningCount = Atomic<Int>(0)
  private let state = Guarded<State>(State())

  private struct State: Sendable {
    var result = BenchResult()
    var threads: [DedicatedThread] = []
  }

  init(
    _ log: StreamLog, byteCount: Int, firstCounter: UInt64, acknowledgements: PlainFile?,
    time: any TimeSource, until end: UInt64
  ) {
    self.log = log
    self.byteCount = byteCount
    self.firstCounter = firstCounter
    self.acknowledgements = acknowledgements
    self.time = time
    self.end = end
  }

  /// Starts the threads.
  func start(threadCount: Int) throws(ThreadCreationError) {
    for number in 0..<threadCount {
      runningCount.wrappingAdd(1, ordering: .relaxed)
      do throws(ThreadCreationError) {
        let thread = try DedicatedThread.start(name: "bench-\(number)") { [self] in
          run(UInt64(number))
          runningCount.wrappingSubtract(1, ordering: .releasing)
        }
        state.withLock { $0.threads.append(thread) }
      } catch {
        runningCount.wrappingSubtract(1, ordering: .relaxed)
        throw error
      }
    }
  }

  /// Has every thread end after its current record.
  func stop() { isStopped.store(true, ordering: .relaxed) }

  /// Whether all threads have ended.
  var isFinished: Bool { runningCount.load(ordering: .acquiring) == 0 }

  /// What all threads together came to.
  var result: BenchResult { state.withLock { $0.result } }

  /// Waits for all threads.
  func join() {
    for thread in state.withLock({ $0.threads }) { thread.join() }
  }

  /// Lets some time pass.
  func wait(nanoseconds: UInt64) { sleepNanoseconds(nanoseconds) }

  private func run(_ thread: UInt64) {
    var result = BenchResult()
    var counter = firstCounter
    var now = time.monotonicNanoseconds()
    while now < end, !isStopped.load(ordering: .relaxed) {
      let record = BenchRecord.bytes(thread: thread, counter: counter, byteCount: byteCount)
      do throws(AppendError) {
        let offset = try log.append(record)
        try log.waitUntilAcknowledged(offset)
        let line = "\(offset)\t\(thread)\t\(counter)\n"
        let after = time.monotonicNanoseconds()
        result.latencies.add(after - now)
        result.count += 1
        counter += 1
        if let acknowledgements {
          let bytes = Array(line.utf8)
          do throws(FileSystemError) { try acknowledgements.write(bytes.rawSpan) } catch {
            result.failure = "\(error)"
            break
          }
        }
        now = time.monotonicNanoseconds()
      } catch {
        result.failure = error.description
        break
      }
    }
    if result.failure != nil { stop() }
    let total = result
    state.withLock { $0.result.add(total) }
  }
}

/// What a record of the load generator holds, so that a checker can make it again.
enum BenchRecord {
  /// The record's bytes: thread and counter, then SplitMix64 seeded with both.
  static func bytes(thread: UInt64, counter: UInt64, byteCount: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount + 8)
    bytes.appendLittleEndian(thread)
    bytes.appendLittleEndian(counter)
    var state = thread << 40 &+ counter
    while bytes.count < byteCount {
      state &+= 0x9e37_79b9_7f4a_7c15
      var value = state
      value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
      value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
      bytes.appendLittleEndian(value ^ (value >> 31))
    }
    bytes.removeLast(bytes.count - byteCount)
    return bytes
  }
}

/// Counts and latencies of a load.
struct BenchResult: Sendable {
  /// The percentiles that are printed.
  static let shares: [(name: String, share: Double)] = [
    ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999),
  ]

  /// Records acknowledged.
  var count: UInt64 = 0
  /// How long each took.
  var latencies = LatencyHistogram()
  /// Why a thread ended early.
  var failure: String?

  /// Takes over what another thread came to.
  mutating func add(_ other: BenchResult) {
    count += other.count
    latencies.add(other.latencies)
    if failure == nil { failure = other.failure }
  }

  /// The latency in nanoseconds that a share of the records kept.
  func latency(_ share: Double) -> UInt64 { latencies.value(at: share) }
}

/// Counts of durations in classes 1/32 of their size apart.
struct LatencyHistogram: Sendable {
  /// The longest.
  private(set) var maximum: UInt64 = 0
  private var counts = [UInt64](repeating: 0, count: 64 * 32)
  private var total: UInt64 = 0

  /// Counts a duration in nanoseconds.
  mutating func add(_ nanoseconds: UInt64) {
    maximum = max(maximum, nanoseconds)
    counts[Self.index(nanoseconds)] += 1
    total += 1
  }

  /// Takes over the counts of another histogram.
  mutating func add(_ other: LatencyHistogram) {
    maximum = max(maximum, other.maximum)
    total += other.total
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// The upper bound of the class at which a share of all durations is reached.
  func value(at share: Double) -> UInt64 {
    guard total > 0 else { return 0 }
    let wanted = UInt64((share * Double(total)).rounded(.up))
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen += count
      if seen >= wanted { return min(maximum, Self.bound(index)) }
    }
    return maximum
  }

  private static func index(_ value: UInt64) -> Int {
    guard value >= 32 else { return Int(value) }
    let power = 63 - value.leadingZeroBitCount
    return (power - 4) * 32 + Int(value >> UInt64(power - 5)) - 32
  }

  private static func bound(_ index: Int) -> UInt64 {
    guard index >= 32 else { return UInt64(index) }
    let power = index / 32 + 4
    let step = UInt64(1) << UInt64(power - 5)
    return (UInt64(32 + index % 32) &* step) &+ (step - 1)
  }
}
