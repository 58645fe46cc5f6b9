import CHarness
import Testing

@testable import BenchmarkHarness

@Suite struct ReportTests {
  private func result(rates: [Double], name: String, role: Role) -> ContenderResult {
    var result = ContenderResult(name: name, role: role)
    for rate in rates {
      let usage = ResourceUsage(
        allocations: 0, processorNanoseconds: 0, contextSwitches: 0, deviceBytes: nil)
      result.rounds.append(
        Round(
          iterations: 1, recordCount: rate, userBytes: rate * 100, nanoseconds: 1_000_000_000,
          usage: usage, percentiles: [:]))
    }
    return result
  }

  @Test func `ratios are taken round by round`() throws {
    let result = BenchmarkResult(
      name: "append", workload: Workload(recordByteCount: 100, durability: .visible),
      measure: .rate,
      contenders: [
        result(rates: [10, 20, 40], name: "peer", role: .peer),
        result(rates: [100, 220, 360], name: "ours", role: .ours),
      ],
      goals: [.atLeast(9, times: "peer"), .atLeast(10.5, times: "peer")])
    let comparison = try #require(result.comparisons.first)
    #expect(comparison.ratios == Spread([9, 10, 11]))
    #expect(result.goalResults.map(\.verdict) == [.metInEveryRound, .missed])
    #expect(Report.plainText(of: result).contains("ours / peer: rate 10.0x (9.00 .. 11.0)"))
  }

  @Test(arguments: [(0.0, "0"), (1_780_000.0, "1.78 M"), (703_000, "703 k"), (12, "12.0")])
  func `rates are short`(rate: Double, text: String) {
    #expect(Figures.rate(rate) == text)
  }

  @Test(arguments: [(28.0, "28"), (0.9, "0.9"), (5.5, "5.5"), (1.25, "1.25")])
  func `factors have no needless decimals`(factor: Double, text: String) {
    #expect(Figures.plain(factor) == text)
  }

  @Test func `options are read`() throws {
    let options = try CommandLineOptions(arguments: ["append", "--rounds", "7", "--quick"])
    #expect(options.filters == ["append"])
    #expect(options.roundCount == 7)
    #expect(options.selects("append/100B/visible") && !options.selects("replay"))
    #expect(options.command == "Tools/bench append --quick --rounds 7")
  }

  @Test(arguments: [["--rounds"], ["--rounds", "0"], ["--fast"]])
  func `a wrong option is refused`(arguments: [String]) {
    #expect(throws: BenchmarkError.self) { try CommandLineOptions(arguments: arguments) }
  }

  @Test func `text in JSON is escaped`() {
    let value = JSONValue.object([("a\"b", .text("line\n\u{1}\\")), ("n", .number(1.5))])
    #expect(value.rendered() == "{\n  \"a\\\"b\": \"line\\n\\u0001\\\\\",\n  \"n\": 1.5\n}")
  }

  @Test func `heap allocations are counted`() {
    let before = allocation_counter_allocations()
    var arrays: [[Int]] = []
    for count in 1...100 { arrays.append(Array(repeating: count, count: count)) }
    #expect(arrays.count == 100)
    #expect(allocation_counter_allocations() - before >= 100)
  }
}
