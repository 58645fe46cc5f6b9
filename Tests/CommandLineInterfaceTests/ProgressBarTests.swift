import Testing

@testable import CommandLineInterface

struct ProgressBarTests {
  private static let second: UInt64 = 1_000_000_000

  @Test func `a bar shows share, amount, rate and time left`() {
    var bar = ProgressBar("import", total: 100 << 20, style: .bar, at: 5)
    let text = bar.update(byteCount: 25 << 20, at: 5 + Self.second)
    #expect(
      text
        == "\rimport: 25% [######                  ] 25.0 MiB of 100.0 MiB, 25.0 MiB/s, 0:03 left")
  }

  @Test func `a bar is drawn at most ten times a second`() {
    var bar = ProgressBar("import", total: 1_000, style: .bar, at: 0)
    let drawn = (0...1_000).filter { step in
      bar.update(byteCount: UInt64(step), at: UInt64(step) * 1_000_000) != nil
    }
    #expect(drawn.count == 10)
  }

  @Test func `a shorter text covers a longer one`() {
    var bar = ProgressBar("x", total: nil, style: .bar, at: 0)
    let long = bar.update(byteCount: 1_023, at: Self.second) ?? ""
    let short = bar.update(byteCount: 1, at: 2 * Self.second) ?? ""
    let last = bar.finish(byteCount: 1, at: 3 * Self.second) ?? ""
    #expect(!long.isEmpty && short.count == long.count)
    #expect(last.hasSuffix("\n"))
  }

  @Test func `what an earlier run did does not count for the rate`() {
    var bar = ProgressBar("x", total: 200, style: .lines, startByteCount: 100, at: 0)
    let early = bar.update(byteCount: 150, at: 9 * Self.second)
    let text = bar.update(byteCount: 150, at: 10 * Self.second)
    #expect(early == nil)
    #expect(text == "x: 75% 150 B of 200 B, 5 B/s, 0:10 left\n")
  }

  @Test func `hidden progress says nothing`() {
    var bar = ProgressBar("x", total: 2, style: .hidden, at: 0)
    let texts = [bar.update(byteCount: 1, at: .max), bar.finish(byteCount: 2, at: .max)]
    #expect(texts == [nil, nil])
  }

  @Test func `a clock that goes back and numbers beyond the total do no harm`() {
    var bar = ProgressBar("x", total: 10, style: .bar, startByteCount: 5, at: Self.second)
    let early = bar.update(byteCount: 6, at: 0)
    let last = bar.finish(byteCount: .max, at: 0) ?? ""
    #expect(early == nil)
    #expect(last.contains("100%"))
  }

  @Test func `a terminal has a bar, a file has lines only on request`() {
    #expect(ProgressBar.Style.suited(toTerminal: true, requested: false) == .bar)
    #expect(ProgressBar.Style.suited(toTerminal: false, requested: true) == .lines)
    #expect(ProgressBar.Style.suited(toTerminal: false, requested: false) == .hidden)
  }
}
