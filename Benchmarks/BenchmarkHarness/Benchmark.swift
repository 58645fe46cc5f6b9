/// What one benchmark compares: the same work, done by a limit, by peers and by us.
public struct Benchmark {
  /// Operation, size and durability, divided by slashes: `append/100B/durable`.
  public let name: String
  /// The work all contenders do.
  public let workload: Workload
  /// What is of interest: how many operations fit in a second, or how long each one takes.
  public let measure: Measure
  /// What our contenders are expected to reach.
  public let goals: [Goal]
  /// The contenders, in the order of their turns within a round.
  public let contenders: [Contender]
  /// How many times as long as usual each turn is.
  public let windowFactor: Int
  /// Operations a window of latencies has at least; `nil` for as many as usual.
  public let latencyCountMinimum: Int?

  /// Creates a benchmark.
  ///
  /// - Parameters:
  ///   - name: Unique among the benchmarks of one program.
  ///   - windowFactor: How many times as long as usual each turn is, where what is measured comes seldom.
  ///   - latencyCountMinimum: Operations a window of latencies has at least, where they take very long.
  public init(
    name: String, workload: Workload, measure: Measure = .rate, goals: [Goal] = [],
    windowFactor: Int = 1, latencyCountMinimum: Int? = nil, contenders: [Contender]
  ) {
    self.name = name
    self.workload = workload
    self.measure = measure
    self.goals = goals
    self.windowFactor = windowFactor
    self.latencyCountMinimum = latencyCountMinimum
    self.contenders = contenders
  }
}

/// What is of interest in a benchmark.
public enum Measure: Sendable {
  /// Records per second; single operations are too short to be timed one by one.
  case rate
  /// The time of every operation, recorded one by one, and the rate as well.
  case latency
}

/// What holds when an operation of a benchmark returns.
public enum Durability: Sendable {
  /// Readers see it.
  case visible
  /// It is on the disk.
  case durable
  /// Nothing is written.
  case readOnly
}

/// The work of a benchmark, the same for all contenders.
public struct Workload: Sendable {
  /// Bytes of one record's payload.
  public let recordByteCount: Int
  /// Records one iteration handles: 1, the size of a batch, or all stored records of a replay.
  public let recordsPerIteration: Int
  /// Records that are stored before a reading benchmark starts; 0 for the others.
  public let storedRecordCount: Int
  /// What holds when an operation returns.
  public let durability: Durability

  /// Describes work.
  public init(
    recordByteCount: Int, recordsPerIteration: Int = 1, storedRecordCount: Int = 0,
    durability: Durability
  ) {
    self.recordByteCount = recordByteCount
    self.recordsPerIteration = recordsPerIteration
    self.storedRecordCount = storedRecordCount
    self.durability = durability
  }
}
