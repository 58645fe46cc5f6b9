import Foundation

/// A small generator (SplitMix64) that prints its seed and takes one from `PIPEROLL_TEST_SEED`, so
/// that a failure can be run again.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init() {
    let wanted = ProcessInfo.processInfo.environment["PIPEROLL_TEST_SEED"].flatMap { UInt64($0) }
    state = wanted ?? UInt64.random(in: 0 ... .max)
    print("PIPEROLL_TEST_SEED=\(state)")
  }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}
