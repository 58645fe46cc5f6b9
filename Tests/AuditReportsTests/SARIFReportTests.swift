import AuditReports
import AuditVerification
import Foundation
import Testing

@Suite struct SARIFReportTests {
  private func run(_ report: AuditReport) throws -> [String: Any] {
    let bytes = SARIFReport(report, by: SampleReport.tool).bytes
    let value = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(value["version"] as? String == "2.1.0")
    #expect((value["$schema"] as? String)?.hasSuffix("sarif-schema-2.1.0.json") == true)
    let runs = try #require(value["runs"] as? [[String: Any]])
    try #require(runs.count == 1)
    return runs[0]
  }

  private func results(_ report: AuditReport) throws -> [[String: Any]] {
    try #require(try run(report)["results"] as? [[String: Any]])
  }

  @Test func `each result names its rule, and the rule explains itself`() throws {
    let run = try run(SampleReport.broken)
    let tool = try #require(run["tool"] as? [String: Any])
    let driver = try #require(tool["driver"] as? [String: Any])
    let rules = try #require(driver["rules"] as? [[String: Any]])
    let ids = rules.compactMap { $0["id"] as? String }
    #expect(Set(ids).count == rules.count)
    #expect(Finding.Rule.allCases.allSatisfy { ids.contains($0.rawValue) })
    for rule in rules {
      for text in ["shortDescription", "fullDescription", "help"] {
        let message = try #require(rule[text] as? [String: String])
        #expect(message["text"]?.hasSuffix(".") == true)
      }
    }
    let results = try #require(run["results"] as? [[String: Any]])
    #expect(
      results.count == SampleReport.broken.findings.count + SampleReport.broken.unchecked.count)
    for result in results {
      let index = try #require(result["ruleIndex"] as? Int)
      #expect(result["ruleId"] as? String == ids[index])
    }
  }

  @Test func `levels and kinds go together as the standard asks`() throws {
    for result in try results(SampleReport.broken) {
      let kind = try #require(result["kind"] as? String)
      let level = try #require(result["level"] as? String)
      #expect((kind == "fail") == (level != "none"))
      #expect(["fail", "open", "notApplicable"].contains(kind))
      #expect(["error", "warning", "none"].contains(level))
    }
    let kinds = try results(SampleReport.incomplete).map { $0["kind"] as? String }
    #expect(kinds == ["open", "notApplicable"])
  }

  @Test func `a place is a region of bytes in a file of the store`() throws {
    let result = try results(SampleReport.broken)[4]
    let location = try #require((result["locations"] as? [[String: Any]])?.first)
    let physical = try #require(location["physicalLocation"] as? [String: Any])
    let artifact = try #require(physical["artifactLocation"] as? [String: String])
    #expect(artifact == ["uri": "s/0000000000000002/0000000000000005.seg", "uriBaseId": "STORE"])
    let region = try #require(physical["region"] as? [String: Int])
    #expect(region == ["byteOffset": 4_096 + 4 * 640, "byteLength": 1])
    let properties = try #require(result["properties"] as? [String: Any])
    #expect(properties["bit"] as? Int == 4 && properties["streamId"] as? Int == 2)
    #expect(properties["origin"] as? String == "edit")
    let bases = try #require(
      try run(SampleReport.broken)["originalUriBaseIds"] as? [String: [String: Any]])
    // This sample speaks of one file alone, so its places are below the folder of the file.
    #expect(bases["STORE"]?["uri"] as? String == "file:///srv/logs/")
    let whole = try #require(
      try run(SampleReport.proven)["originalUriBaseIds"] as? [String: [String: Any]])
    #expect(whole["STORE"]?["uri"] as? String == "file:///srv/logs/orders/")
  }

  @Test func `fingerprints tell findings apart, and stay the same when words change`() throws {
    func prints(_ report: AuditReport) throws -> [String] {
      try results(report).compactMap {
        ($0["partialFingerprints"] as? [String: String])?["piperollFinding/v1"]
      }
    }
    let before = try prints(SampleReport.broken)
    #expect(before.count == SampleReport.findings.count && Set(before).count == before.count)
    var reworded = SampleReport.broken
    for index in reworded.findings.indices { reworded.findings[index].message = "other words" }
    #expect(try prints(reworded) == before)
  }

  @Test func `members of the run are those of the standard`() throws {
    let known: Set<String> = [
      "tool", "invocations", "originalUriBaseIds", "columnKind", "results", "properties",
    ]
    #expect(Set(try run(SampleReport.nasty).keys) == known)
    let invocation = try #require(
      (try run(SampleReport.broken)["invocations"] as? [[String: Any]])?.first)
    #expect(
      invocation["exitCode"] as? Int == 1 && invocation["executionSuccessful"] as? Bool == true)
  }

  @Test func `files of the caller are not said to be of the store`() throws {
    var report = SampleReport.proven
    report.findings = [
      Finding(.badSignature, at: .init(file: "monday.checkpoint"), "m"),
      Finding(.truncated, at: .init(file: "/kept/old checkpoint"), "m"),
    ]
    let artifacts = try results(report).map { result in
      let location = try #require((result["locations"] as? [[String: Any]])?.first)
      let physical = try #require(location["physicalLocation"] as? [String: Any])
      return try #require(physical["artifactLocation"] as? [String: String])
    }
    #expect(artifacts == [["uri": "monday.checkpoint"], ["uri": "file:///kept/old%20checkpoint"]])
  }

  @Test func `names of files become parts of URIs`() throws {
    let result = try results(SampleReport.nasty)[0]
    let location = try #require((result["locations"] as? [[String: Any]])?.first)
    let physical = try #require(location["physicalLocation"] as? [String: Any])
    let uri = try #require((physical["artifactLocation"] as? [String: String])?["uri"])
    #expect(uri.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != 0x3c && $0 != 0x22 })
    #expect(uri.removingPercentEncoding == SampleReport.hostile)
  }
}
