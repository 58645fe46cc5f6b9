import Testing

@testable import AuditVerification

@Suite struct AuditReportTests {
  static let place = Finding.Place(streamID: 1)

  @Test func `an audit is broken by a finding and incomplete by what was asked for in vain`() {
    var report = AuditReport(path: "p")
    #expect(report.verdict == .proven)
    report.unchecked = [Unchecked(.checkpoint, "none was given")]
    report.findings = [Finding(.unexpectedBytes, .warning, at: Self.place, "padding")]
    #expect(report.verdict == .proven)
    report.unchecked.append(Unchecked(.signature, wasAskedFor: true, "no key fits"))
    #expect(report.verdict == .incomplete)
    report.findings.append(Finding(.truncated, at: Self.place, "cut"))
    #expect(report.verdict == .broken)
  }
}
