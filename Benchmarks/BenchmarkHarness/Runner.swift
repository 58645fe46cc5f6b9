import Glibc
import Synchronization

/// How benchmarks are run.
struct RunSettings {
  var roundCount = 5
  /// The time one contender gets per round; twice that for latencies, whose tails need samples.
  var windowNanoseconds: UInt64 = 150_000_000
  /// Payload one window writes at most, so that fast contenders do not fill the disk.
  var windowByteCountLimit = 512 << 20
  /// Operations a window of latencies has at least, however long they take.
  var latencyCountMinimum = 200
}

/// Set by a signal; looked at between windows, so that the directories are still removed.
let wasInterrupted = Atomic<Bool>(false)

/// Runs a benchmark: all contenders in turn, round after round.
struct Runner {
  let settings: RunSettings
  let directory: String
  let device: BlockDevice
  /// Gets a line about what is being done.
  let progress: (String) -> Void

  private final class Entrant {
    let contender: Contender
    let directory: String
    var session: (any ContenderSession)?
    var iterations = 1
    var result: ContenderResult

    init(_ contender: Contender, directory: String) {
      self.contender = contender
      self.directory = directory
      result = ContenderResult(name: contender.name, role: contender.role)
    }
  }

  /// Runs all rounds; a contender that fails drops out and the others go on.
  ///
  /// - Throws: `BenchmarkError` when the run was interrupted.
  func run(_ benchmark: Benchmark) throws -> BenchmarkResult {
    let payload = Payload(
      recordByteCount: benchmark.workload.recordByteCount,
      recordCount: benchmark.workload.durability == .readOnly
        ? 1000 : max(1000, benchmark.workload.recordsPerIteration))
    let latencies = benchmark.measure == .latency ? LatencyRecorder() : nil
    let entrants = benchmark.contenders.enumerated().map { index, contender in
      Entrant(contender, directory: "\(directory)/contender-\(index)")
    }
    defer {
      for entrant in entrants { leave(entrant) }
    }
    for entrant in entrants {
      progress("\(benchmark.name): \(entrant.contender.name): calibrating")
      try attempt(entrant) {
        try calibrate(entrant, in: benchmark, payload: payload, latencies: latencies)
      }
    }
    for round in 0..<settings.roundCount {
      progress("\(benchmark.name): round \(round + 1) of \(settings.roundCount)")
      for entrant in entrants where entrant.result.failure == nil {
        try attempt(entrant) {
          let round = try window(entrant, in: benchmark, payload: payload, latencies: latencies)
          entrant.result.rounds.append(round)
          if let latencies { entrant.result.latencies.add(latencies.histogram) }
        }
      }
    }
    return BenchmarkResult(
      name: benchmark.name, workload: benchmark.workload, measure: benchmark.measure,
      contenders: entrants.map(\.result), goals: benchmark.goals)
  }

  private func attempt(_ entrant: Entrant, _ work: () throws -> Void) throws {
    guard !wasInterrupted.load(ordering: .relaxed) else { throw BenchmarkError("interrupted") }
    do {
      try work()
    } catch {
      entrant.result.failure = "\(error)"
      leave(entrant)
    }
  }

  private func leave(_ entrant: Entrant) {
    try? entrant.session?.close()
    entrant.session = nil
    SystemFiles.removeDirectory(entrant.directory)
  }

  /// Finds the iterations that fill the window, by trying more and more; that also warms up.
  private func calibrate(
    _ entrant: Entrant, in benchmark: Benchmark, payload: Payload, latencies: LatencyRecorder?
  ) throws {
    let factor = benchmark.windowFactor * (latencies == nil ? 1 : 2)
    let target = Double(settings.windowNanoseconds) * Double(factor)
    let limit = iterationLimit(entrant.contender, benchmark)
    while true {
      let round = try window(entrant, in: benchmark, payload: payload, latencies: latencies)
      let wanted = target / Double(max(round.nanoseconds, 1)) * Double(entrant.iterations)
      let usual = benchmark.latencyCountMinimum ?? settings.latencyCountMinimum
      let least = latencies == nil ? 1 : usual
      let next = min(max(Int(wanted.rounded()), least), limit)
      // Close enough, or as far as it goes: the rates of short windows are not to be trusted.
      if Double(round.nanoseconds) * 8 >= target || entrant.iterations >= next {
        entrant.iterations = next
        return
      }
      entrant.iterations = min(next, entrant.iterations * 64)
    }
  }

  private func iterationLimit(_ contender: Contender, _ benchmark: Benchmark) -> Int {
    let workload = benchmark.workload
    guard workload.durability != .readOnly, workload.recordByteCount > 0 else { return .max / 64 }
    let records = contender.recordsPerIteration ?? workload.recordsPerIteration
    let byteCount = settings.windowByteCountLimit * benchmark.windowFactor
    return max(1, byteCount / (records * workload.recordByteCount))
  }

  private func window(
    _ entrant: Entrant, in benchmark: Benchmark, payload: Payload, latencies: LatencyRecorder?
  ) throws -> Round {
    let workload = benchmark.workload
    let contender = entrant.contender
    if entrant.session == nil {
      try SystemFiles.makeDirectory(entrant.directory)
      entrant.session = try contender.open(
        BenchmarkContext(
          directory: entrant.directory, workload: workload,
          iterations: contender.lifetime == .window ? entrant.iterations : 0, payload: payload))
    }
    guard let session = entrant.session else { throw BenchmarkError("no session") }
    if workload.durability == .durable { SystemFiles.synchronizeFileSystem(of: directory) }
    if workload.durability != .readOnly {
      // Page cache for the payload, and as much again for what a store puts around it.
      let share = workload.durability == .durable ? 4 : 1
      MemoryWarmUp.touch(byteCount: settings.windowByteCountLimit * 2 / share)
    }
    latencies?.reset()
    let before = ResourceUsage.before(on: device)
    let nanoseconds = try session.run(iterations: entrant.iterations, latencies: latencies)
    var usage = ResourceUsage.after(on: device).since(before)
    // Without a sync it is chance how much of a window has reached the device at its end.
    if workload.durability != .durable { usage.deviceBytes = nil }
    if contender.lifetime == .window {
      try session.close()
      entrant.session = nil
      SystemFiles.removeDirectory(entrant.directory)
    }
    var percentiles: [Percentile: Double] = [:]
    if let latencies {
      for percentile in Percentile.allCases {
        percentiles[percentile] = Double(latencies.histogram.value(atShare: percentile.share))
      }
    }
    let records =
      Double(entrant.iterations)
      * Double(contender.recordsPerIteration ?? workload.recordsPerIteration)
    return Round(
      iterations: entrant.iterations, recordCount: records,
      userBytes: records * Double(workload.recordByteCount), nanoseconds: nanoseconds,
      usage: usage, percentiles: percentiles)
  }
}
