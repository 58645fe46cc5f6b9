/// What one contender did in one round.
struct Round {
  let iterations: Int
  let recordCount: Double
  let userBytes: Double
  let nanoseconds: UInt64
  let usage: ResourceUsage
  let percentiles: [Percentile: Double]

  /// Records per second.
  var rate: Double { recordCount / Double(max(nanoseconds, 1)) * 1e9 }
}

/// What one contender did in all rounds.
struct ContenderResult {
  let name: String
  let role: Role
  var rounds: [Round] = []
  var latencies = LatencyHistogram(clockStep: MonotonicClock.step)
  /// Why the contender could not finish; its figures are then left out.
  var failure: String?

  init(name: String, role: Role) {
    self.name = name
    self.role = role
  }

  var rate: Spread? { Spread(rounds.map(\.rate)) }

  private var recordCount: Double { rounds.reduce(0) { $0 + $1.recordCount } }
  private var userBytes: Double { rounds.reduce(0) { $0 + $1.userBytes } }

  /// Bytes of payload per second at the median rate.
  var bytesPerSecond: Double? {
    guard let rate, recordCount > 0 else { return nil }
    return rate.median * userBytes / recordCount
  }

  var allocationsPerRecord: Double? {
    perRecord { Double($0.allocations) }
  }

  var processorNanosecondsPerRecord: Double? {
    perRecord { Double($0.processorNanoseconds) }
  }

  var contextSwitchesPerRecord: Double? {
    perRecord { Double($0.contextSwitches) }
  }

  /// Bytes that reached the device for each byte of payload, over all rounds.
  var deviceBytesPerUserByte: Double? {
    guard userBytes > 0 else { return nil }
    var sum: Double = 0
    for round in rounds {
      guard let bytes = round.usage.deviceBytes else { return nil }
      sum += Double(bytes)
    }
    return sum / userBytes
  }

  private func perRecord(_ figure: (ResourceUsage) -> Double) -> Double? {
    guard recordCount > 0 else { return nil }
    return rounds.reduce(0) { $0 + figure($1.usage) } / recordCount
  }
}

/// One of our contenders against one of the others, round by round.
struct Comparison {
  let ours: String
  let reference: String
  let figure: Goal.Figure
  let ratios: Spread
}

/// A goal and how it fared.
struct GoalResult {
  let goal: Goal
  let ours: String
  let ratios: Spread
  let verdict: Verdict
}

/// What all contenders of a benchmark did.
struct BenchmarkResult {
  let name: String
  let workload: Workload
  let measure: Measure
  let contenders: [ContenderResult]
  let goals: [Goal]

  /// Every contender of ours against every other: by rate, and by the median latency where
  /// latencies are measured.
  var comparisons: [Comparison] {
    let figures: [Goal.Figure] =
      measure == .latency ? [.rate, .latency(.p50), .latency(.p99)] : [.rate]
    var list: [Comparison] = []
    for ours in contenders where ours.role == .ours {
      for reference in contenders where reference.role != .ours {
        for figure in figures {
          guard let ratios = ratios(of: ours, to: reference, by: figure) else { continue }
          list.append(
            Comparison(ours: ours.name, reference: reference.name, figure: figure, ratios: ratios))
        }
      }
    }
    return list
  }

  /// The goals that could be judged, once per contender of ours they mean.
  var goalResults: [GoalResult] {
    var list: [GoalResult] = []
    for goal in goals {
      guard let reference = contenders.first(where: { $0.name == goal.reference }) else { continue }
      for ours in contenders where ours.role == .ours {
        guard goal.contender == nil || goal.contender == ours.name,
          let ratios = ratios(of: ours, to: reference, by: goal.figure)
        else { continue }
        list.append(
          GoalResult(
            goal: goal, ours: ours.name, ratios: ratios, verdict: goal.verdict(on: ratios)))
      }
    }
    return list
  }

  private func ratios(
    of ours: ContenderResult, to reference: ContenderResult, by figure: Goal.Figure
  ) -> Spread? {
    guard ours.failure == nil, reference.failure == nil else { return nil }
    var ratios: [Double] = []
    for (mine, other) in zip(ours.rounds, reference.rounds) {
      switch figure {
      case .rate: ratios.append(mine.rate / other.rate)
      case .latency(let percentile):
        guard let mine = mine.percentiles[percentile], let other = other.percentiles[percentile],
          other > 0
        else { continue }
        ratios.append(mine / other)
      }
    }
    return Spread(ratios)
  }
}
