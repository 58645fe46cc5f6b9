internal import CrashScenarios
internal import Glibc
internal import PlatformIO

/// `simulate crash`: the crash sweep.
enum CrashCommand {
  static func run(_ arguments: Arguments) throws -> Bool {
    let seed: UInt64 = try arguments.number("seed", default: SystemRandom().next() >> 32)
    var sweep = CrashSweep(
      stateCount: try arguments.number("states", default: 50_000), seed: seed,
      scenarios: try scenarios(arguments))
    sweep.operation = try arguments.number("operation")
    sweep.jobs = try arguments.number("jobs", default: 1)
    printNow("seed \(seed)")
    let clock = SystemTime()
    let began = clock.monotonicNanoseconds()
    let busyBefore = processorSeconds()
    let tally = try sweep.run { scenario, tally in
      for failure in tally.failures { printNow("FAILED \(failure)") }
    }
    let seconds = Double(clock.monotonicNanoseconds() - began) / 1e9
    printNow(
      "\(tally.runs) runs of \(sweep.scenarios.count) scenarios, \(tally.operations) operations; "
        + "\(tally.states) states, \(tally.nestedStates) nested, \(tally.digests.count) distinct; "
        + "\(Int(Double(tally.allStates) / seconds)) states/s on \(sweep.jobs) thread(s), "
        + "\(Int(Double(tally.allStates) / (processorSeconds() - busyBefore))) per processor second"
    )
    printNow("\(tally.allStates - tally.failures.count) passed, \(tally.failures.count) failed")
    return tally.failures.isEmpty
  }

  /// Processor time of this process: what a rate is worth on a busy machine.
  private static func processorSeconds() -> Double {
    var time = timespec()
    // Safety: the variable lives through the call.
    unsafe _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  static func scenarios(_ arguments: Arguments) throws -> [Scenario] {
    guard let name = arguments.text("scenario") else { return Scenario.all }
    guard let scenario = Scenario.named(name) else {
      let names = Scenario.all.map(\.name).joined(separator: ", ")
      throw Arguments.Problem(description: "no scenario '\(name)'; there are \(names)")
    }
    return [scenario]
  }
}
