internal import CrashScenarios
internal import PlatformIO

/// `simulate faults`: every operation fails in every way.
enum FaultCommand {
  static func run(_ arguments: Arguments) throws -> Bool {
    let seed: UInt64 = try arguments.number("seed", default: SystemRandom().next() >> 32)
    var sweep = FaultSweep(
      seed: seed, stride: try arguments.number("every", default: 7),
      scenarios: arguments.text("scenario") == nil
        ? FaultSweep.scenarios : try CrashCommand.scenarios(arguments))
    sweep.operation = try arguments.number("operation")
    sweep.jobs = try arguments.number("jobs", default: 1)
    printNow("seed \(seed)")
    let tally = try sweep.run { failure in
      printNow(
        "FAILED \(failure.scenario), seed \(failure.seed): \(failure.crash): \(failure.text)")
    }
    printNow("\(tally.allStates) states after faults, \(tally.digests.count) distinct")
    printNow("\(tally.allStates - tally.failures.count) passed, \(tally.failures.count) failed")
    return tally.failures.isEmpty
  }
}
