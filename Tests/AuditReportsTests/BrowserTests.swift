import AuditReports
import AuditVerification
import Foundation
import Testing

/// What a reader of the page sees, in a real browser.
@Suite(.serialized, .enabled(if: Browser.program != nil))
struct BrowserTests {
  private func page(_ report: AuditReport) -> [UInt8] {
    HTMLReport(report, by: SampleReport.tool).bytes
  }

  /// Texts that are shown, and boxes of what must not be missed.
  private struct Shown: Decodable {
    let text: String
    let findings: [[Double]]
    let bars: [[Double]]
    let scripts: Int
    let background: String
    let overflow: Double
    let title: String
  }

  private static let look = """
    const box = e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; };
    return {
      text: document.body.innerText,
      findings: [...document.querySelectorAll(".finding")].map(box),
      bars: [...document.querySelectorAll("svg.bar")].map(box),
      scripts: document.querySelectorAll("script").length,
      background: getComputedStyle(document.getElementById("verdict")).backgroundColor,
      overflow: document.documentElement.scrollWidth - window.innerWidth,
      title: document.title
    };
    """

  @Test func `verdict, streams and every finding are seen`() throws {
    let browser = try Browser()
    defer { browser.close() }
    for (report, verdict, colour) in [
      (SampleReport.proven, "Proven", "rgb(238, 248, 240)"),
      (SampleReport.broken, "Broken", "rgb(253, 240, 239)"),
      (SampleReport.incomplete, "Incomplete", "rgb(255, 247, 230)"),
    ] {
      let shown = try browser.value(of: Self.look, in: page(report), as: Shown.self)
      #expect(shown.text.contains("\n\(verdict): "))
      #expect(shown.background == colour && shown.title == "Audit: \(verdict.lowercased())")
      for stream in report.streams { #expect(shown.text.contains("\n\(stream.name)\n")) }
      for finding in report.findings { #expect(shown.text.contains(finding.message)) }
      for item in report.unchecked { #expect(shown.text.contains(item.reason)) }
      for event in report.events { #expect(shown.text.contains(event.reason)) }
      for checkpoint in report.checkpoints { #expect(shown.text.contains(checkpoint.root)) }
      #expect(shown.findings.count == report.findings.count)
      #expect(shown.bars.count == report.streams.count)
      for box in shown.findings + shown.bars { #expect(box[2] > 300 && box[3] > 10) }
    }
  }

  @Test(arguments: [360, 800, 1_400])
  func `nothing stands out at the side of the page`(_ width: Int) throws {
    let browser = try Browser()
    defer { browser.close() }
    for report in [SampleReport.broken, SampleReport.nasty] {
      let shown = try browser.value(of: Self.look, in: page(report), width: width, as: Shown.self)
      #expect(shown.overflow <= 0)
    }
  }

  @Test func `the page is silent and asks the network for nothing`() throws {
    let browser = try Browser()
    defer { browser.close() }
    for (name, report) in SampleReport.all {
      let visit = try browser.open(page(report))
      #expect(visit.dom.contains("id=\"verdict\""), "\(name)")
      #expect(!visit.log.contains("CONSOLE"), "\(name): \(visit.log)")
      #expect(visit.requests.isEmpty, "\(name): \(visit.requests)")
    }
    // This way of looking sees what a noisy page does.
    let noisy = """
      <!DOCTYPE html><html><body id="verdict"><img src="http://127.0.0.1:9/x.png">
      <script>console.error("noise")</script></body></html>
      """
    let visit = try browser.open(Array(noisy.utf8))
    #expect(visit.log.contains("CONSOLE") && visit.requests.contains("http://127.0.0.1:9/x.png"))
  }

  @Test func `hostile text is shown and not run`() throws {
    let browser = try Browser()
    defer { browser.close() }
    let shown = try browser.value(of: Self.look, in: page(SampleReport.nasty), as: Shown.self)
    // The only script is that of the test itself.
    #expect(shown.scripts == 1)
    #expect(shown.text.contains("<script>alert('x')</script>\"]]>&amp;"))
    #expect(shown.findings.count == 2)
  }

  @Test func `the policy of the page lets its style through and nothing else`() throws {
    let browser = try Browser()
    defer { browser.close() }
    var html = String(decoding: page(SampleReport.proven), as: UTF8.self)
    html = html.replacing("</main>", with: "<script>document.title = 'run'</script></main>")
    let visit = try browser.open(Array(html.utf8))
    #expect(visit.dom.contains("<title>Audit: proven</title>"))
    #expect(visit.log.contains("Content Security Policy"))
  }

  @Test func `the page prints on A4`() throws {
    let browser = try Browser()
    defer { browser.close() }
    let pdf = String(decoding: try browser.printed(page(SampleReport.broken)), as: UTF8.self)
    let boxes = pdf.matches(of: /\/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]/)
    #expect(boxes.count >= 2)
    for box in boxes {
      let (width, height) = (Double(box.output.1) ?? 0, Double(box.output.2) ?? 0)
      #expect(abs(width - 595) < 2 && abs(height - 842) < 2)
    }
  }
}
