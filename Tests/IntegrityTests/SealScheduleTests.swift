import Integrity
import TestSupport
import Testing

@Suite struct SealScheduleTests {
  private let second: Int64 = 1_000_000_000

  @Test func `an epoch begins with its first nanosecond and ends before the next`() throws {
    let schedule = try #require(SealSchedule(startSeconds: 1_000, epochSeconds: 60))
    #expect(schedule.epoch(at: 1_000 * second - 1) == nil)
    #expect(schedule.epoch(at: 1_000 * second) == 0)
    for epoch in 0..<100 as Range<Int64> {
      let start = (1_000 + 60 * epoch) * second
      #expect(schedule.epoch(at: start) == UInt64(epoch))
      #expect(schedule.epoch(at: start + 60 * second - 1) == UInt64(epoch))
    }
    #expect(SealSchedule(startSeconds: 0, epochSeconds: 0) == nil)
  }

  @Test func `times and starts at the ends of their range do not trap`() throws {
    let times: [Int64] = [.min, .min + 1, -1, 0, 1, .max - 1, .max]
    for start in times {
      for length in [1, 60, .max] as [UInt32] {
        for grace in [0, .max] as [UInt32] {
          let schedule = try #require(
            SealSchedule(startSeconds: start, epochSeconds: length, graceSeconds: grace))
          for time in times {
            let seconds = Double(time) / 1e9
            let epoch = schedule.epoch(at: time)
            if seconds < Double(start) - 2 { #expect(epoch == nil) }
          }
        }
      }
    }
    let before = try #require(SealSchedule(startSeconds: -100, epochSeconds: 10))
    #expect(before.epoch(at: -1) == 9)
    #expect(before.epoch(at: -100 * second - 1) == nil)
    #expect(before.epoch(at: -100 * second) == 0)
  }
}
