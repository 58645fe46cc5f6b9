import Testing

@testable import DamageScenarios

@Suite struct FileDamageTests {
  @Test func `lost, cut, exchanged and foreign files are named and cost no other stream anything`()
    throws
  {
    var damage = FileDamage(seed: 20_260_104)
    damage.byteCount = 40 << 10
    damage.sectorCount = 24
    damage.cutStep = 48 << 10
    damage.foreignCount = 60
    damage.gap = 8
    print("damaging files with seed \(damage.seed)")
    let tally = try damage.run()
    #expect(tally.failures.isEmpty, "\(tally.failures)")
    for way in ["missing", "cut", "exchanged", "foreign bytes", "root sector lost", "end lost"] {
      #expect(tally.counts[way, default: 0] > 0, "never tried: \(way)")
    }
  }
}
