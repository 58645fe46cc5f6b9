internal import PlatformIO
internal import Quantities

/// The time by which records grow old: the wall clock, but a step ahead counts only after a day.
///
/// A clock that is set to a wrong year would otherwise have everything go at once. Steps back count at once: they
/// keep more. Closing and opening the store takes the wall clock as it is.
final class RetentionClock: Sendable {
  /// How long the clock must run ahead until it is believed, in nanoseconds.
  static let trialNanoseconds: UInt64 = 24 * 3_600 * 1_000_000_000

  private let source: any TimeSource
  private let state: Guarded<State>

  private struct State {
    /// Wall minus monotonic time, as believed.
    var difference: Int64
    /// Since when, in monotonic time, the wall clock runs ahead of it.
    var aheadSince: UInt64?
  }

  init(_ source: any TimeSource) {
    self.source = source
    state = Guarded(State(difference: Self.difference(source)))
  }

  private static func difference(_ source: any TimeSource) -> Int64 {
    source.now().rawValue &- Int64(truncatingIfNeeded: source.monotonicNanoseconds())
  }

  /// The time, and how far the wall clock is ahead of it, in nanoseconds.
  func now() -> (time: Timestamp, ahead: UInt64) {
    let monotonic = source.monotonicNanoseconds()
    let wall = source.now().rawValue
    return state.withLock { state in
      let believed = state.difference &+ Int64(truncatingIfNeeded: monotonic)
      guard wall &- believed > AppendClock.stepNanoseconds else {
        state.aheadSince = nil
        state.difference = min(state.difference, wall &- Int64(truncatingIfNeeded: monotonic))
        return (Timestamp(rawValue: min(wall, believed)), 0)
      }
      let since = state.aheadSince ?? monotonic
      guard monotonic - min(since, monotonic) < Self.trialNanoseconds else {
        state.aheadSince = nil
        state.difference = wall &- Int64(truncatingIfNeeded: monotonic)
        return (Timestamp(rawValue: wall), 0)
      }
      state.aheadSince = since
      return (Timestamp(rawValue: believed), UInt64(wall &- believed))
    }
  }
}
