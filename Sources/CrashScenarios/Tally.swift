/// What crash runs came to.
public struct Tally: Sendable {
  /// Scenarios run.
  public var runs = 0
  /// Operations of the scenarios.
  public var operations = 0
  /// Images checked that were taken from a scenario.
  public var states = 0
  /// Images checked that were taken from a recovery or the work after it.
  public var nestedStates = 0
  /// Contents that differ from all others.
  public var digests: Set<UInt64> = []
  /// Broken promises.
  public var failures: [CrashFailure] = []

  /// Starts at nothing.
  public init() {}

  /// States of both kinds.
  public var allStates: Int { states + nestedStates }

  mutating func note(_ digest: UInt64, depth: Int) {
    if depth == 1 { states += 1 } else { nestedStates += 1 }
    digests.insert(digest)
  }

  /// Adds another tally.
  public mutating func add(_ other: Tally) {
    runs += other.runs
    operations += other.operations
    states += other.states
    nestedStates += other.nestedStates
    digests.formUnion(other.digests)
    failures += other.failures
  }
}

/// A broken promise and how to see it again.
public struct CrashFailure: Sendable, CustomStringConvertible {
  /// Name of the scenario.
  public let scenario: String
  /// Seed of the run.
  public let seed: UInt64
  /// The operation before which the machine was stopped.
  public let operation: Int
  /// What kind of crash, and the crashes after it.
  public let crash: String
  /// What was broken.
  public let text: String

  public var description: String {
    "\(scenario), operation \(operation), seed \(seed) (\(crash)): \(text)\n"
      + "  again: simulate crash --scenario \(scenario) --operation \(operation) --seed \(seed)"
  }
}
