import Testing

@testable import AuditReports

@Suite struct HTMLReportStreamsTests {
  private func place(_ offsets: Range<UInt64>, of end: UInt64, least: Int = 0) -> [Int]? {
    BarScale(end: end).place(of: offsets, least: least).map { [$0.x, $0.width] }
  }

  @Test func `ranges have their share of the bar`() {
    #expect(place(0..<50, of: 100) == [0, 500])
    #expect(place(25..<100, of: 100) == [250, 750])
    #expect(place(7..<7, of: 100) == nil)
    #expect(place(0..<1, of: 1_000_000) == nil)
    #expect(place(0..<(.max), of: .max) == [0, 1_000])
  }

  @Test func `what must be seen has a width, and stays on the bar`() {
    #expect(place(0..<1, of: 1_000_000, least: 4) == [0, 4])
    #expect(place(999_999..<1_000_000, of: 1_000_000, least: 4) == [996, 4])
    #expect(place(5_000..<(.max), of: 100, least: 4) == [996, 4])
    #expect(place(3..<4, of: 0, least: 4) == [996, 4])
  }
}
