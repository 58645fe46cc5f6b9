import Quantities
import TestSupport
import Testing

@testable import CommandLineInterface

struct RFC3339Tests {
  @Test(arguments: [
    ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.000000001Z", 1),
    ("1969-12-31T23:59:59.999999999Z", -1), ("2000-02-29T12:34:56Z", 951_827_696_000_000_000),
    ("2001-09-09T01:46:40Z", 1_000_000_000_000_000_000),
    ("2024-02-29T23:59:59.5Z", 1_709_251_199_500_000_000),
    ("2024-02-29T23:59:59.5+00:00", 1_709_251_199_500_000_000),
    ("2024-03-01T05:29:59.5+05:30", 1_709_251_199_500_000_000),
    ("2024-02-29t23:59:59.500z", 1_709_251_199_500_000_000),
    ("1970-01-01T23:59:00+23:59", 0), ("1969-12-31T00:01:00-23:59", 0),
    ("1970-01-01T00:00:00-00:00", 0),
    ("2038-01-19T03:14:08Z", 2_147_483_648_000_000_000),
    ("1677-09-21T00:12:43.145224192Z", Int64.min), ("2262-04-11T23:47:16.854775807Z", Int64.max),
    ("2262-04-12T00:47:16.854775807+01:00", Int64.max),
  ])
  func `known moments are read`(_ text: String, _ expected: Int64) throws {
    #expect(try RFC3339.parse(text).rawValue == expected)
  }

  @Test(arguments: [
    "", "Z", "2024", "2024-01-01", "2024-01-01T00:00Z", "2024-01-01T00:00:00",
    "2024-01-01 00:00:00Z", "2024-01-01T00:00:00,5Z", "2024-01-01T00:00:00.Z",
    "2024-01-01T00:00:00.0000000001Z", "2024-01-01T00:00:00+0100", "2024-01-01T00:00:00+1:00",
    "2024-1-01T00:00:00Z", "+2024-01-01T00:00:00Z", "-2024-01-01T00:00:00Z",
    "02024-01-01T00:00:00Z",
    "2024-01-01T00:00:00Zx", " 2024-01-01T00:00:00Z", "2024-01-01T00:00:00Z ",
    "２０24-01-01T00:00:00Z", "2024-01-01T00:00:00\u{0}", "2024-01-01T00:00:00+01:00:00",
  ])
  func `another form is refused`(_ text: String) {
    #expect(throws: RFC3339.Failure.form) { try RFC3339.parse(text) }
  }

  @Test(arguments: [
    "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2024-00-01T00:00:00Z",
    "2024-13-01T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-00T00:00:00Z", "2024-01-32T00:00:00Z",
    "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:61Z",
    "2024-01-01T00:00:00+24:00", "2024-01-01T00:00:00-00:60",
  ])
  func `days and times that do not exist are refused`(_ text: String) {
    #expect(throws: RFC3339.Failure.noSuchMoment) { try RFC3339.parse(text) }
  }

  @Test func `a leap second is refused as such`() {
    #expect(throws: RFC3339.Failure.leapSecond) { try RFC3339.parse("2016-12-31T23:59:60Z") }
  }

  @Test(arguments: [
    "1677-09-21T00:12:43.145224191Z", "2262-04-11T23:47:16.854775808Z", "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "1677-09-21T00:12:43.2+00:01",
  ])
  func `moments outside 64 bits are refused`(_ text: String) {
    #expect(throws: RFC3339.Failure.outOfRange) { try RFC3339.parse(text) }
  }

  @Test(arguments: [
    (0, "1970-01-01T00:00:00.000000000Z"), (-1, "1969-12-31T23:59:59.999999999Z"),
    (Int64.min, "1677-09-21T00:12:43.145224192Z"), (Int64.max, "2262-04-11T23:47:16.854775807Z"),
    (951_827_696_000_000_001, "2000-02-29T12:34:56.000000001Z"),
  ])
  func `moments are written with nine digits`(_ nanoseconds: Int64, _ expected: String) {
    #expect(RFC3339.format(Timestamp(rawValue: nanoseconds)) == expected)
  }

  @Test func `every day of the range counts on from the day before`() throws {
    var previous = CivilDate(daysSinceEpoch: -106_752)
    for days in -106_751...106_751 {
      let date = CivilDate(daysSinceEpoch: days)
      let isNext =
        date.day == previous.day + 1 && date.month == previous.month && date.year == previous.year
      let length = CivilDate.dayCount(year: previous.year, month: previous.month)
      let isNewMonth = date.day == 1 && previous.day == length
      let follows =
        previous.month == 12
        ? date.year == previous.year + 1 && date.month == 1
        : date.year == previous.year && date.month == previous.month + 1
      guard date.daysSinceEpoch == days, isNext || isNewMonth && follows else {
        Issue.record("day \(days) is \(date)")
        return
      }
      previous = date
    }
  }

  @Test func `what is written reads back the same`() throws {
    var generator = SeededGenerator()
    for _ in 0..<20_000 {
      let moment = Timestamp(rawValue: Int64.random(in: .min ... .max, using: &generator))
      #expect(try RFC3339.parse(RFC3339.format(moment)) == moment)
    }
  }
}
