public import CommitLog
public import LogFormat
internal import PlatformIO
internal import Quantities
public import SimulatedIO

/// A process at work on a simulated machine, and the ledger of what it was promised.
///
/// Every step notes what it appends before the engine sees it and what was promised as soon as the
/// engine says so; at any moment ``promises`` is what a crash may not break. One thread uses a
/// session; the observer of its disk runs on the same one.
public final class Session {
  /// The machine's disk.
  public let disk: SimulatedFileSystem
  /// The machine's clocks.
  public let time: ManualTime
  /// The engine's settings.
  public var storeOptions: StoreOptions
  /// Deliberate bugs of the engine under test.
  public let engine: EngineUnderTest
  /// Where choices of the scenario come from.
  public let random: SeededRandom
  /// The boot this process runs in.
  public let bootHash: UInt64
  /// Errors of the engine end a step and nothing else; otherwise they are violations.
  public var isTolerant = false
  /// Called between steps, when no call of the engine is under way.
  public var betweenSteps: (() -> Void)?
  /// Errors that steps met, newest last.
  public private(set) var errors: [any Error] = []

  var ledger = Ledger()
  var store: Store?
  var logs: [String: StreamLog] = [:]
  private var serial: UInt64
  private let saltSource: any RandomSource

  static let path = "/data/store"

  /// Puts a process on a disk.
  public init(
    disk: SimulatedFileSystem, seed: UInt64, engine: EngineUnderTest = EngineUnderTest(),
    bootHash: UInt64 = 1, generation: UInt64 = 0
  ) {
    self.disk = disk
    self.engine = engine

    self.bootHash = bootHash
    random = SeededRandom(seed: seed)
    saltSource = engine.salts(seed: seed ^ 0x5a17)
    // Serial numbers of different processes never meet.
    serial = (generation << 40) ^ (random.next() << 16) | 1
    time = ManualTime(
      now: Timestamp(rawValue: 1_700_000_000_000_000_000 + Int64(generation) * 60_000_000_000),
      advancePerReadingNanoseconds: 1_000)
    storeOptions = Self.tightOptions(seed)
  }

  /// Settings under which everything that happens rarely happens often.
  private static func tightOptions(_ seed: UInt64) -> StoreOptions {
    var options = StoreOptions()
    options.execution = .inline
    options.sharesWatermarks = false
    options.manifestSegmentByteCount = 32 << 10
    options.stagingByteCount = seed & 1 == 0 ? 8 << 10 : 16 << 10
    options.stagingBufferCount = 2
    // Groups are stated now and then by themselves, and in any case when somebody waits for them.
    options.evidenceNanoseconds = 50_000
    options.slotByteCount = [2 << 10, 16 << 10, 64 << 20][Int(seed >> 1 & 3) % 3]
    options.paddedGroupByteCount = [64 << 10, 4 << 10, 0, 64 << 10][Int(seed >> 3 & 3)]
    options.minimumFreePercent = 0
    options.minimumFreeByteCount = 0
    return options
  }

  /// The outside world of the engine.
  public var environment: StoreEnvironment {
    var environment = StoreEnvironment(
      fileSystem: disk, time: time, random: saltSource, bootHash: bootHash)
    environment.faults = engine.faults
    return environment
  }

  func nextSerial() -> UInt64 {
    serial += 1
    return serial
  }

  /// What a crash at this moment may not break.
  public var promises: Ledger {
    noteWatermarks()
    return ledger
  }

  /// Whatever a watermark has shown is promised from then on.
  func noteWatermarks() {
    for index in ledger.streams.indices {
      guard let log = logs[ledger.streams[index].name] else { continue }
      let stream = ledger.streams[index]
      ledger.streams[index].durable = max(stream.durable, log.durableOffset.rawValue)
      ledger.streams[index].visible = max(stream.visible, log.visibleOffset.rawValue)
      ledger.streams[index].written = max(stream.written, log.visibleOffset.rawValue)
      ledger.streams[index].logStart = max(stream.logStart, log.logStartOffset.rawValue)
    }
  }

  // MARK: Steps

  /// Runs one step of a scenario.
  func step(_ name: String, _ body: () throws -> Void) throws {
    do {
      try body()
    } catch let error as Violation {
      throw error
    } catch {
      errors.append(error)
      guard isTolerant else {
        throw Violation("\(name) failed without a fault: \(error)")
      }
    }
    noteWatermarks()
    betweenSteps?()
  }

  /// Makes the store and opens it.
  public func create() throws {
    try step("create") {
      try Store.create(at: Self.path, options: storeOptions, environment: environment)
      ledger.isStoreCreated = true
    }
    try step("open") { try open() }
  }

  /// Opens the store.
  func open() throws {
    store = try Store.open(at: Self.path, options: storeOptions, environment: environment)
  }

  /// Closes the store in order.
  public func close() throws {
    try step("close") {
      store?.close()
      noteWatermarks()
      leave()
    }
  }

  /// Ends as if the process had been killed.
  public func abandon() {
    noteWatermarks()
    store?.abandon()
    leave()
  }

  private func leave() {
    logs = [:]
    store = nil
  }

  /// Kills the process, or closes the store, and starts again on the same machine.
  public func restart(inOrder: Bool) throws {
    if inOrder { try close() } else { abandon() }
    try step("reopen") { try reopen(after: .processDeath) }
  }

  /// States the heads of all streams, as before a signature.
  public func stateHeads() throws {
    try step("stateHeads") {
      guard let head = try store?.stateHeads() else { return }
      ledger.signed = (head.nextOffset, head.root)
    }
  }

  /// Creates a stream of small segments; its evidence is by the seed when that is not said.
  public func createStream(
    _ name: String, _ durability: Durability, rollAfter: UInt64 = 0, evidence: EvidenceClass? = nil
  ) throws {
    try step("createStream") {
      var options = StreamOptions()
      options.durability = durability
      options.firstSegmentByteCount = 64 << 10
      options.segmentByteCount = 64 << 10
      options.rollRecordCount = rollAfter
      options.evidence = evidence ?? [.tree, .none, .chain, .tree][Int(random.seed >> 5 & 3)]
      if ledger[name] == nil { ledger[name] = StreamLedger(name: name, options: options) }
      guard let store else { return }
      logs[name] = try store.createStream(StreamName(name), options: options)
      ledger[name]?.isCreated = true
    }
  }

  /// Changes the ledger of a stream.
  func edit(_ name: String, _ body: (inout StreamLedger) -> Void) {
    guard let index = ledger.streams.firstIndex(where: { $0.name == name }) else { return }
    body(&ledger.streams[index])
  }
}
