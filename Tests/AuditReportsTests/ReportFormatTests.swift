import AuditReports
import AuditVerification
import Foundation
import TestSupport
import Testing

@Suite struct ReportFormatTests {
  @Test(arguments: ReportFormat.allCases)
  func `the same report gives the same bytes`(_ format: ReportFormat) {
    for (name, report) in SampleReport.all {
      let bytes = format.encoded(report, by: SampleReport.tool)
      #expect(!bytes.isEmpty && bytes.last == 0x0a, "\(name)")
      #expect(bytes == format.encoded(report, by: SampleReport.tool), "\(name)")
      #expect(String(validating: bytes, as: UTF8.self) != nil, "\(name)")
    }
  }

  @Test(arguments: ReportFormat.allCases)
  func `nothing in a report can steer a terminal or turn its writing round`(_ format: ReportFormat)
  {
    let text = String(
      decoding: format.encoded(SampleReport.nasty, by: SampleReport.tool), as: UTF8.self)
    let marks = text.unicodeScalars.filter {
      $0.value < 0x20 && $0 != "\n" || (0x7f..<0xa0).contains($0.value)
        || format != .junit && (0x202a...0x202e).contains($0.value)
    }
    #expect(marks.isEmpty, "\(marks.map { String($0.value, radix: 16) })")
  }

  @Test func `a report of nothing can be shown in every format`() {
    for format in ReportFormat.allCases {
      #expect(!format.encoded(AuditReport(path: ""), by: SampleReport.tool).isEmpty)
    }
  }

  @Test func `no numbers can make a report trap`() {
    let numbers: [UInt64] = [0, 1, 2, 255, 1 << 53, UInt64(Int64.max), .max - 1, .max]
    var random = SeededGenerator()
    func number() -> UInt64 { numbers.randomElement(using: &random) ?? 0 }
    func offsets() -> Range<UInt64> {
      let (one, other) = (number(), number())
      return min(one, other)..<max(one, other)
    }
    for _ in 0..<300 {
      var report = SampleReport.broken
      for index in report.streams.indices {
        report.streams[index].firstOffset = number()
        report.streams[index].nextOffset = number()
        report.streams[index].evidencedOffset = number()
        report.streams[index].resumedOffset = number()
        report.streams[index].recordCount = number()
        report.streams[index].groupCount = number()
        report.streams[index].byteCount = number()
      }
      for index in report.findings.indices {
        report.findings[index].place.offsets = offsets()
        report.findings[index].place.streamID = number() % 5
        report.findings[index].place.position = number()
        report.findings[index].place.byteCount = number()
        report.findings[index].place.bit = [Int.min, -1, 8, .max].randomElement(using: &random)
      }
      for index in report.events.indices {
        report.events[index].offsets = offsets()
        report.events[index].time = Int64(truncatingIfNeeded: number())
      }
      for format in ReportFormat.allCases {
        let bytes = format.encoded(report, by: SampleReport.tool)
        #expect(bytes.count > 100, "\(report)")
      }
    }
  }

  /// Writes all samples, for a look at them: `PIPEROLL_SAMPLES=/tmp/samples swift test --filter ...`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["PIPEROLL_SAMPLES"] != nil))
  func `samples are written for a look at them`() throws {
    let folder = try #require(ProcessInfo.processInfo.environment["PIPEROLL_SAMPLES"])
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, report) in SampleReport.all {
      for format in ReportFormat.allCases {
        let bytes = format.encoded(report, by: SampleReport.tool)
        try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name).\(format.rawValue)"))
      }
    }
  }
}
