internal import CommitLog
internal import PlatformIO
internal import SimulatedIO

/// One run of a scenario, cut at its operations: takes crash images, opens them, checks what must
/// hold, goes on working on them and cuts again.
///
/// Everything follows from the scenario, the seed and the numbers of operations, so a failure comes
/// back when its operation is named. One thread uses a run.
public final class CrashRun {
  /// What to do.
  public struct Plan: Sendable {
    /// The work.
    public var scenario: Scenario
    /// Where all choices come from.
    public var seed: UInt64
    /// Images taken at each operation, on average.
    public var density: Double
    /// The only operation to look at; nil for all.
    public var operation: Int?
    /// The deliberate bug of the engine; nil for the sound one.
    public var bug: EngineUnderTest.Bug?
    /// Failures after which the run ends early.
    public var failureLimit = 3

    /// Makes a plan for the sound engine.
    public init(_ scenario: Scenario, seed: UInt64, density: Double = 4) {
      self.scenario = scenario
      self.seed = seed
      self.density = density
    }
  }

  let plan: Plan
  /// What came of it.
  public private(set) var tally = Tally()
  private var generation: UInt64 = 0
  private var digestsHere: Set<UInt64> = []
  private var numberHere = 0
  private var visitsHere = 0

  /// Deepest crash: a crash of the scenario, one while that is recovered, one after that again.
  static let depthLimit = 3

  /// Prepares a run.
  public init(_ plan: Plan) { self.plan = plan }

  /// Runs the scenario with all its crashes.
  public func run() -> Tally {
    let disk = Self.makeDisk()
    let session = Session(disk: disk, seed: plan.seed, engine: EngineUnderTest(plan.bug))
    observe(session, disk)
    do {
      try plan.scenario.run(in: session)
      visit(session, disk.operationCount + 1)
    } catch {
      fail("\(error)", Moment(operation: disk.operationCount, depth: 0, seed: plan.seed))
    }
    session.betweenSteps = nil
    session.engine.leave()
    disk.observeOperations(nil)
    session.abandon()
    tally.operations += disk.operationCount
    tally.runs += 1
    return tally
  }

  static func makeDisk() -> SimulatedFileSystem {
    var options = SimulatedFileSystem.Options()
    options.reservationByteCount = 256 << 10
    return SimulatedFileSystem(options: options, directories: ["/data"])
  }

  private func observe(_ session: Session, _ disk: SimulatedFileSystem) {
    // Safety: the observer, the hook and the run are called on the one thread that runs the scenario.
    nonisolated(unsafe) let run = self
    nonisolated(unsafe) let observed = session
    disk.observeOperations { unsafe run.visit(observed, $0.number) }
    session.betweenSteps = { unsafe run.visit(observed, observed.disk.operationCount + 1) }
    session.engine.enter { unsafe run.visit(observed, observed.disk.operationCount + 1) }
  }

  // MARK: Crashes of the scenario

  /// Takes images at the present moment.
  private func visit(_ session: Session, _ number: Int) {
    guard tally.failures.count < plan.failureLimit, isChosen(number) else { return }
    if number != numberHere {
      (numberHere, visitsHere, digestsHere) = (number, 0, [])
    }
    visitsHere += 1
    var choices = RandomChoices(seed: plan.seed &+ UInt64(number) << 20 &+ UInt64(visitsHere))
    let count = imageCount(&choices)
    guard count > 0 else { return }
    let promises = session.promises
    for _ in 0..<count {
      let seed = UInt64(choices.choose(below: Int.max))
      let crash = CrashKind(choosing: &choices)
      let image = session.disk.crashImage(crash.plan, seed: seed)
      let digest = image.contentDigest
      guard digestsHere.insert(digest ^ (crash.cause == .powerCut ? 1 : 0)).inserted else {
        continue
      }
      tally.note(digest, depth: 1)
      let moment = Moment(operation: number, depth: 1, seed: seed, crash: crash.name)
      check(image, promises, crash.cause, moment, session.bootHash)
    }
  }

  private func isChosen(_ number: Int) -> Bool { plan.operation.map { $0 == number } ?? true }

  private func imageCount(_ choices: inout RandomChoices) -> Int {
    let whole = Int(plan.density)
    let rest = Int((plan.density - Double(whole)) * 1_000)
    return whole + (choices.choose(below: 1_000) < rest ? 1 : 0)
  }

