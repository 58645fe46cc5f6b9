internal import CrashScenarios

/// `simulate broken`: every deliberately broken engine must be caught.
enum BrokenCommand {
  static func run(_ arguments: Arguments) throws -> Bool {
    let seed: UInt64 = try arguments.number("seed", default: 1)
    let stateCount: Int = try arguments.number("states", default: 20_000)
    printNow("seed \(seed)")
    var missed = 0
    for bug in EngineUnderTest.Bug.allCases {
      let tally = try BrokenEngine(bug).hunt(stateCount: stateCount, seed: seed)
      if let failure = tally.failures.first {
        printNow("caught \(bug.rawValue) after \(tally.allStates) states: \(failure)")
      } else {
        missed += 1
        printNow("MISSED \(bug.rawValue) in \(tally.allStates) states")
      }
    }
    printNow("\(EngineUnderTest.Bug.allCases.count - missed) passed, \(missed) failed")
    return missed == 0
  }
}
