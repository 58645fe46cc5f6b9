import Testing

@testable import CommandLineInterface

struct ValueTests {
  @Test(arguments: [
    ("0", UInt64(0)), ("4096", 4096), ("1k", 1_000), ("1K", 1_000), ("1KB", 1_000),
    ("10MB", 10_000_000),
    ("64MiB", 64 << 20), ("64mib", 64 << 20), ("64 MiB", 64 << 20), ("1Gi", 1 << 30),
    ("2T", 2_000_000_000_000), ("2TiB", 2 << 40), ("18446744073709551615", UInt64.max),
    ("7B", 7),
  ])
  func `byte counts have decimal and binary units`(_ text: String, _ expected: UInt64) throws {
    #expect(try ValueKind<UInt64>.byteCount().parse(text) == expected)
  }

  @Test(arguments: ["", "MiB", "12q", "-1", "+1", "1.5GiB", "1  k", "k1", "0x10", "１", "1kk"])
  func `what is no byte count is refused`(_ text: String) {
    #expect(throws: ValueError("is not a byte count; use a number with KiB, MiB or GiB")) {
      try ValueKind<UInt64>.byteCount().parse(text)
    }
  }

  @Test func `byte counts beyond 64 bits or the range are refused`() {
    #expect(throws: ValueError("is more than a 64-bit count of bytes; use less")) {
      try ValueKind<UInt64>.byteCount().parse("16777216TiB")
    }
    #expect(throws: ValueError("is out of range; use 1KiB to 1MiB")) {
      try ValueKind<UInt64>.byteCount(in: 1024...(1 << 20)).parse("1000")
    }
  }

  @Test(arguments: [
    ("250ms", Duration.milliseconds(250)), ("5s", .seconds(5)), ("2h", .seconds(7_200)),
    ("3m", .seconds(180)), ("3min", .seconds(180)), ("1d", .seconds(86_400)),
    ("7us", .microseconds(7)), ("7µs", .microseconds(7)), ("9ns", .nanoseconds(9)), ("0s", .zero),
  ])
  func `durations carry their unit`(_ text: String, _ expected: Duration) throws {
    #expect(try ValueKind<Duration>.duration().parse(text) == expected)
  }

  @Test(arguments: ["", "5", "s", "-5s", "1.5s", "5 weeks", "99999999999999999999s"])
  func `what is no duration is refused`(_ text: String) {
    #expect(throws: ValueError("is not a duration; use a number with ms, s, m, h or d")) {
      try ValueKind<Duration>.duration().parse(text)
    }
  }

  @Test(arguments: ["9223372036854775807d", "9223372036854775808ns", "40000d"])
  func `durations beyond the range are refused`(_ text: String) {
    #expect(throws: ValueError.self) { try ValueKind<Duration>.duration().parse(text) }
  }

  @Test func `whole numbers keep to their range`() throws {
    #expect(try ValueKind<Int>.integer().parse("-9223372036854775808") == .min)
    #expect(try ValueKind<UInt64>.unsigned().parse("18446744073709551615") == .max)
    #expect(throws: ValueError.self) { try ValueKind<UInt64>.unsigned().parse("-1") }
    #expect(throws: ValueError.self) { try ValueKind<UInt64>.unsigned(in: 1...9).parse("10") }
  }

  @Test(arguments: [
    (UInt64(0), "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
    (1_048_575, "1.0 MiB"), (67_108_864, "64.0 MiB"), (UInt64.max, "16.0 EiB"),
  ])
  func `byte counts are shown in binary units`(_ count: UInt64, _ expected: String) {
    #expect(HumanFormat.byteCount(count) == expected)
  }

  @Test func `defaults are shown so that they read back the same`() throws {
    for count in [0, 1, 1000, 1024, 3 << 20, 5 << 40, UInt64.max] {
      #expect(try ValueKind<UInt64>.byteCount().parse(HumanFormat.exactByteCount(count)) == count)
    }
    for duration in [Duration.zero, .nanoseconds(1), .milliseconds(1_500), .seconds(7_200)] {
      let text = HumanFormat.duration(duration)
      #expect(try ValueKind<Duration>.duration().parse(text) == duration)
    }
  }

  @Test(arguments: [
    (0, "0:00"), (7, "0:07"), (754, "12:34"), (3_723, "1:02:03"), (273_906, "3d 04:05:06"),
  ])
  func `time spans are shown as on a clock`(_ seconds: UInt64, _ expected: String) {
    #expect(HumanFormat.clock(seconds: seconds) == expected)
  }

  @Test func `a rate without time is a dash`() {
    #expect(HumanFormat.rate(byteCount: 5, nanoseconds: 0) == "-")
    #expect(HumanFormat.rate(byteCount: 3 << 20, nanoseconds: 2_000_000_000) == "1.5 MiB/s")
    #expect(HumanFormat.rate(byteCount: .max, nanoseconds: 1) == "16.0 EiB/s")
  }
}
