import AuditReports
import AuditVerification
import Foundation
import TestSupport
import Testing

@Suite struct JSONReportTests {
  @Test func `members are sorted and there are no blanks, as in a canonical document`() throws {
    for (name, report) in SampleReport.all where name != "nasty" {
      let bytes = JSONReport(report, by: SampleReport.tool).bytes
      let value = try JSONSerialization.jsonObject(with: Data(bytes))
      let sorted = try JSONSerialization.data(
        withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
      #expect(Array(sorted) + [0x0a] == bytes, "\(name)")
    }
  }

  @Test func `texts come back as they were`() throws {
    let bytes = JSONReport(SampleReport.nasty, by: SampleReport.tool).bytes
    let value = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(value["path"] as? String == SampleReport.hostile)
    let events = try #require(value["events"] as? [[String: Any]])
    #expect(events[0]["nextOffset"] as? UInt64 == .max)
    #expect(events[0]["time"] as? String == "1677-09-21T00:12:43.145224192Z")
    let findings = try #require(value["findings"] as? [[String: Any]])
    #expect((findings[1]["place"] as? [String: Any])?["position"] is NSNull)
  }

  @Test func `every document follows the published schema`() throws {
    let schema = try JSONSchema(
      RepositoryFile("Sources/AuditReports/audit-report-1.schema.json").read())
    for (name, report) in SampleReport.all {
      if name == "nasty" { continue }
      let problems = try schema.problems(of: JSONReport(report, by: SampleReport.tool).bytes)
      #expect(problems.isEmpty, "\(name): \(problems)")
    }
    // The check finds what is wrong.
    let wrong = Array(#"{"schemaVersion":2,"verdict":"fine","path":7,"streams":[{}]}"#.utf8)
    #expect(try schema.problems(of: wrong).count > 10)
    var hashless = SampleReport.proven
    hashless.streams[0].root = "zz"
    #expect(try schema.problems(of: JSONReport(hashless, by: SampleReport.tool).bytes).count == 1)
  }

  @Test func `the schema knows every rule, subject, severity and origin`() throws {
    let text = String(
      decoding: try RepositoryFile("Sources/AuditReports/audit-report-1.schema.json").read(),
      as: UTF8.self)
    let words =
      Finding.Rule.allCases.map(\.rawValue) + Unchecked.Subject.allCases.map(\.rawValue)
      + Finding.Severity.allCases.map(\.rawValue) + Finding.Origin.allCases.map(\.rawValue)
    for word in words { #expect(text.contains("\"\(word)\""), "\(word)") }
  }
}

/// As much of JSON Schema as the published one uses; a word that it does not know is a problem.
struct JSONSchema {
  private let root: [String: Any]

  init(_ bytes: [UInt8]) throws {
    root = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
  }

  func problems(of document: [UInt8]) throws -> [String] {
    let value = try JSONSerialization.jsonObject(with: Data(document))
    return check(value, root, at: "$")
  }

  private func check(_ value: Any, _ schema: [String: Any], at place: String) -> [String] {
    var problems: [String] = []
    func require(_ condition: Bool, _ what: String) {
      if !condition { problems.append("\(place): \(what)") }
    }
    for (word, rule) in schema {
      switch word {
      case "$schema", "$defs", "title", "description": break
      case "$ref":
        let name = (rule as? String)?.split(separator: "/").last.map(String.init) ?? ""
        let definition = (root["$defs"] as? [String: Any])?[name] as? [String: Any]
        if let definition { problems += check(value, definition, at: place) }
        require(definition != nil, "\(rule) is not defined")
      case "type":
        let types = rule as? [String] ?? [rule as? String ?? ""]
        require(types.contains { Self.isOf($0, value) }, "not of type \(types)")
      case "enum":
        require((rule as? [String])?.contains { $0 == value as? String } ?? false, "not of \(rule)")
      case "const": require((rule as? NSNumber) == (value as? NSNumber), "not \(rule)")
      case "minimum": require((value as? NSNumber)?.doubleValue ?? 0 >= 0, "negative")
      case "maximum":
        let most = (rule as? NSNumber)?.doubleValue ?? 0
        require((value as? NSNumber)?.doubleValue ?? 0 <= most, "over \(rule)")
      case "pattern":
        let matches = (value as? String)?.range(
          of: rule as? String ?? "", options: .regularExpression)
        require(matches != nil, "does not match \(rule)")
      case "required":
        let members = value as? [String: Any] ?? [:]
        for name in rule as? [String] ?? [] { require(members[name] != nil, "no \(name)") }
      case "properties":
        for (name, inner) in rule as? [String: [String: Any]] ?? [:] {
          guard let member = (value as? [String: Any])?[name] else { continue }
          problems += check(member, inner, at: "\(place).\(name)")
        }
      case "items":
        for (index, item) in (value as? [Any] ?? []).enumerated() {
          problems += check(item, rule as? [String: Any] ?? [:], at: "\(place)[\(index)]")
        }
      case "anyOf":
        let choices = rule as? [[String: Any]] ?? []
        require(choices.contains { check(value, $0, at: place).isEmpty }, "none of the choices")
      default: require(false, "the schema says \(word), which this check does not know")
      }
    }
    return problems
  }

  private static func isOf(_ type: String, _ value: Any) -> Bool {
    let number = value as? NSNumber
    let isFlag = number.map { String(cString: $0.objCType) == "c" } ?? false
    return switch type {
    case "object": value is [String: Any]
    case "array": value is [Any]
    case "string": value is String
    case "boolean": isFlag
    case "null": value is NSNull
    case "integer": !isFlag && number.map { $0.doubleValue == $0.doubleValue.rounded() } ?? false
    default: false
    }
  }
}
