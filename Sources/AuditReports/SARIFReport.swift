public import AuditVerification
internal import ByteCoding
internal import Cryptography

/// An audit as a SARIF 2.1.0 log: a rule for each kind of finding, a result for each finding, and for each
/// thing that was not checked a result of its own kind.
///
/// What was asked for and could not be checked is `open`, what nobody asked for is `notApplicable`.
public struct SARIFReport {
  private static let schema =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
  /// The name under which locations refer to the folder that was audited.
  private static let base = "STORE"

  /// The document, with a line feed at its end.
  public let bytes: [UInt8]
  private let report: AuditReport

  /// Makes the log of a report.
  ///
  /// - Parameters:
  ///   - report: What the audit came to.
  ///   - tool: What the report says it was made by.
  public init(_ report: AuditReport, by tool: ReportTool) {
    self.report = report
    let results =
      report.findings.map { Self.result($0, report) } + report.unchecked.map(Self.result)
    let document = SortedJSON.object([
      "$schema": .text(Self.schema), "version": .text("2.1.0"),
      "runs": .array([
        .object([
          "tool": .object(["driver": Self.driver(tool)]),
          "invocations": .array([Self.invocation(report)]),
          "originalUriBaseIds": .object([Self.base: Self.baseLocation(report)]),
          "columnKind": .text("unicodeCodePoints"),
          "results": .array(results),
          "properties": .object([
            "storeId": .text(report.storeID), "verdict": .text(report.verdict.rawValue),
            "seals": report.seals.map(JSONReport.seals) ?? .null,
          ]),
        ])
      ]),
    ])
    bytes = document.document
  }

  // MARK: The tool

  private static func driver(_ tool: ReportTool) -> SortedJSON {
    .object([
      "name": .text(tool.name), "version": .text(tool.version),
      "semanticVersion": .text(tool.version),
      "rules": .array(Finding.Rule.allCases.map(rule) + Unchecked.Subject.allCases.map(rule)),
    ])
  }

  private static func rule(_ rule: Finding.Rule) -> SortedJSON {
    descriptor(
      rule.rawValue, rule.title, rule.explanation, help: rule.advice,
      level: rule == .unexpectedBytes ? "warning" : "error")
  }

  private static func rule(_ subject: Unchecked.Subject) -> SortedJSON {
    descriptor(
      identity(of: subject), "Not checked: \(subject.title)", subject.explanation,
      help: "The message of each result says what it would take.", level: "none")
  }

  private static func descriptor(
    _ id: String, _ title: String, _ explanation: String, help: String, level: String
  ) -> SortedJSON {
    .object([
      "id": .text(id), "shortDescription": message("\(title)."),
      "fullDescription": message(explanation), "help": message("\(explanation) \(help)"),
      "defaultConfiguration": .object(["level": .text(level)]),
    ])
  }

  private static func identity(of subject: Unchecked.Subject) -> String {
    "not-checked/\(subject.rawValue)"
  }

  private static func message(_ text: String) -> SortedJSON { .object(["text": .text(text)]) }

  // MARK: The run

  private static func invocation(_ report: AuditReport) -> SortedJSON {
    .object([
      "executionSuccessful": .flag(true),
      "exitCode": .number(UInt64(report.verdict.exitStatus)),
      "exitCodeDescription": .text(report.verdict.rawValue),
    ])
  }

  /// Where the audited folder is: known only when it was named by its whole path.
  private static func baseLocation(_ report: AuditReport) -> SortedJSON {
    let description = message("The store that was audited: \(report.path)")
    guard report.path.hasPrefix("/") else { return .object(["description": description]) }
    var path = report.path
    // Files of a single segment are named below the folder that it is in.
    if report.unchecked.contains(where: { $0.subject == .store }),
      let slash = path.lastIndex(of: "/")
    {
      path = String(path[..<slash])
    }
    if !path.hasSuffix("/") { path += "/" }
    return .object(["description": description, "uri": .text("file://" + URIText.path(path))])
  }

  // MARK: Results

