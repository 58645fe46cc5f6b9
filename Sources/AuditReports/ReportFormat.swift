public import AuditVerification

/// A way to show an audit.
public enum ReportFormat: String, Hashable, Sendable, CaseIterable {
  /// For people at a terminal.
  case text
  /// For programs; `audit-report-1.schema.json` says what it is made of.
  case json
  /// For tools that collect findings: SARIF 2.1.0.
  case sarif
  /// For servers that run tests: JUnit's XML.
  case junit
  /// For people who read and keep it: one page that needs nothing besides itself.
  case html

  /// The report as bytes; the same report gives the same bytes.
  ///
  /// Every text of a log is made harmless in the manner of the format.
  ///
  /// - Parameters:
  ///   - report: What the audit came to.
  ///   - tool: What the report says it was made by.
  public func encoded(_ report: AuditReport, by tool: ReportTool) -> [UInt8] {
    switch self {
    case .text: Array(TextReport(report, isColoured: false).text.utf8)
    case .json: JSONReport(report, by: tool).bytes
    case .sarif: SARIFReport(report, by: tool).bytes
    case .junit: JUnitReport(report, by: tool).bytes
    case .html: HTMLReport(report, by: tool).bytes
    }
  }
}

/// The program that a report says it was made by.
public struct ReportTool: Hashable, Sendable {
  /// Its name.
  public let name: String
  /// Its version, three numbers with dots between them.
  public let version: String

  /// A program.
  public init(name: String, version: String) { (self.name, self.version) = (name, version) }
}
