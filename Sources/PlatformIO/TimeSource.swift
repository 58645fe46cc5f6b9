public import Quantities

/// Where the engine learns the time. Production uses `SystemTime`, tests a clock they move by hand.
public protocol TimeSource: AnyObject, Sendable {
  /// Wall-clock time; may jump either way when an administrator or NTP sets it.
  func now() -> Timestamp
  /// Nanoseconds of a clock that never goes back and does not notice wall-clock steps.
  func monotonicNanoseconds() -> UInt64
}
