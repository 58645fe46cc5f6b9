public import PlatformIO
public import SimulatedIO
internal import Synchronization

/// Runs scenarios again and again, and lets one operation after another fail in every way.
///
/// Whatever fails, the engine answers with a typed error, acknowledges nothing falsely, and opens
/// again afterwards: after the death of the process and after a power cut.
public struct FaultSweep: Sendable {
  /// Seed of the scenarios and crashes.
  public var seed: UInt64
  /// What to run.
  public var scenarios: [Scenario]
  /// Every how many-th case is run; the first is chosen by the seed.
  public var stride: Int
  /// The only operation to fail; all its cases are run then.
  public var operation: Int?
  /// Threads.
  public var jobs = 1

  /// Scenarios without faults of their own.
  public static let scenarios = Scenario.all.filter {
    !["failed-sync", "failed-manifest", "disk-full"].contains($0.name)
  }

  /// Makes a sweep.
  public init(seed: UInt64, stride: Int, scenarios: [Scenario] = FaultSweep.scenarios) {
    self.seed = seed
    self.stride = max(1, stride)
    self.scenarios = scenarios
  }

  /// One way for one operation to fail.
  public struct Case: Sendable, CustomStringConvertible {
    /// The failing operation and how it fails.
    public let fault: FaultPlan.Fault

    public var description: String {
      let place =
        switch fault.trigger {
        case .operation(let number): "operation \(number)"
        case .occurrence(let kind, let index): "\(kind.rawValue) \(index)"
        }
      return "\(place) fails\(fault.isPermanent ? " for ever" : "") with \(fault.reason), "
        + "\(fault.form)\(fault.dropsDirtyPages ? ", pages dropped" : "")"
    }
  }

  /// Ways in which the changing operation of a number can fail.
  static func cases(ofOperation number: Int) -> [Case] {
    let trigger = FaultPlan.Trigger.operation(number: number)
    var cases: [Case] = []
    for reason in [FileSystemError.Reason.inputOutput, .noSpace, .tooManyOpenFiles] {
      for form in [FaultPlan.Form.lost, .kept, .partial()] {
        cases.append(Case(fault: FaultPlan.Fault(trigger, reason: reason, form: form)))
      }
      cases.append(Case(fault: FaultPlan.Fault(trigger, reason: reason, isPermanent: true)))
    }
    for form in [FaultPlan.Form.lost, .kept, .partial()] {
      cases.append(Case(fault: FaultPlan.Fault(trigger, form: form, dropsDirtyPages: true)))
    }
    return cases
  }

  /// Ways in which operations that change nothing can fail.
  static func casesOfLooking() -> [Case] {
    let kinds: [FileSystemError.Operation] = [
      .openDirectory, .listDirectory, .spaceOfFileSystem, .open, .status, .read, .lock, .map,
    ]
    var cases: [Case] = []
    for kind in kinds {
      for index in 1...24 {
        for reason in [FileSystemError.Reason.tooManyOpenFiles, .inputOutput, .outOfMemory] {
          let trigger = FaultPlan.Trigger.occurrence(kind, index: index)
          cases.append(Case(fault: FaultPlan.Fault(trigger, reason: reason)))
        }
        let trigger = FaultPlan.Trigger.occurrence(kind, index: index)
        cases.append(
          Case(fault: FaultPlan.Fault(trigger, reason: .tooManyOpenFiles, isPermanent: true)))
      }
    }
    return cases
  }

  private final class Progress: Sendable {
    struct State: Sendable {
      var tally = Tally()
      var work: [(scenario: Scenario, fault: Case)]
      var next = 0
    }
    let state: Mutex<State>
    init(_ work: [(Scenario, Case)]) { state = Mutex(State(work: work)) }
  }

  /// Runs all chosen cases.
  public func run(
    reporting report: @escaping @Sendable (CrashFailure) -> Void = { _ in }
  ) throws(ThreadCreationError) -> Tally {
    let progress = Progress(work())
    let body: @Sendable () -> Void = {
      while let (scenario, fault) = progress.state.withLock({ state -> (Scenario, Case)? in
        guard state.next < state.work.count else { return nil }
        defer { state.next += 1 }
        return state.work[state.next]
      }) {
        let tally = FaultRun(scenario, fault, seed: seed).run()
        tally.failures.forEach(report)
        progress.state.withLock { $0.tally.add(tally) }
      }
    }
    let threads = try (0..<max(1, jobs)).map { (index) throws(ThreadCreationError) in
      try DedicatedThread.start(name: "fault-\(index)", stackByteCount: 16 << 20, body: body)
    }
    for thread in threads { thread.join() }
    return progress.state.withLock { $0.tally }
  }

  private func work() -> [(Scenario, Case)] {
    if let operation {
      return scenarios.flatMap { scenario in
        Self.cases(ofOperation: operation).map { (scenario, $0) }
      }
    }
    var all: [(Scenario, Case)] = []
    for scenario in scenarios {
      let count = FaultRun.operationCount(of: scenario, seed: seed)
      for number in 1...max(1, count) {
        all += Self.cases(ofOperation: number).map { (scenario, $0) }
      }
      all += Self.casesOfLooking().map { (scenario, $0) }
    }
    var choices = RandomChoices(seed: seed)
    let first = choices.choose(below: stride)
    return Swift.stride(from: first, to: all.count, by: stride).map { all[$0] }
  }
}

/// One scenario with one fault, and the crashes after it.
final class FaultRun {
  private let scenario: Scenario
  private let fault: FaultSweep.Case
  private let seed: UInt64

  init(_ scenario: Scenario, _ fault: FaultSweep.Case, seed: UInt64) {
    self.scenario = scenario
    self.fault = fault
    self.seed = seed
  }

  static func operationCount(of scenario: Scenario, seed: UInt64) -> Int {
    let disk = CrashRun.makeDisk()
    let session = Session(disk: disk, seed: seed)
    try? scenario.run(in: session)
    session.abandon()
    return disk.operationCount
  }

  func run() -> Tally {
    let disk = CrashRun.makeDisk()
    let session = Session(disk: disk, seed: seed)
    session.isTolerant = true
    disk.faultPlan = FaultPlan([fault.fault])
    let crashes = CrashRun(CrashRun.Plan(scenario, seed: seed))
    let what = "\(fault)"
    do {
      try scenario.run(in: session)
    } catch {
      crashes.fail("\(error)", CrashRun.Moment(operation: 0, depth: 0, seed: seed, crash: what))
    }
    disk.faultPlan = .none
    let promises = session.promises
    session.abandon()
    var choices = RandomChoices(
      seed: what.utf8.reduce(seed) { ($0 ^ UInt64($1)) &* 0x0100_0000_01b3 })
    let kinds = [
      CrashKind("process killed", .processDeath, .processKill),
      CrashKind("all lost", .powerCut, .loseAll), CrashKind(choosing: &choices),
    ]
    for kind in kinds {
      let image = disk.crashImage(kind.plan, seed: UInt64(choices.choose(below: Int.max)))
      let moment = CrashRun.Moment(
        operation: 0, depth: CrashRun.depthLimit, seed: seed, crash: "\(what), then \(kind.name)")
      crashes.check(image, promises, kind.cause, moment, session.bootHash, noting: true)
    }
    return crashes.tally
  }
}
