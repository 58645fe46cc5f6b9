/// Damages whole files.
public struct FileDamage: Sendable {
  let seed: UInt64
  /// Makes a run.
  public init(seed: UInt64) { self.seed = seed }
  /// Runs it.
  public func run() throws(ScenarioError) -> Tally { Tally() }
}
