public import AuditVerification
internal import Integrity

/// An audit as the XML that JUnit's runners made common: a suite for each stream and one for the store, a
/// case for each claim, a failure for findings, and a skipped case for each thing that was not checked.
public struct JUnitReport {
  /// The document, with a line feed at its end.
  public var bytes: [UInt8] { Array(text.utf8) }

  private var text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

  /// Makes the document of a report.
  ///
  /// - Parameters:
  ///   - report: What the audit came to.
  ///   - tool: What the report says it was made by.
  public init(_ report: AuditReport, by tool: ReportTool) {
    let suites = JUnitSuite.all(of: report)
    open(
      "testsuites", 0,
      [("name", "\(tool.name) \(tool.version): \(report.path)")]
        + Self.counts(suites.flatMap(\.cases)))
    for suite in suites {
      open("testsuite", 1, [("name", suite.name)] + Self.counts(suite.cases))
      for item in suite.cases { write(item, of: suite) }
      text += "  </testsuite>\n"
    }
    text += "</testsuites>\n"
  }

  private static func counts(_ cases: [JUnitSuite.Case]) -> [(String, String)] {
    [
      ("tests", "\(cases.count)"), ("failures", "\(cases.count { !$0.failures.isEmpty })"),
      ("errors", "0"), ("skipped", "\(cases.count { $0.skipped != nil })"),
    ]
  }

  private mutating func open(_ name: String, _ depth: Int, _ attributes: [(String, String)]) {
    text += String(repeating: "  ", count: depth) + "<\(name)"
    for (key, value) in attributes { text += " \(key)=\"\(XMLText.escaped(value))\"" }
    text += ">\n"
  }

  private mutating func write(_ item: JUnitSuite.Case, of suite: JUnitSuite) {
    open("testcase", 2, [("classname", suite.name), ("name", item.name)])
    // Readers expect at most one failure in a case: the first names it, its text has all.
    if let first = item.failures.first {
      let all = item.failures.map(\.description).joined(separator: "\n")
      text += "      <failure type=\"\(XMLText.escaped(first.kind))\" "
      text += "message=\"\(XMLText.escaped(first.message))\">\(XMLText.escaped(all))</failure>\n"
    } else if let reason = item.skipped {
      text += "      <skipped message=\"\(XMLText.escaped(reason))\"/>\n"
    }
    if !item.warnings.isEmpty {
      let all = item.warnings.map(\.description).joined(separator: "\n")
      text += "      <system-out>\(XMLText.escaped(all))</system-out>\n"
    }
    text += "    </testcase>\n"
  }
}

/// What is claimed of a stream, or of the store as a whole, and what came of it.
struct JUnitSuite {
  /// Why a claim does not hold.
  struct Failure {
    var kind: String
    var message: String
    var description: String

    /// A finding that denies the claim.
    init(_ finding: Finding) {
      (kind, message) = (finding.rule.rawValue, finding.message)
      let parts = [
        "\(kind) (\(finding.severity.rawValue), \(finding.origin.title))", finding.place.logText,
        finding.place.fileText, message,
      ]
      description = parts.filter { !$0.isEmpty }.joined(separator: ": ")
    }

    /// A checkpoint that the log does not have.
    init(_ checkpoint: CheckpointResult) {
      kind = "checkpoint"
      message = EvidenceText.result(checkpoint).joined(separator: "; ")
      description = "\(checkpoint.origin), root \(checkpoint.root): \(message)"
    }
  }

  /// One claim.
  struct Case {
    var name: String
    var failures: [Failure] = []
    var warnings: [Failure] = []
    var skipped: String?
  }

  /// The stream, or `store`.
  var name: String
  var cases: [Case]

  /// The suites of a report: the store's first, then those of the streams in their order.
  static func all(of report: AuditReport) -> [JUnitSuite] {
    var names: [String] = []
    var claims: [String: [Claim]] = [:]
    func add(_ name: String, _ more: [Claim]) {
      if claims[name] == nil { names.append(name) }
      claims[name, default: []] += more.filter { !(claims[name] ?? []).contains($0) }
    }
    for stream in report.streams {
      add(Self.name(AuditReport.name(of: stream)), Claim.examined(of: stream.coverage))
      if report.seals?.verifiedCount ?? 0 > 0, stream.name == Statement.streamName {
        add(stream.name, [.seals])
      }
    }
    // A stream of which nothing was read may still have findings.
    for finding in report.findings {
      if let name = place(finding.place, report) { add(name, [Claim(deniedBy: finding.rule)]) }
    }
    for item in report.unchecked {
      if let name = item.streamName { add(Self.name(name), []) }
    }
    let findings = Dictionary(grouping: report.findings) { place($0.place, report) }
    let unchecked = Dictionary(grouping: report.unchecked) { $0.streamName.map(Self.name) }
    let streams = names.map { name in
      JUnitSuite(
        name: name,
        cases: cases(claims[name] ?? [], findings[name] ?? [])
          + (unchecked[name] ?? []).map(skipped))
    }
    return [store(report, findings[nil] ?? [])] + streams
  }

  private static func store(_ report: AuditReport, _ findings: [Finding]) -> JUnitSuite {
    var claims: [Claim] = [.files, .bytes, .statements]
    if !report.checkpoints.isEmpty { claims.append(.checkpoints) }
    for finding in findings where !claims.contains(Claim(deniedBy: finding.rule)) {
      claims.append(Claim(deniedBy: finding.rule))
    }
    let checkpoints = report.checkpoints.map { checkpoint in
      var item = Case(
        name: "checkpoint \(checkpoint.path): the log has \(checkpoint.size) leaves of it")
      switch checkpoint.isConfirmed {
      case true: break
      case nil: item.skipped = "the log could not be compared with it"
      case false: item.failures = [Failure(checkpoint)]
      }
      return item
    }
    let unchecked = report.unchecked.filter { $0.streamName == nil }.map(skipped)
    return JUnitSuite(name: "store", cases: cases(claims, findings) + checkpoints + unchecked)
  }

  private static func cases(_ claims: [Claim], _ findings: [Finding]) -> [Case] {
    claims.map { claim in
      let denying = findings.filter { Claim(deniedBy: $0.rule) == claim }
      return Case(
        name: claim.sentence,
        failures: denying.filter { $0.severity == .broken }.map { Failure($0) },
        warnings: denying.filter { $0.severity == .warning }.map { Failure($0) })
    }
  }

  private static func skipped(_ item: Unchecked) -> Case {
    Case(
      name: "not checked: \(item.subject.rawValue)",
      skipped: item.wasAskedFor ? "asked for: \(item.reason)" : item.reason)
  }

  /// The suite of a place; `nil` for the store.
  private static func place(_ place: Finding.Place, _ report: AuditReport) -> String? {
    if let id = place.streamID, let stream = report.streams.first(where: { $0.streamID == id }) {
      return name(AuditReport.name(of: stream))
    }
    if let name = place.streamName, !name.isEmpty { return Self.name(name) }
    return place.streamID.map { name("stream \($0)") }
  }

  /// The suite of a stream; no stream can pass for the store.
  private static func name(_ stream: String) -> String {
    stream == "store" ? "stream 'store'" : stream
  }
}
