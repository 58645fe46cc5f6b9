import Glibc
import PlatformIO
import Quantities
import Testing

@Suite struct SystemSourcesTests {
  @Test func `the clocks run forward and tell this century`() {
    let clock = SystemTime()
    let first = clock.monotonicNanoseconds()
    #expect(clock.monotonicNanoseconds() >= first)
    #expect(clock.now() > Timestamp(rawValue: 1_700_000_000_000_000_000))
  }

  @Test func `random numbers differ`() {
    let source = SystemRandom()
    #expect(Set((0..<100).map { _ in source.next() }).count == 100)
  }
}
