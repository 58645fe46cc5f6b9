public import Glibc

/// The clock that all windows are timed with.
public enum MonotonicClock {
  /// The least that two different readings differ by, in nanoseconds.
  public static let step: UInt64 = {
    var (least, last) = (UInt64.max, nanoseconds())
    for _ in 0..<20_000 {
      let now = nanoseconds()
      if now != last { least = min(least, now - last) }
      last = now
    }
    return least
  }()

  /// Nanoseconds since some point in the past; costs about 20 ns.
  @inlinable
  public static func nanoseconds() -> UInt64 {
    var time = timespec()
    // Safety: `time` is a valid, exclusive place for the result during the call.
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
