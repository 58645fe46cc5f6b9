import SimulatedIO
import Testing

@testable import DamageScenarios

@Suite struct EnduranceTests {
  static let seed: UInt64 = 20_260_103

  private func make() throws -> (Machine, StoreMap) {
    let machine = try Population.make(seed: Self.seed, byteCount: 40 << 10)
    return (machine, try StoreMap(machine))
  }

  @Test func `a sound store is judged sound`() throws {
    let (machine, map) = try make()
    let problem = Endurance(map: map).judge(machine.copy(), Endurance.Damage())
    #expect(problem == nil)
    #expect(try DeepJudge(machine, map).judge(machine.copy(), isDamaged: false) == nil)
  }

  @Test func `damage of a stream that was not said to be damaged is a problem`() throws {
    let (machine, map) = try make()
    let segment = try #require(map.segments.first { $0.stream == "solo" })
    let damages: [(SimulatedFileSystem) throws -> Void] = [
      { try $0.removeFile(segment.path) },
      { try $0.flipBit(segment.path, byte: segment.frames[2].position + 20, bit: 2) },
      { try $0.truncate(segment.path, to: segment.frames[2].position) },
    ]
    for damage in damages {
      let copy = machine.copy()
      try damage(copy.disk)
      #expect(Endurance(map: map).judge(copy, Endurance.Damage()) != nil)
      let again = machine.copy()
      try damage(again.disk)
      let allowed = Endurance.Damage(streams: ["solo"])
      #expect(Endurance(map: map).judge(again, allowed) == nil)
    }
  }

  @Test func `other records than were written are a problem, even where damage is allowed`() throws
  {
    let (machine, _) = try make()
    let other = try Population.make(seed: Self.seed + 1, byteCount: 40 << 10)
    let damage = Endurance.Damage(streams: ["solo", "batches", "large", "memory"])
    let problem = Endurance(map: try StoreMap(other)).judge(machine.copy(), damage)
    #expect(problem != nil)
  }
}
