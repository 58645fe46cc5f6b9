public import PlatformIO
public import Quantities

/// A clock that moves only when a test moves it, wall clock and monotonic clock apart.
///
/// The wall clock may be set anywhere, as an administrator or NTP would; the monotonic clock only
/// goes forward. Arithmetic at the ends of the ranges stops there and does not trap.
public final class ManualTime: TimeSource {
  fileprivate struct Clocks: Sendable {
    var wallNanoseconds: Int64
    var monotonicNanoseconds: UInt64
    var advancePerReading: UInt64
  }

  private let clocks: Guarded<Clocks>

  /// Starts both clocks.
  ///
  /// - Parameters:
  ///   - now: Wall-clock time; 2026-01-01T00:00:00Z unless told.
  ///   - monotonicNanoseconds: Reading of the monotonic clock.
  ///   - advancePerReadingNanoseconds: How far both clocks move after each reading of either.
  public init(
    now: Timestamp = Timestamp(rawValue: 1_767_225_600_000_000_000),
    monotonicNanoseconds: UInt64 = 1_000_000_000, advancePerReadingNanoseconds: UInt64 = 0
  ) {
    clocks = Guarded(
      Clocks(
        wallNanoseconds: now.rawValue, monotonicNanoseconds: monotonicNanoseconds,
        advancePerReading: advancePerReadingNanoseconds))
  }

  /// Wall-clock time.
  public func now() -> Timestamp {
    clocks.withLock { clocks in
      let reading = Timestamp(rawValue: clocks.wallNanoseconds)
      clocks.advance(by: clocks.advancePerReading)
      return reading
    }
  }

  /// Reading of the monotonic clock.
  public func monotonicNanoseconds() -> UInt64 {
    clocks.withLock { clocks in
      let reading = clocks.monotonicNanoseconds
      clocks.advance(by: clocks.advancePerReading)
      return reading
    }
  }

  /// Lets time pass on both clocks.
  public func advance(byNanoseconds nanoseconds: UInt64) {
    clocks.withLock { $0.advance(by: nanoseconds) }
  }

  /// Sets the wall clock, forward or back; the monotonic clock does not notice.
  public func setWallClock(_ now: Timestamp) {
    clocks.withLock { $0.wallNanoseconds = now.rawValue }
  }

  /// How far both clocks move after each reading of either, from now on.
  public func setAdvancePerReading(nanoseconds: UInt64) {
    clocks.withLock { $0.advancePerReading = nanoseconds }
  }
}

extension ManualTime.Clocks {
  fileprivate mutating func advance(by nanoseconds: UInt64) {
    let step = Int64(clamping: nanoseconds)
    let (wall, wallOverflow) = wallNanoseconds.addingReportingOverflow(step)
    wallNanoseconds = wallOverflow ? .max : wall
    let (mono, overflow) = monotonicNanoseconds.addingReportingOverflow(nanoseconds)
    monotonicNanoseconds = overflow ? .max : mono
  }
}
