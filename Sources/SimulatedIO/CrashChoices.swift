/// Decides what survives a crash: every open question of a crash image is asked here, in a fixed
/// order.
public protocol CrashChoices {
  /// A number in `0..<bound`; `bound` is at least 1.
  mutating func choose(below bound: Int) -> Int
}

/// Answers drawn from a seed: the same seed on the same history gives the same image.
public struct RandomChoices: CrashChoices, Sendable {
  static let increment: UInt64 = 0x9e37_79b9_7f4a_7c15
  private var state: UInt64

  /// Starts the answers that belong to a seed.
  public init(seed: UInt64) {
    // Mixed once, so that neighbouring seeds have nothing in common.
    state = RandomChoices.mix(seed &+ RandomChoices.increment)
  }

  /// Draws a number in `0..<bound`.
  public mutating func choose(below bound: Int) -> Int {
    precondition(bound > 0, "no number is below \(bound)")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  mutating func next() -> UInt64 {
    state &+= RandomChoices.increment
    return RandomChoices.mix(state)
  }

  static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}

/// Every combination of answers, one image after another.
///
/// ```swift
/// var choices = ExhaustiveChoices()
/// repeat {
///   check(disk.crashImage(.subsets, choosing: &choices))
/// } while choices.advance()
/// ```
/// The number of combinations is the product of all bounds: for histories of a few operations.
public struct ExhaustiveChoices: CrashChoices, Sendable {
  private var path: [(answer: Int, bound: Int)] = []
  private var position = 0

  /// Starts at the combination in which every answer is 0.
  public init() {}

  /// The answer of the present combination to the next question.
  public mutating func choose(below bound: Int) -> Int {
    precondition(bound > 0, "no number is below \(bound)")
    defer { position += 1 }
    if position < path.count {
      precondition(path[position].bound == bound, "the history changed between two combinations")
      return path[position].answer
    }
    path.append((0, bound))
    return 0
  }

  /// Goes on to the next combination; false when all have been seen.
  public mutating func advance() -> Bool {
    position = 0
    while let last = path.popLast() {
      if last.answer + 1 < last.bound {
        path.append((last.answer + 1, last.bound))
        return true
      }
    }
    return false
  }
}
