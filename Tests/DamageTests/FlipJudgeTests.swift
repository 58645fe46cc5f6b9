import Testing

@testable import DamageScenarios

@Suite struct FlipJudgeTests {
  static let seed: UInt64 = 20_260_102

  /// A judge of a small store, with a region of each sort.
  private func withJudge(_ body: (FlipJudge, [FlipRegion]) throws -> Void) throws {
    let machine = try Population.make(seed: Self.seed, byteCount: 40 << 10)
    let map = try StoreMap(machine)
    let judge = try FlipJudge(machine, map)
    defer { judge.end() }
    try body(judge, FlipRegion.all(map, machine))
  }

  /// The same bytes, said to be what they are not.
  private func mistaken(_ region: FlipRegion) -> FlipRegion {
    FlipRegion(
      name: region.name, place: region.place, bytes: region.bytes, isCovered: !region.isCovered)
  }

  @Test func `damage that is said to be none is a problem`() throws {
    try withJudge { judge, regions in
      for name in ["frame soloRecord", "frame batch"] {
        let region = try #require(regions.first { $0.name == name })
        let byte = region.bytes.lowerBound + 20
        #expect(judge.judge(region, byte: byte, bit: 3) == nil)
        #expect(judge.judge(mistaken(region), byte: byte, bit: 3) != nil)
      }
    }
  }

  @Test func `a silence where damage is expected is a problem`() throws {
    try withJudge { judge, regions in
      let region = try #require(regions.first { $0.name == "free: soloRecord" })
      let byte = region.bytes.lowerBound
      #expect(judge.judge(region, byte: byte, bit: 0) == nil)
      #expect(judge.judge(mistaken(region), byte: byte, bit: 0) != nil)
    }
  }

  @Test func `damage of another frame than the one named is a problem`() throws {
    try withJudge { judge, regions in
      let solo = regions.filter { $0.name == "frame soloRecord" }
      try #require(solo.count > 4)
      #expect(judge.judge(solo[1], byte: solo[3].bytes.lowerBound + 20, bit: 1) != nil)
    }
  }
}
