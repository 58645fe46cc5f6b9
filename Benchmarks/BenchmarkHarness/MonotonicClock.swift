public import Glibc

/// The clock that all windows are timed with.
public enum MonotonicClock {
  /// Nanoseconds since some point in the past; costs about 20 ns.
  @inlinable
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    // Safety: `time` is a valid, exclusive place for the result during the call.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
