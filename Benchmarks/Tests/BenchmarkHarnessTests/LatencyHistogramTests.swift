import Testing

@testable import BenchmarkHarness

@Suite struct LatencyHistogramTests {
  @Test(arguments: [0, 1, 127, 128, 129, 255, 256, 1000, 123_456_789, UInt64.max])
  func `a bucket ends within 0.8 percent of its values`(value: UInt64) {
    let end = LatencyHistogram.upperEnd(of: LatencyHistogram.bucket(of: value))
    #expect(end >= value)
    #expect(Double(end - value) <= Double(value) / 127)
  }

  @Test func `percentiles of a ramp are its shares`() {
    var histogram = LatencyHistogram()
    for value in 1...UInt64(100_000) { histogram.record(nanoseconds: value) }
    for (share, expected) in [(0.5, 50_000.0), (0.99, 99_000), (0.999, 99_900)] {
      let value = Double(histogram.value(atShare: share))
      #expect((value - expected).magnitude <= expected * 0.008)
    }
    #expect(histogram.minimum == 1)
    #expect(histogram.maximum == 100_000)
    #expect(histogram.value(atShare: 1) == 100_000)
  }

  @Test func `durations are spread within a step of the clock`() {
    var histogram = LatencyHistogram(clockStep: 10)
    for value in [90, 100] as [UInt64] {
      for _ in 0..<50 { histogram.record(nanoseconds: value) }
    }
    let shares = [0.02, 0.25, 0.5, 0.75, 1]
    #expect(shares.map { histogram.value(atShare: $0) } == [90, 90, 90, 95, 100])
    #expect(MonotonicClock.step > 0 && MonotonicClock.step < 1_000_000)
  }

  @Test func `an empty histogram gives zeros`() {
    let histogram = LatencyHistogram()
    #expect(histogram.value(atShare: 0.5) == 0)
    #expect(histogram.minimum == 0)
  }

  @Test func `added histograms count as one`() {
    var first = LatencyHistogram()
    var second = LatencyHistogram()
    first.record(nanoseconds: 10)
    second.record(nanoseconds: 30)
    first.add(second)
    #expect(first.count == 2)
    #expect(first.minimum == 10)
    #expect(first.maximum == 30)
    #expect(first.value(atShare: 0.5) == 10)
  }
}
