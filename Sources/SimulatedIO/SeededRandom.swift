public import PlatformIO
internal import Synchronization

/// Randomness a test can repeat: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014) from a seed.
///
/// Safe to share between threads; the order in which threads draw then decides who gets which
/// number.
public final class SeededRandom: RandomSource {
  /// The seed this generator started from, to be printed when a test fails.
  public let seed: UInt64
  private let state: Atomic<UInt64>

  /// Starts the sequence that belongs to a seed.
  public init(seed: UInt64) {
    self.seed = seed
    state = Atomic(seed)
  }

  /// The next 64 bits.
  public func next() -> UInt64 {
    let increment = RandomChoices.increment
    return RandomChoices.mix(state.wrappingAdd(increment, ordering: .relaxed).newValue)
  }

  /// The next number in `0..<bound`, each about equally likely.
  ///
  /// - Parameter bound: At least 1.
  public func below(_ bound: Int) -> Int {
    precondition(bound > 0, "no number is below \(bound)")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True once in `count` draws on average.
  public func oneIn(_ count: Int) -> Bool { below(count) == 0 }
}
