import AuditReports
import AuditVerification
import Testing

@Suite struct TextReportTests {
  private func lines(_ report: AuditReport) -> [String] {
    TextReport(report, isColoured: false).text.split(separator: "\n").map(String.init)
  }

  @Test func `the verdict comes first, in a word`() {
    #expect(lines(SampleReport.proven)[0] == "PROVEN: everything that evidence covers holds")
    #expect(lines(SampleReport.broken)[0] == "BROKEN: 16 findings contradict the evidence")
    #expect(
      lines(SampleReport.incomplete)[0]
        == "INCOMPLETE: nothing contradicts the evidence, but 1 thing asked for could not be checked"
    )
  }

  @Test func `a store without evidence is never said to be covered`() {
    var report = AuditReport(path: "x")
    report.streams = [SampleReport.stream(1, "plain", nil, 0..<9, to: 0)]
    #expect(lines(report)[0].hasPrefix("PROVEN: no stream has evidence; what was read fits"))
  }

  @Test func `findings and events have a line each`() throws {
    let text = TextReport(SampleReport.broken, isColoured: false).text
    // The messages of an audit repeat the place.
    #expect(text.contains("1. damaged-bytes (broken, rot): what damaged-bytes found, number 0\n"))
    #expect(text.contains("17. unexpected-bytes (warning, edit): "))
    #expect(text.contains("3. changed-records (broken): what changed-records"))
    #expect(
      text.contains("stated by the log\n  2026-09-21T14:13:20.123456789Z  removal in 'sessions'"))
    #expect(text.contains("  witnesses (asked for): what witnesses would take\n"))
  }

  @Test func `seals are counted with their epochs, or not spoken of`() throws {
    let text = TextReport(SampleReport.proven, isColoured: false).text
    #expect(
      text.contains(
        "seals\n  95 of 96 seals hold; epochs 0 to 97; 3 epochs without a seal; statements 0 to 189 and "
          + "what they are of are covered; the last at 2026-09-21T14:13:20.000000001Z\n"))
    var report = SampleReport.proven
    report.seals = SealCoverage()
    #expect(TextReport(report, isColoured: false).text.contains("seals\n  0 of 0 seals hold\n"))
    report.seals = nil
    #expect(!TextReport(report, isColoured: false).text.contains("seals"))
  }

  @Test func `more findings than anybody reads at a terminal are counted`() {
    var report = SampleReport.proven
    report.findings = (0..<250).map { Finding(.damagedBytes, at: .init(position: $0), "f") }
    let text = TextReport(report, isColoured: false).text
    #expect(text.contains("  100. ") && !text.contains("  101. "))
    #expect(text.contains("and 150 findings more; --report json has all of them"))
  }

  @Test func `only a terminal gets a colour`() {
    #expect(
      TextReport(SampleReport.broken, isColoured: true).text.hasPrefix(
        "\u{1b}[1;31mBROKEN\u{1b}[0m"))
    #expect(!TextReport(SampleReport.broken, isColoured: false).text.contains("\u{1b}"))
  }

  @Test func `names that the audit made visible are not made visible twice`() {
    var report = SampleReport.proven
    report.findings = [Finding(.damagedBytes, at: .init(), "stream 'a\\u{1b}\\\\b' and \u{7}")]
    let text = TextReport(report, isColoured: false).text
    #expect(text.contains("stream 'a\\u{1b}\\\\b' and \\u{7}\n"))
  }
}