  // MARK: Recovery and its crashes

  /// Where in a run something happened.
  struct Moment {
    var operation: Int
    var depth: Int
    var seed: UInt64
    var crash = ""
  }

  /// Starts a process on an image, checks the promises, and goes on working, with crashes.
  func check(
    _ image: SimulatedFileSystem, _ promises: Ledger, _ cause: Crash, _ moment: Moment,
    _ bootHash: UInt64, noting: Bool = false
  ) {
    generation += 1
    if noting { tally.note(image.contentDigest, depth: 1) }
    let session = Session(
      disk: image, seed: moment.seed, engine: EngineUnderTest(plan.bug),
      bootHash: cause == .powerCut ? bootHash &+ 1 : bootHash, generation: generation)
    session.ledger = promises.after(cause)
    var choices = RandomChoices(seed: moment.seed ^ 0xc4a5)
    let isNested = moment.depth < Self.depthLimit && choices.choose(below: 4) == 0
    if isNested { observeRecovery(session, moment) }
    do {
      try session.reopen(after: cause)
      // It opened on a full disk; to go on it may have room.
      image.byteCapacity = 1 << 40
      try session.goOn(&choices)
      if isNested { nest(session, moment, number: image.operationCount + 1) }
      guard image.misuseCount == 0, image.storesIntoHolesCount == 0 else {
        throw Violation(
          "\(image.misuseCount) calls misused the file system, \(image.storesIntoHolesCount) stores "
            + "through mappings went into holes")
      }
    } catch {
      fail("\(error)", moment)
    }
    image.observeOperations(nil)
    session.abandon()
  }

  private func observeRecovery(_ session: Session, _ moment: Moment) {
    // Safety: as in `observe`.
    nonisolated(unsafe) let run = self
    nonisolated(unsafe) let observed = session
    session.disk.observeOperations { operation in
      unsafe run.nest(observed, moment, number: operation.number)
    }
  }

  /// Cuts a recovery, or the work after it, once more.
  private func nest(_ session: Session, _ moment: Moment, number: Int) {
    guard tally.failures.count < plan.failureLimit else { return }
    var choices = RandomChoices(seed: moment.seed &+ UInt64(number) << 32)
    guard choices.choose(below: 5) == 0 else { return }
    let seed = UInt64(choices.choose(below: Int.max))
    let crash = CrashKind(choosing: &choices)
    let image = session.disk.crashImage(crash.plan, seed: seed)
    tally.note(image.contentDigest, depth: moment.depth + 1)
    let next = Moment(
      operation: moment.operation, depth: moment.depth + 1, seed: seed,
      crash: "\(moment.crash), then at \(number) \(crash.name)")
    check(image, session.promises, crash.cause, next, session.bootHash)
  }

  func fail(_ text: String, _ moment: Moment) {
    tally.failures.append(
      CrashFailure(
        scenario: plan.scenario.name, seed: plan.seed, operation: moment.operation,
        crash: moment.crash, text: text))
  }
}

extension Session {
  private static let commitFrameByteCount = 64

  /// Works on after a restart: known producers, new records where lost ones lay, acknowledgements.
  func goOn(_ choices: inout RandomChoices) throws {
    for stream in ledger.streams {
      try resendAll(stream.name)
      var sizes = stream.lostSizes.isEmpty ? [100, 40] : stream.lostSizes
      if sizes[0] >= Self.commitFrameByteCount, choices.choose(below: 3) == 0 {
        // Alone in its group, it ends with its commit frame where the next lost record began.
        try append(stream.name, size: sizes.removeFirst() - Self.commitFrameByteCount)
        try flush(stream.name)
        if choices.choose(below: 2) == 0 { continue }
      }
      for size in sizes.prefix(1 + choices.choose(below: 4)) { try append(stream.name, size: size) }
      switch choices.choose(below: 4) {
      case 0: try appendStamped(stream.name, producer: 7)
      case 1: try appendBatch(stream.name, records: 2)
      default: break
      }
      try flush(stream.name)
      if choices.choose(below: 8) == 0 { try append(stream.name) }
    }
    try checkAll()
    if choices.choose(below: 4) == 0 {
      try restart(inOrder: choices.choose(below: 2) == 0)
      for stream in ledger.streams { try append(stream.name, acknowledged: true) }
      try checkAll()
    }
  }
}
