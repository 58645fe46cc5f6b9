public import PlatformIO

/// A test of the tests: an engine that is broken on purpose, and the hunt for its bug.
public struct BrokenEngine: Sendable {
  /// The bug.
  public let bug: EngineUnderTest.Bug

  /// Chooses a bug.
  public init(_ bug: EngineUnderTest.Bug) { self.bug = bug }

  /// Runs crash sweeps on the broken engine until a promise is seen broken or the states are used up.
  public func hunt(stateCount: Int, seed: UInt64) throws(ThreadCreationError) -> Tally {
    var sweep = CrashSweep(stateCount: stateCount, seed: seed, scenarios: scenarios)
    sweep.bug = bug
    sweep.stopsAtFailure = true
    return try sweep.run()
  }

  /// Where the bug can show itself at all.
  private var scenarios: [Scenario] {
    switch bug {
    case .noDirectorySync: [.rolls, .mappedRolls]
    case .acknowledgementBeforeSync: [.singles, .rolls]
    case .noTailInvalidation: [.rolls, .batches]
    case .lengthBeforeBody: [.singles]
    case .unseededChecksum: [.removal]
    }
  }
}
