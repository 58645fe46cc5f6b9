/// Which side a contender is on.
public enum Role: String, Sendable {
  /// What the machine can do, written as directly as possible.
  case limit
  /// Another store.
  case peer
  /// The engine this package belongs to.
  case ours
}

/// One of those that do the work of a benchmark.
public struct Contender {
  /// How long a session lives.
  public enum Lifetime: Sendable {
    /// Opened and closed around every window, in a fresh directory: for writing.
    case window
    /// Opened once, in its own directory, and used in every round: for reading.
    case benchmark
  }

  /// Name in the report; goals refer to it.
  public let name: String
  /// The side it is on.
  public let role: Role
  /// How long its sessions live.
  public let lifetime: Lifetime
  /// Records of one iteration where they differ from those of the workload.
  public let recordsPerIteration: Int?
  let open: (BenchmarkContext) throws -> any ContenderSession

  /// Creates a contender.
  ///
  /// - Parameters:
  ///   - recordsPerIteration: Only for a limit that groups records in a way of its own.
  ///   - open: Prepares the work; its time is not counted.
  public init(
    _ name: String, role: Role, lifetime: Lifetime = .window, recordsPerIteration: Int? = nil,
    open: @escaping (BenchmarkContext) throws -> any ContenderSession
  ) {
    self.name = name
    self.role = role
    self.lifetime = lifetime
    self.recordsPerIteration = recordsPerIteration
    self.open = open
  }
}

/// What a contender gets to prepare its work.
public struct BenchmarkContext {
  /// An existing, empty directory on the measured disk; it is removed after `close()`.
  public let directory: String
  /// The work.
  public let workload: Workload
  /// Iterations the session will be asked for, for those that reserve space beforehand; 0 with
  /// `Lifetime.benchmark`, where they are not known yet.
  public let iterations: Int
  /// The payloads to be written, the same for all contenders.
  public let payload: Payload
}

/// A prepared contender: the part that is measured.
///
/// A class, so that it may own values that cannot be copied, such as a writer. Used by one thread.
public protocol ContenderSession: AnyObject {
  /// Does the work `iterations` times.
  ///
  /// The loop belongs into this method, so that no call through the protocol is measured.
  /// `stopwatch(iterations:recording:_:)` does what most sessions need.
  ///
  /// - Parameter latencies: Where to record every single operation; nil unless the benchmark's
  ///   measure is `latency`.
  /// - Returns: The nanoseconds the work took.
  /// - Throws: Anything; the contender is then reported as failed.
  func run(iterations: Int, latencies: LatencyRecorder?) throws -> UInt64

  /// Releases everything; its time is not counted.
  func close() throws
}

/// Repeats an operation and times it: as a whole, or one by one when there is a recorder.
///
/// - Parameter operation: Gets the number of the iteration, from 0.
/// - Returns: The nanoseconds of all operations.
@inlinable
public func stopwatch(
  iterations: Int, recording latencies: LatencyRecorder?, _ operation: (Int) throws -> Void
) rethrows -> UInt64 {
  let start = MonotonicClock.nanoseconds()
  guard let latencies else {
    for iteration in 0..<iterations { try operation(iteration) }
    return MonotonicClock.nanoseconds() - start
  }
  var before = start
  for iteration in 0..<iterations {
    try operation(iteration)
    let after = MonotonicClock.nanoseconds()
    latencies.record(nanoseconds: after - before)
    before = after
  }
  return before - start
}

/// A failure told in words.
public struct BenchmarkError: Error, CustomStringConvertible {
  /// What failed, and why.
  public let description: String

  /// Creates an error.
  public init(_ description: String) {
    self.description = description
  }
}
