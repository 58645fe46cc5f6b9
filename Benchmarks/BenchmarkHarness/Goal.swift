/// What our contenders are expected to reach, always as a ratio measured in the same run.
public struct Goal: Sendable {
  /// The figure two contenders are compared by.
  public enum Figure: Sendable, Equatable {
    /// Records per second: more is better.
    case rate
    /// A latency percentile: less is better.
    case latency(Percentile)
  }

  /// The figure.
  public let figure: Figure
  /// The ratio of ours to the other: at least this for a rate, at most this for a latency.
  public let factor: Double
  /// Name of the contender we are compared with.
  public let reference: String
  /// The contender of ours that is meant; nil for all of them.
  public let contender: String?

  /// Our rate is to be at least a multiple of another contender's.
  public static func atLeast(
    _ factor: Double, times reference: String, by contender: String? = nil
  ) -> Goal {
    Goal(figure: .rate, factor: factor, reference: reference, contender: contender)
  }

  /// Our latency is to be at most a multiple of another contender's.
  public static func latencyAtMost(
    _ factor: Double, times reference: String, at percentile: Percentile = .p50,
    by contender: String? = nil
  ) -> Goal {
    Goal(figure: .latency(percentile), factor: factor, reference: reference, contender: contender)
  }

  /// The goal in words.
  var text: String {
    switch figure {
    case .rate: "at least \(Figures.plain(factor))x \(reference)"
    case .latency(let percentile):
      "\(percentile.rawValue) at most \(Figures.plain(factor))x \(reference)"
    }
  }

  /// Judges the ratios of all rounds.
  func verdict(on ratios: Spread) -> Verdict {
    let isMet: (Double) -> Bool =
      switch figure {
      case .rate: { $0 >= factor }
      case .latency: { $0 <= factor }
      }
    if isMet(ratios.minimum), isMet(ratios.maximum) { return .metInEveryRound }
    return isMet(ratios.median) ? .met : .missed
  }
}

/// How a goal fared.
enum Verdict: String {
  case metInEveryRound = "met in every round"
  case met = "met by the median"
  case missed = "missed"
}

/// The latency percentiles that are reported.
public enum Percentile: String, Sendable, CaseIterable {
  /// The median.
  case p50 = "p50"
  /// 99 of 100.
  case p99 = "p99"
  /// 999 of 1000.
  case p999 = "p99.9"

  /// The share of operations that took at most as long.
  var share: Double {
    switch self {
    case .p50: 0.5
    case .p99: 0.99
    case .p999: 0.999
    }
  }
}
