import BenchmarkHarness
import CLimits

/// What does not depend on a store: waking a thread, copying memory.
enum MachineBenchmarks {
  static var all: [Benchmark] { [tailWake, memoryCopy] }

  private static var tailWake: Benchmark {
    let name = "tail-wake/blocked"
    return Benchmark(
      name: name, workload: Workload(recordByteCount: 0, durability: .readOnly),
      measure: .latency, goals: [.latencyAtMost(1.2, times: "futex")],
      contenders: [
        Contender("futex", role: .limit, lifetime: .benchmark) { _ in try FutexLimit() }
      ] + EngineCases.contenders(for: name))
  }

  private static var memoryCopy: Benchmark {
    Benchmark(
      name: "copy/64KiB/memory",
      workload: Workload(recordByteCount: 65_536, durability: .readOnly),
      contenders: [
        Contender("memcpy, 64 MiB to 64 MiB", role: .limit, lifetime: .benchmark) { _ in
          CopyLimit(spanByteCount: 64 << 20)
        },
        Contender("memcpy, in cache", role: .limit, lifetime: .benchmark) { _ in
          CopyLimit(spanByteCount: 65_536)
        },
      ])
  }
}

/// A futex with one thread asleep on it.
@safe private final class FutexLimit: ContenderSession {
  // Safety: the word is made for two threads, and outlives both loops.
  private nonisolated(unsafe) let futex: OpaquePointer
  private var base: UInt32 = 0

  init() throws {
    guard let futex = unsafe limit_futex_create() else { throw BenchmarkError("no memory") }
    unsafe self.futex = unsafe futex
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    // Safety: as for the property.
    nonisolated(unsafe) let futex = unsafe futex
    let base = base
    self.base &+= UInt32(truncatingIfNeeded: iterations)
    return try measureWake(
      iterations: iterations, recording: latencies,
      publish: { unsafe limit_futex_publish(futex, base &+ UInt32(truncatingIfNeeded: $0)) },
      wait: { unsafe limit_futex_wait(futex, base &+ UInt32(truncatingIfNeeded: $0)) })
  }

  func close() {
    unsafe limit_futex_destroy(futex)
  }
}

/// Copies from one region to another, over and over.
@safe private final class CopyLimit: ContenderSession {
  private let target: UnsafeMutableRawBufferPointer
  private let source: UnsafeMutableRawBufferPointer

  init(spanByteCount: Int) {
    unsafe target = .allocate(byteCount: spanByteCount, alignment: 4096)
    unsafe source = .allocate(byteCount: spanByteCount, alignment: 4096)
    unsafe target.initializeMemory(as: UInt8.self, repeating: 1)
    unsafe source.initializeMemory(as: UInt8.self, repeating: 2)
  }

  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64 {
    let byteCount = unsafe target.count
    guard let target = unsafe target.baseAddress, let source = unsafe source.baseAddress else {
      throw BenchmarkError("no memory")
    }
    return stopwatch(iterations: 1, recording: latencies) { _ in
      unsafe limit_copy(
        target.assumingMemoryBound(to: UInt8.self), source.assumingMemoryBound(to: UInt8.self),
        byteCount, 65_536, UInt64(iterations) * 65_536)
    }
  }

  func close() {
    unsafe target.deallocate()
    unsafe source.deallocate()
  }
}
