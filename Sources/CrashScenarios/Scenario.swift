/// A piece of work on a fresh machine, the same for the same seed.
public struct Scenario: Sendable {
  /// Short name, for the command line and reports.
  public let name: String
  /// What it exercises.
  public let summary: String
  let isTolerant: Bool
  let body: @Sendable (Session) throws -> Void

  init(
    _ name: String, _ summary: String, isTolerant: Bool = false,
    _ body: @escaping @Sendable (Session) throws -> Void
  ) {
    self.name = name
    self.summary = summary
    self.isTolerant = isTolerant
    self.body = body
  }

  /// Does the work.
  ///
  /// - Throws: ``Violation``.
  public func run(in session: Session) throws {
    session.isTolerant = session.isTolerant || isTolerant
    try body(session)
  }

  /// The scenario of a name.
  public static func named(_ name: String) -> Scenario? { all.first { $0.name == name } }
}
