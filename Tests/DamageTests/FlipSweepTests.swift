import Testing

@testable import DamageScenarios

@Suite struct FlipSweepTests {
  @Test func `a sample of flipped bits is detected, reported exactly and costs one batch at most`()
    throws
  {
    var sweep = FlipSweep()
    sweep.seed = 20_260_101
    sweep.byteCount = 40 << 10
    sweep.sampleCount = 1_500
    sweep.deepCount = 6
    print("flipping bits with seed \(sweep.seed)")
    let tally = try sweep.run()
    #expect(tally.failures.isEmpty, "\(tally.failures)")
    for structure in [
      "frame batch", "frame commit", "frame gap", "frame seal", "frame soloRecord",
      "segment header", "recovery slot", "manifest: frame", "mirror: frame", "superblock",
    ] {
      #expect(tally.counts[structure, default: 0] > 0, "no bit of: \(structure)")
    }
  }
}