  private static func result(_ finding: Finding, _ report: AuditReport) -> SortedJSON {
    let index = Finding.Rule.allCases.firstIndex(of: finding.rule) ?? 0
    var members: [String: SortedJSON] = [
      "ruleId": .text(finding.rule.rawValue), "ruleIndex": .number(UInt64(index)),
      "kind": .text("fail"), "level": .text(finding.severity == .broken ? "error" : "warning"),
      "message": message(finding.message),
      "partialFingerprints": .object(["piperollFinding/v1": .text(fingerprint(finding, report))]),
      "properties": properties(finding),
    ]
    if let location = location(finding) { members["locations"] = .array([location]) }
    return .object(members)
  }

  private static func result(_ item: Unchecked) -> SortedJSON {
    let index = Unchecked.Subject.allCases.firstIndex(of: item.subject) ?? 0
    var members: [String: SortedJSON] = [
      "ruleId": .text(identity(of: item.subject)),
      "ruleIndex": .number(UInt64(Finding.Rule.allCases.count + index)),
      "kind": .text(item.wasAskedFor ? "open" : "notApplicable"), "level": .text("none"),
      "message": message(item.reason),
    ]
    if let name = item.streamName {
      members["locations"] = .array([.object(["logicalLocations": .array([stream(name)])])])
    }
    return .object(members)
  }

  private static func properties(_ finding: Finding) -> SortedJSON {
    let place = finding.place
    var members: [String: SortedJSON] = ["origin": .text(finding.origin.rawValue)]
    if let id = place.streamID { members["streamId"] = .number(id) }
    if let name = place.streamName { members["streamName"] = .text(name) }
    if let offsets = place.offsets {
      members["firstOffset"] = .number(offsets.lowerBound)
      members["nextOffset"] = .number(offsets.upperBound)
    }
    if let bit = place.bit { members["bit"] = .number(UInt64(clamping: bit)) }
    return .object(members)
  }

  private static func location(_ finding: Finding) -> SortedJSON? {
    let place = finding.place
    var members: [String: SortedJSON] = [:]
    if let file = place.file {
      var physical = ["artifactLocation": artifact(file, of: finding.rule)]
      var region: [String: SortedJSON] = [:]
      if let position = place.position {
        region["byteOffset"] = .number(position)
        if let byteCount = place.byteCount { region["byteLength"] = .number(byteCount) }
      }
      if !region.isEmpty { physical["region"] = .object(region) }
      members["physicalLocation"] = .object(physical)
    }
    if let name = place.streamName { members["logicalLocations"] = .array([stream(name)]) }
    return members.isEmpty ? nil : .object(members)
  }

  /// A file of the store, below the folder; or one of the caller's, such as a checkpoint.
  private static func artifact(_ file: String, of rule: Finding.Rule) -> SortedJSON {
    if file.hasPrefix("/") { return .object(["uri": .text("file://" + URIText.path(file))]) }
    var members = ["uri": SortedJSON.text(URIText.path(file))]
    if Claim(deniedBy: rule) != .checkpoints { members["uriBaseId"] = .text(base) }
    return .object(members)
  }

  private static func stream(_ name: String) -> SortedJSON {
    .object(["name": .text(name), "fullyQualifiedName": .text(name), "kind": .text("resource")])
  }

  /// What makes a finding the same in two audits of the same store: all but its words.
  private static func fingerprint(_ finding: Finding, _ report: AuditReport) -> String {
    let place = finding.place
    let numbers = [
      place.streamID, place.offsets?.lowerBound, place.offsets?.upperBound, place.position,
      place.byteCount, place.bit.map { UInt64(clamping: $0) },
    ]
    var text = "\(finding.rule.rawValue)\n\(report.storeID)\n"
    for number in numbers { text += number.map { "\($0)\n" } ?? "-\n" }
    text += place.file ?? "-"
    return Hexadecimal.text(SHA256.digest(Array(text.utf8)).bytes)
  }
}

/// Paths as parts of URIs (RFC 3986).
enum URIText {
  /// A path whose bytes other than letters, digits, `/` and `-._~` are written as `%` and two digits.
  static func path(_ path: String) -> String {
    var text = ""
    for byte in path.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"),
        UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
        text.unicodeScalars.append(Unicode.Scalar(byte))
      default: text += "%" + Hexadecimal.digits(UInt64(byte), count: 2).uppercased()
      }
    }
    return text
  }
}
