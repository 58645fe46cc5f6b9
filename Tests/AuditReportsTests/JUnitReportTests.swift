import AuditReports
import AuditVerification
import Foundation
import FoundationXML
import Integrity
import Testing

@Suite struct JUnitReportTests {
  /// Elements of a document in their order, as paths of names with their attributes.
  private final class Reader: NSObject, XMLParserDelegate {
    var elements: [(name: String, attributes: [String: String])] = []
    func parser(
      _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
      qualifiedName: String?, attributes: [String: String]
    ) {
      elements.append((name, attributes))
    }
  }

  private func read(_ report: AuditReport) throws -> [(name: String, attributes: [String: String])]
  {
    let parser = XMLParser(data: Data(JUnitReport(report, by: SampleReport.tool).bytes))
    let reader = Reader()
    parser.delegate = reader
    try #require(parser.parse(), "\(String(describing: parser.parserError))")
    return reader.elements
  }

  @Test func `seals that hold are a claim of the stream of statements`() throws {
    var report = SampleReport.proven
    report.streams.append(SampleReport.stream(5, "piperoll.evidence", .tree, 0..<200, to: 200))
    let claim = "seals fit their data and their neighbours"
    func cases(_ report: AuditReport) throws -> [String?] {
      try read(report).filter { $0.attributes["name"] == claim }.map { $0.attributes["classname"] }
    }
    #expect(try cases(report) == ["piperoll.evidence"])
    report.seals = nil
    #expect(try cases(report).isEmpty)
  }

  @Test func `a suite for the store and one for each stream`() throws {
    let suites = try read(SampleReport.broken).filter { $0.name == "testsuite" }
    #expect(suites.map { $0.attributes["name"] } == ["store", "orders", "sessions", "metrics"])
  }

  @Test func `counts are those of the cases`() throws {
    for (name, report) in SampleReport.all {
      let elements = try read(report)
      let total = elements[0].attributes
      #expect(total["tests"] == "\(elements.count { $0.name == "testcase" })", "\(name)")
      #expect(total["failures"] == "\(elements.count { $0.name == "failure" })", "\(name)")
      #expect(total["skipped"] == "\(elements.count { $0.name == "skipped" })", "\(name)")
    }
  }

  @Test func `findings fail their claim, unchecked things are skipped, and all else passes`() throws
  {
    let elements = try read(SampleReport.broken)
    let failures = elements.filter { $0.name == "failure" }
    #expect(failures.contains { $0.attributes["type"] == "damaged-bytes" })
    let skipped = elements.filter { $0.name == "skipped" }
    #expect(skipped.count == Unchecked.Subject.allCases.count + 1)
    #expect(skipped.contains { $0.attributes["message"] == "asked for: what witnesses would take" })
    let good = try read(SampleReport.proven)
    #expect(!good.contains { $0.name == "failure" || $0.name == "skipped" })
    #expect(good.count { $0.name == "testcase" } > 8)
  }

  @Test func `every finding is in the document, warnings as output`() throws {
    let text = String(
      decoding: JUnitReport(SampleReport.broken, by: SampleReport.tool).bytes, as: UTF8.self)
    for finding in SampleReport.findings { #expect(text.contains(finding.message)) }
    let warnings = try read(SampleReport.broken).count { $0.name == "system-out" }
    #expect(warnings >= 1)
  }

  @Test func `hostile text stays text in the XML`() throws {
    let elements = try read(SampleReport.nasty)
    #expect(!elements.contains { $0.name == "script" })
    let suite = try #require(
      elements.first { $0.name == "testsuite" && $0.attributes["name"] != "store" })
    #expect(
      suite.attributes["name"]?.contains("<script>alert('x')</script>\"]]>&amp;\u{fffd}[31m")
        == true)
  }
}
