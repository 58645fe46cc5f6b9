internal import PlatformIO
internal import Quantities

/// The engine's own clock for appends: the wall clock, but never below the previous append plus one
/// nanosecond. Jumps of the wall clock are noticed by comparing it with the monotonic clock.
final class AppendClock: Sendable {
  private let source: any TimeSource
  /// Set when the source is the machine's clock, so that the append path calls it directly.
  private let system: SystemTime?
  /// Steps smaller than this are drift, not steps.
  static let stepNanoseconds: Int64 = 1_000_000_000

  init(_ source: any TimeSource) {
    self.source = source
    system = source as? SystemTime
  }

  /// Wall minus monotonic time; it changes only when the wall clock is set.
  func difference() -> Int64 {
    source.now().rawValue &- Int64(truncatingIfNeeded: source.monotonicNanoseconds())
  }

  /// The time of an append after one at `previous`.
  @inline(__always)
  func time(after previous: Timestamp) -> Timestamp {
    let now = if let system { system.now() } else { source.now() }
    return now > previous ? now : Timestamp(rawValue: previous.rawValue &+ 1)
  }
}
