import Glibc
import Synchronization

/// Measures how long a sleeping reader takes to see what was published.
///
/// A thread of its own waits for sequence 1, 2, 3 …; this thread publishes one after the other,
/// each time leaving the reader the pause to fall asleep again. The latency of one operation runs
/// from just before `publish` is called to just after `wait` has returned.
///
/// - Parameters:
///   - pauseNanoseconds: Spent spinning, so that the publishing core stays awake.
///   - publish: Makes a sequence visible and wakes the reader.
///   - wait: Called on the reading thread; returns when the sequence is visible.
/// - Returns: The sum of all latencies in nanoseconds.
/// - Throws: `BenchmarkError` when no thread can be started.
public func measureWake(
  iterations: Int, recording latencies: LatencyRecorder?, pauseNanoseconds: UInt64 = 20_000,
  publish: (UInt64) -> Void, wait: @escaping @Sendable (UInt64) -> Void
) throws -> UInt64 {
  let reader = WakeReader(iterations: iterations, wait: wait)
  var thread = pthread_t()
  let box = unsafe Unmanaged.passRetained(reader)
  let failure = unsafe pthread_create(
    &thread, nil,
    { argument in
      // Safety: the argument is the box made above, handed to this thread alone.
      if let argument = unsafe argument {
        unsafe Unmanaged<WakeReader>.fromOpaque(argument).takeRetainedValue().run()
      }
      return nil
    }, box.toOpaque())
  guard failure == 0 else {
    unsafe box.release()
    throw BenchmarkError("cannot start the reading thread: error \(failure)")
  }
  var sum: UInt64 = 0
  for sequence in 1...UInt64(max(iterations, 1)) {
    while reader.waiting.load(ordering: .acquiring) < sequence {}
    let published = MonotonicClock.nanoseconds() + pauseNanoseconds
    while MonotonicClock.nanoseconds() < published {}
    let before = MonotonicClock.nanoseconds()
    publish(sequence)
    while reader.seen.load(ordering: .acquiring) < sequence {}
    let after = reader.seenAt.load(ordering: .relaxed)
    let latency = after > before ? after - before : 0
    latencies?.record(nanoseconds: latency)
    sum += latency
  }
  _ = pthread_join(thread, nil)
  return sum
}

/// The reading side; its fields are all the two threads share.
private final class WakeReader: Sendable {
  let iterations: Int
  let wait: @Sendable (UInt64) -> Void
  /// The sequence the reader is about to wait for.
  let waiting = Atomic<UInt64>(0)
  /// The last sequence the reader saw, and when.
  let seen = Atomic<UInt64>(0)
  let seenAt = Atomic<UInt64>(0)

  init(iterations: Int, wait: @escaping @Sendable (UInt64) -> Void) {
    self.iterations = iterations
    self.wait = wait
  }

  func run() {
    for sequence in 1...UInt64(max(iterations, 1)) {
      waiting.store(sequence, ordering: .releasing)
      wait(sequence)
      seenAt.store(MonotonicClock.nanoseconds(), ordering: .relaxed)
      seen.store(sequence, ordering: .releasing)
    }
  }
}
