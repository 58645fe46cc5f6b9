/// Counts what passed and what failed, structure by structure; keeps the first failures.
public struct Tally: Sendable {
  /// Checks that held.
  public private(set) var passedCount = 0
  /// Checks that did not.
  public private(set) var failedCount = 0
  /// Checks by structure.
  public private(set) var counts: [String: Int] = [:]
  /// What went wrong, at most `failureLimit` of them.
  public private(set) var failures: [String] = []

  static let failureLimit = 40

  /// Makes an empty tally.
  public init() {}

  /// Counts one check.
  public mutating func note(_ structure: String, _ problem: @autoclosure () -> String?) {
    counts[structure, default: 0] += 1
    guard let problem = problem() else {
      passedCount += 1
      return
    }
    failedCount += 1
    if failures.count < Self.failureLimit { failures.append("\(structure): \(problem)") }
  }

  /// Adds another tally.
  public mutating func add(_ other: Tally) {
    passedCount += other.passedCount
    failedCount += other.failedCount
    counts.merge(other.counts) { $0 + $1 }
    failures += other.failures.prefix(Self.failureLimit - min(Self.failureLimit, failures.count))
  }

  /// One line for each structure, and the closing line.
  public var lines: [String] {
    counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
      + ["\(passedCount) passed, \(failedCount) failed"]
  }
}
