/// Which epoch a moment belongs to: epochs of equal length, from 0, one behind the other.
///
/// Writer and verifier are given the same schedule; it is never taken from the log.
public struct SealSchedule: Hashable, Sendable {
  /// When epoch 0 begins, in seconds since 1970-01-01 UTC.
  public let startSeconds: Int64
  /// Length of an epoch in seconds, at least 1.
  public let epochSeconds: UInt32
  /// How long after the end of an epoch its data may still be sealed in the next one, in seconds. For as
  /// long, whoever takes over the machine can change what no seal covers yet.
  public let graceSeconds: UInt32

  private static let nanosecondsPerSecond: Int64 = 1_000_000_000

  /// A schedule; `nil` for epochs of no length.
  public init?(startSeconds: Int64, epochSeconds: UInt32, graceSeconds: UInt32 = 0) {
    guard epochSeconds > 0 else { return nil }
    (self.startSeconds, self.epochSeconds) = (startSeconds, epochSeconds)
    self.graceSeconds = graceSeconds
  }

  /// The epoch of a moment; `nil` before the first.
  ///
  /// - Parameter time: Nanoseconds since 1970-01-01 UTC.
  public func epoch(at time: Int64) -> UInt64? { epoch(at: time, after: 0) }

  /// Whether data that was appended at a time may be covered by a seal of an epoch, if no earlier seal
  /// covers it.
  ///
  /// - Parameters:
  ///   - time: When it was appended, in nanoseconds since 1970-01-01 UTC.
  ///   - epoch: The epoch of the first seal that covers it.
  public func admits(dataAt time: Int64, in epoch: UInt64) -> Bool {
    guard let own = self.epoch(at: time), own <= epoch else { return false }
    return self.epoch(at: time, after: Int64(graceSeconds)).map { $0 >= epoch } ?? false
  }

  private func epoch(at time: Int64, after delaySeconds: Int64) -> UInt64? {
    var seconds = time / Self.nanosecondsPerSecond
    if time % Self.nanosecondsPerSecond < 0 { seconds -= 1 }
    // Seconds of 64-bit nanoseconds are below 2^34, so adding is safe; the start may be anything.
    let (elapsed, isTooFar) = (seconds + delaySeconds).subtractingReportingOverflow(startSeconds)
    guard !isTooFar, elapsed >= 0 else { return nil }
    return UInt64(elapsed) / UInt64(epochSeconds)
  }
}
