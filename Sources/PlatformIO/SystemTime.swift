internal import CPlatform
internal import Glibc
public import Quantities

/// The clocks of the machine.
public final class SystemTime: TimeSource {
  /// Makes a time source; all are alike.
  public init() {}

  public func now() -> Timestamp { Timestamp(rawValue: Self.nanoseconds(of: CLOCK_REALTIME)) }

  public func monotonicNanoseconds() -> UInt64 {
    UInt64(clamping: Self.nanoseconds(of: CLOCK_MONOTONIC))
  }

  /// Reads a clock; the range ends in 2262.
  private static func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    // Safety: the structure is ours and outlives the call, which cannot fail for these clocks.
    _ = unsafe clock_gettime(clock, &time)
    let (whole, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return time.tv_sec < 0 ? .min : .max }
    let (sum, tooLarge) = whole.addingReportingOverflow(Int64(time.tv_nsec))
    return tooLarge ? .max : sum
  }
}
