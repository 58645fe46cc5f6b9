import Testing

@testable import AuditReports

@Suite struct MomentTextTests {
  @Test func `moments are UTC and as exact as they are`() {
    #expect(MomentText.text(nanoseconds: 0) == "1970-01-01T00:00:00Z")
    #expect(MomentText.text(nanoseconds: 1_500_000_000) == "1970-01-01T00:00:01.5Z")
    #expect(MomentText.text(nanoseconds: -1) == "1969-12-31T23:59:59.999999999Z")
    #expect(MomentText.text(nanoseconds: .min) == "1677-09-21T00:12:43.145224192Z")
    #expect(MomentText.text(nanoseconds: .max) == "2262-04-11T23:47:16.854775807Z")
  }

  @Test func `seconds that no 64 bits of nanoseconds hold are shown as seconds`() {
    #expect(MomentText.text(seconds: 1_790_000_000) == "2026-09-21T14:13:20Z")
    #expect(MomentText.text(seconds: 9_223_372_036) == "2262-04-11T23:47:16Z")
    #expect(MomentText.text(seconds: 9_223_372_037) == "9223372037 s after 1970-01-01T00:00:00Z")
    #expect(MomentText.text(seconds: .max).hasPrefix("18446744073709551615 s after"))
  }
}
