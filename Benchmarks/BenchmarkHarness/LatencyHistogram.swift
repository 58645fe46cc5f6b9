/// Counts of durations in buckets that grow with the duration: exact below 128 ns, within 0.8 %
/// above, up to the full range of 64 bits. Recording allocates nothing.
public struct LatencyHistogram: Sendable {
  private static let precisionBits = 7
  private static let bucketsPerOctave = 1 << precisionBits
  private static let bucketCount = (64 - precisionBits + 1) * bucketsPerOctave

  private var counts = [UInt64](repeating: 0, count: bucketCount)
  /// How many durations were recorded.
  public private(set) var count: UInt64 = 0
  /// The shortest duration, exactly; 0 when there is none.
  public var minimum: UInt64 { count == 0 ? 0 : smallest }
  /// The longest duration, exactly; 0 when there is none.
  public private(set) var maximum: UInt64 = 0
  private var smallest = UInt64.max
  private let clockStep: UInt64

  /// Creates an empty histogram.
  ///
  /// - Parameter clockStep: Between two readings of the clock at least, in nanoseconds. Quantiles take durations as
  ///   evenly spread within a step: otherwise two runs would differ by a whole one, or not at all.
  public init(clockStep: UInt64 = 1) { self.clockStep = clockStep }

  /// Counts one duration.
  public mutating func record(nanoseconds: UInt64) {
    counts[Self.bucket(of: nanoseconds)] += 1
    count += 1
    smallest = min(smallest, nanoseconds)
    maximum = max(maximum, nanoseconds)
  }

  /// Adds everything another histogram counted.
  public mutating func add(_ other: LatencyHistogram) {
    for bucket in counts.indices { counts[bucket] += other.counts[bucket] }
    count += other.count
    smallest = min(smallest, other.smallest)
    maximum = max(maximum, other.maximum)
  }

  /// Forgets everything, keeping the memory.
  public mutating func reset() {
    for bucket in counts.indices { counts[bucket] = 0 }
    count = 0
    smallest = .max
    maximum = 0
  }

  /// The duration that a share of all recorded ones does not exceed.
  ///
  /// - Parameter share: Within `0...1`.
  /// - Returns: The upper end of the bucket, at most `maximum`, less the part of the clock's step that the share
  ///   does not reach; 0 when nothing was recorded.
  public func value(atShare share: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    let rank = max(1, UInt64((Double(count) * share).rounded(.up)))
    var seen: UInt64 = 0
    for bucket in counts.indices {
      seen += counts[bucket]
      guard seen >= rank else { continue }
      let upper = min(Self.upperEnd(of: bucket), maximum)
      let beyond = Double(seen - rank) / Double(counts[bucket])
      let less = UInt64(beyond * Double(clockStep))
      return max(upper - min(upper, less), smallest)
    }
    return maximum
  }

  static func bucket(of value: UInt64) -> Int {
    guard value >= UInt64(bucketsPerOctave) else { return Int(value) }
    let shift = 63 - value.leadingZeroBitCount - precisionBits
    return shift * bucketsPerOctave + Int(value >> UInt64(shift))
  }

  static func upperEnd(of bucket: Int) -> UInt64 {
    guard bucket >= bucketsPerOctave else { return UInt64(bucket) }
    let shift = bucket / bucketsPerOctave - 1
    let mantissa = UInt64(bucket % bucketsPerOctave + bucketsPerOctave + 1)
    // The last bucket ends with the range: 256 << 56 wraps to 0, and 0 - 1 to the maximum.
    return (mantissa << UInt64(shift)) &- 1
  }
}

/// Takes the time of single operations during a window.
public final class LatencyRecorder {
  /// What was recorded since the window began.
  public private(set) var histogram = LatencyHistogram(clockStep: MonotonicClock.step)

  /// Creates a recorder.
  public init() {}

  /// Records one operation.
  public func record(nanoseconds: UInt64) {
    histogram.record(nanoseconds: nanoseconds)
  }

  func reset() {
    histogram.reset()
  }
}
