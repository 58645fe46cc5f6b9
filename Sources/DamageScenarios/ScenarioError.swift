/// Why a damage scenario could not be carried out.
public struct ScenarioError: Error, Sendable, CustomStringConvertible {
  /// What happened.
  public let description: String

  /// Makes an error.
  public init(_ description: String) { self.description = description }
}

/// Runs a step of a scenario; whatever it throws ends the scenario.
func step<Value>(_ name: String, _ body: () throws -> Value) throws(ScenarioError) -> Value {
  do {
    return try body()
  } catch {
    throw ScenarioError("\(name): \(error)")
  }
}
