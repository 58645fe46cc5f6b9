internal import PlatformIO
internal import Quantities
internal import Synchronization

/// The engine's own clock for appends: the wall clock, but never below the previous append plus one
/// nanosecond. Jumps of the wall clock are noticed by comparing it with the monotonic clock.
final class AppendClock: Sendable {
  private let source: any TimeSource
  /// Set when the source is the machine's clock, so that the append path calls it directly.
  private let system: SystemTime?
  /// Wall minus monotonic time when a step was last looked for.
  private let difference: Atomic<Int64>

  /// Steps smaller than this are drift, not steps.
  static let stepNanoseconds: Int64 = 1_000_000_000

  init(_ source: any TimeSource) {
    self.source = source
    system = source as? SystemTime
    difference = Atomic(Self.difference(source))
  }

  private static func difference(_ source: any TimeSource) -> Int64 {
    source.now().rawValue &- Int64(truncatingIfNeeded: source.monotonicNanoseconds())
  }

  /// The time of an append after one at `previous`.
  @inline(__always)
  func time(after previous: Timestamp) -> Timestamp {
    let now = if let system { system.now() } else { source.now() }
    return now > previous ? now : Timestamp(rawValue: previous.rawValue &+ 1)
  }

  /// How far the wall clock was set since the last look; `nil` when it was not.
  func takeStep() -> Int64? {
    let now = Self.difference(source)
    let before = difference.load(ordering: .relaxed)
    let step = now &- before
    guard step.magnitude >= UInt64(Self.stepNanoseconds) else { return nil }
    let (exchanged, _) = difference.compareExchange(
      expected: before, desired: now, ordering: .relaxed)
    return exchanged ? step : nil
  }
}
