import Quantities
import SimulatedIO
import Testing

struct SourceTests {
  @Test func `a seed repeats its numbers`() {
    let (first, second) = (SeededRandom(seed: 7), SeededRandom(seed: 7))
    #expect((0..<100).allSatisfy { _ in first.next() == second.next() })
    #expect(SeededRandom(seed: 8).next() != SeededRandom(seed: 7).next())
    #expect(first.seed == 7)
  }

  @Test func `the first numbers of seed 0 are those of the published generator`() {
    let random = SeededRandom(seed: 0)
    #expect(random.next() == 0xe220_a839_7b1d_cdaf)
    #expect(random.next() == 0x6e78_9e6a_a1b9_65f4)
  }

  @Test func `numbers below a bound cover all of it`() {
    let random = SeededRandom(seed: 1)
    #expect(Set((0..<500).map { _ in random.below(7) }) == Set(0..<7))
    #expect(random.below(1) == 0)
  }

  @Test func `exhaustive choices go through every combination once`() {
    var choices = ExhaustiveChoices()
    var seen: [[Int]] = []
    repeat {
      let first = choices.choose(below: 3)
      seen.append(first == 1 ? [first] : [first, choices.choose(below: 2)])
    } while choices.advance()
    #expect(seen == [[0, 0], [0, 1], [1], [2, 0], [2, 1]])
  }

  @Test func `a manual clock moves only by hand`() {
    let time = ManualTime(now: Timestamp(rawValue: 100), monotonicNanoseconds: 5)
    #expect(time.now() == time.now())
    time.advance(byNanoseconds: 10)
    #expect(time.now().rawValue == 110 && time.monotonicNanoseconds() == 15)
    time.setWallClock(Timestamp(rawValue: -3))
    #expect(time.now().rawValue == -3 && time.monotonicNanoseconds() == 15)
  }

  @Test func `a manual clock can advance with every reading`() {
    let time = ManualTime(
      now: Timestamp(rawValue: 0), monotonicNanoseconds: 0, advancePerReadingNanoseconds: 2)
    #expect([time.now().rawValue, time.now().rawValue] == [0, 2])
    #expect(time.monotonicNanoseconds() == 4)
    time.setAdvancePerReading(nanoseconds: .max)
    _ = time.now()
    #expect(time.now().rawValue == .max)
    #expect(time.monotonicNanoseconds() == .max)
  }
}
