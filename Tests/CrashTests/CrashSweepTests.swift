import CrashScenarios
import Testing

@Suite struct CrashSweepTests {
  @Test func `every sampled crash of every scenario keeps the promises`() throws {
    let tally = try CrashSweep(stateCount: 700, seed: 20_260_101).run()
    #expect(tally.failures.isEmpty, "\(tally.failures)")
    #expect(tally.states > 100)
  }
}
