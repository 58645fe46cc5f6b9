public import PlatformIO

/// Many crash runs, on as many threads as asked for.
public struct CrashSweep: Sendable {
  /// Least number of distinct states, nested ones included.
  public var stateCount: Int
  /// Seed of the first round; later rounds count up.
  public var seed: UInt64
  /// What to run.
  public var scenarios: [Scenario]
  /// The only operation to look at, in one round.
  public var operation: Int?
  /// The deliberate bug of the engine; nil for the sound one.
  public var bug: EngineUnderTest.Bug?
  /// Threads.
  public var jobs = 1
  /// Stop at the first failure.
  public var stopsAtFailure = false

  /// Makes a sweep of all scenarios.
  public init(stateCount: Int, seed: UInt64, scenarios: [Scenario] = Scenario.all) {
    self.stateCount = stateCount
    self.seed = seed
    self.scenarios = scenarios
  }

  /// Shared by the threads.
  private final class Progress: Sendable {
    struct State: Sendable {
      var tally = Tally()
      var nextRun = 0
    }
    let state = Guarded(State())
  }

  /// About how many states one operation of a scenario gives at density 1, nested ones included.
  private static let statesPerScenario = 700

  /// Does the sweep.
  ///
  /// - Parameter report: Called after each run with the scenario and what came of it.
  public func run(
    reporting report: @escaping @Sendable (Scenario, Tally) -> Void = { _, _ in }
  ) throws(ThreadCreationError) -> Tally {
    let progress = Progress()
    let work: @Sendable () -> Void = {
      while let (scenario, seed) = take(progress) {
        var plan = CrashRun.Plan(scenario, seed: seed, density: density)
        plan.operation = operation
        plan.bug = bug
        let tally = CrashRun(plan).run()
        progress.state.withLock { $0.tally.add(tally) }
        report(scenario, tally)
      }
    }
    // Recoveries inside recoveries need more stack than most threads have.
    let threads = try (0..<max(1, jobs)).map { (index) throws(ThreadCreationError) in
      try DedicatedThread.start(name: "crash-\(index)", stackByteCount: 16 << 20, body: work)
    }
    for thread in threads { thread.join() }
    return progress.state.withLock { $0.tally }
  }

  private var density: Double {
    if operation != nil { return 64 }
    let wanted = Double(stateCount) / Double(max(1, scenarios.count) * Self.statesPerScenario)
    return min(4, max(0.02, wanted))
  }

  /// The next run; all scenarios of a round are run, however many states they give.
  private func take(_ progress: Progress) -> (Scenario, UInt64)? {
    progress.state.withLock { state in
      guard !scenarios.isEmpty else { return nil }
      let round = state.nextRun / scenarios.count
      let isEnough = state.tally.digests.count >= stateCount || operation != nil
      if round > 0, isEnough || stateCount == 0 { return nil }
      if stopsAtFailure, !state.tally.failures.isEmpty { return nil }
      defer { state.nextRun += 1 }
      return (scenarios[state.nextRun % scenarios.count], seed &+ UInt64(round))
    }
  }
}
