import AuditReports
import AuditVerification
import Foundation
import Testing

@Suite struct HTMLReportTests {
  private func html(_ report: AuditReport) -> String {
    String(decoding: HTMLReport(report, by: SampleReport.tool).bytes, as: UTF8.self)
  }

  @Test func `the page needs and runs nothing from elsewhere`() {
    for (name, report) in SampleReport.all {
      let page = html(report)
      for word in [
        "<script", "<link", "<img", "<iframe", "http:", "https:", "url(", "@import", " on",
      ] {
        let found = page.contains(word) && word != " on"
        #expect(!found, "\(name): \(word)")
      }
      #expect(
        page.contains("Content-Security-Policy") && page.contains("default-src &#39;none&#39;"))
      #expect(page.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
    }
  }

  @Test func `headings go down one step at a time`() throws {
    for (name, report) in SampleReport.all {
      let levels = html(report).matches(of: /<h([1-6])[ >]/).compactMap { Int($0.output.1) }
      #expect(levels.first == 1 && levels.count { $0 == 1 } == 1, "\(name)")
      for (before, after) in zip(levels, levels.dropFirst()) {
        #expect(after <= before + 1, "\(name)")
      }
    }
  }

  @Test func `every tag that is opened is closed`() throws {
    let void: Set<Substring> = ["meta", "br", "rect"]
    for (name, report) in SampleReport.all {
      var open: [Substring] = []
      for tag in html(report).matches(of: /<(\/?)([a-z0-9]+)[^>]*>/) {
        if tag.output.1.isEmpty {
          if !void.contains(tag.output.2) { open.append(tag.output.2) }
        } else {
          #expect(open.popLast() == tag.output.2, "\(name)")
        }
      }
      #expect(open.isEmpty, "\(name): \(open)")
    }
  }

  @Test func `the verdict says whether a device or a person explains what is broken`() {
    var report = SampleReport.proven
    let place = Finding.Place(streamID: 2, streamName: "orders", file: "x.seg")
    report.findings = [Finding(.damagedBytes, .broken, .rot, at: place, "file 'x.seg': flipped")]
    #expect(html(report).contains("The failure of a device explains all of it"))
    // What the message says already is not said again.
    #expect(!html(report).contains("class=\"place\""))
    report.findings.append(Finding(.changedRecords, at: place, "changed"))
    #expect(!html(report).contains("device explains all"))
    #expect(html(report).contains("class=\"place\""))
    report.findings.append(Finding(.changedRecords, .broken, .edit, at: place, "changed"))
    #expect(html(report).contains("1 finding can only be the doing of a person or a program."))
  }

  @Test func `hostile text stays text in the page`() {
    let page = html(SampleReport.nasty)
    #expect(
      !page.contains("<script") && !page.contains("</style>\n\t") && !page.contains("\u{202e}"))
    #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;"))
    #expect(page.components(separatedBy: "</style>").count == 2)
  }

  @Test func `text and its ground differ enough to be read`() throws {
    let page = html(SampleReport.broken)
    let style = try #require(page.firstRange(of: "<style>").map { page[$0.upperBound...] })
    // Colours of text, each on white, on the grey of findings and on the ground of its verdict.
    let colours = Set(style.matches(of: /[^-]color: (#[0-9a-f]{6})/).map { String($0.output.1) })
    #expect(colours.count > 5)
    for colour in colours {
      for ground in ["#ffffff", "#f6f8fa"] {
        #expect(try Self.contrast(colour, ground) >= 4.5, "\(colour) on \(ground)")
      }
    }
    for (colour, ground) in [
      ("#116329", "#eef8f0"), ("#8c1d18", "#fdf0ef"), ("#6b4500", "#fff7e6"),
      ("#1b1f24", "#fdf0ef"),
    ] {
      #expect(page.contains(colour) && page.contains(ground))
      #expect(try Self.contrast(colour, ground) >= 4.5, "\(colour) on \(ground)")
    }
  }

  /// The contrast of two colours as WCAG 2 defines it.
  private static func contrast(_ one: String, _ other: String) throws -> Double {
    func luminance(_ colour: String) throws -> Double {
      let number = try #require(Int(colour.dropFirst(), radix: 16))
      let parts = [16, 8, 0].map { shift -> Double in
        let value = Double(number >> shift & 255) / 255
        return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
      }
      return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }
    let (a, b) = (try luminance(one), try luminance(other))
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)
  }
}
