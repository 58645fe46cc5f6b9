internal import LogFormat
internal import PlatformIO
internal import SimulatedIO

/// Flips bits of a store that was closed in order, one at a time, and judges each.
public struct FlipSweep: Sendable {
  /// Decides the store's content and the sample.
  public var seed: UInt64 = 1
  /// Bytes of values in the store.
  public var byteCount = 1 << 20
  /// How many flips to judge, about; `nil` for every bit that a structure covers.
  public var sampleCount: Int?
  /// How many flips the whole store is opened and read for; a part of the sample.
  public var deepCount = 400
  /// Threads.
  public var threadCount = 2

  /// Makes a sweep of every bit.
  public init() {}

  /// Runs it.
  public func run() throws(ScenarioError) -> Tally {
    let machine = try Population.make(seed: seed, byteCount: byteCount)
    let map = try StoreMap(machine)
    let regions = try FlipRegion.all(map, machine)
    let total = regions.reduce(0) { $0 + $1.bitCount }
    let gap = sampleCount.map { max(1, total / max(1, $0)) } ?? 1
    let result = Guarded<(tally: Tally, error: ScenarioError?)>((Tally(), nil))
    let sweep = self
    let threads = try step("starting threads") {
      try (0..<threadCount).map { worker in
        try DedicatedThread.start(name: "flips \(worker)", stackByteCount: 8 << 20) {
          do throws(ScenarioError) {
            // Each worker has a disk of its own, made by the same steps.
            let own = try Population.make(seed: sweep.seed, byteCount: sweep.byteCount)
            let tally = try sweep.work(own, map, regions, gap: gap, worker: worker)
            result.withLock { $0.tally.add(tally) }
          } catch {
            let problem = error
            result.withLock { $0.error = problem }
          }
        }
      }
    }
    for thread in threads { thread.join() }
    let (tally, error) = result.withLock { $0 }
    if let error { throw error }
    return tally
  }

  private func work(
    _ machine: Machine, _ map: StoreMap, _ regions: [FlipRegion], gap: Int, worker: Int
  ) throws(ScenarioError) -> Tally {
    let judge = try FlipJudge(machine, map)
    defer { judge.end() }
    var tally = Tally()
    let deep = DeepJudge(machine, map)
    for (index, region) in regions.enumerated() where index % threadCount == worker {
      let random = SeededRandom(seed: seed &* 1_000_003 &+ UInt64(index))
      // Free space tells little: an eighth of it is enough.
      let regionGap = region.isCovered ? gap : gap * 8
      for flip in Self.flips(region, gap: regionGap, random) {
        tally.note(region.name, judge.judge(region, byte: flip / 8, bit: flip % 8))
      }
    }
    let random = SeededRandom(seed: seed &* 77 &+ UInt64(worker))
    for _ in 0..<(deepCount / threadCount) {
      let region = regions[random.below(regions.count)]
      let bit = region.bytes.lowerBound * 8 + random.below(region.bitCount)
      tally.note("whole store", deep.judge(region, byte: bit / 8, bit: bit % 8))
    }
    return tally
  }

  /// The bits of a region to flip: all of them, or one in `gap` on average and at least one where that
  /// is not much.
  private static func flips(_ region: FlipRegion, gap: Int, _ random: SeededRandom) -> [Int] {
    let first = region.bytes.lowerBound * 8
    if gap == 1 { return Array(first..<(first + region.bitCount)) }
    var chosen: [Int] = []
    var at = random.below(2 * gap)
    while at < region.bitCount {
      chosen.append(first + at)
      at += 1 + random.below(2 * gap)
    }
    if chosen.isEmpty, random.oneIn(4) { chosen.append(first + random.below(region.bitCount)) }
    return chosen
  }
}
