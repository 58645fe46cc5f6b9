internal import ByteCoding
internal import LogFormat
public import PlatformIO
internal import Quantities

/// What all streams of a store that is open for writing share.
final class StoreCore: Sendable {
  let directory: StoreDirectory
  let options: StoreOptions
  let time: any TimeSource
  let random: any RandomSource
  let clock: AppendClock
  let storeID: UniqueIdentifier
  let epoch: UInt64
  let bootHash: UInt64
  let manifest: ManifestLog
  let faults: DeliberateFaults
  let spares: SpareFiles
  let shared: SharedPage
  let repairs: [StoreRepair]
  let statements: StoreStatements
  let cursors = StoreCursors()
  let removedFiles = RemovedFiles()
  let retentionClock: RetentionClock
  /// Held while records go, and while a hold is placed.
  let holding = Guarded<Void>(())
  private let background: BackgroundWork

  init(
    directory: StoreDirectory, options: StoreOptions, environment: StoreEnvironment,
    manifest: ManifestLog, shared: SharedPage, repairs: [StoreRepair]
  ) {
    self.repairs = repairs
    self.shared = shared
    self.directory = directory
    self.options = options
    time = environment.time
    random = environment.random
    clock = AppendClock(environment.time)
    retentionClock = RetentionClock(environment.time)
    bootHash = environment.bootHash
    faults = environment.faults
    self.manifest = manifest
    storeID = manifest.superblock.storeID
    statements = StoreStatements(storeID: manifest.superblock.storeID)
    epoch = manifest.superblock.epoch
    background = BackgroundWork(options.execution)
    spares = SpareFiles(directory, limit: options.spareSegmentCount)
  }

  var fileSystem: any FileSystem { directory.fileSystem }

  /// The epoch as frames carry it.
  var shortEpoch: UInt32 { UInt32(truncatingIfNeeded: epoch) }

  @inline(__always)
  func appendTime(after previous: Timestamp) -> Timestamp { clock.time(after: previous) }

  /// Tells the committer that some stream has work.
  func signalCommitter() { background.signalCommitter() }

  /// Tells the thread that hashes that some stream has work.
  func signalEvidence() { background.signalEvidence() }

  /// Does something soon on the background thread; at once where there is none.
  func later(_ body: @escaping @Sendable () -> Void) { background.later(body) }

  /// Starts the background threads.
  func start(
    committing: @escaping @Sendable (_ now: UInt64) -> UInt64?,
    hashing: @escaping @Sendable () -> UInt64?, keeping: @escaping @Sendable () -> UInt64?
  ) throws(OpenError) {
    try background.start(time: time, committing: committing, hashing: hashing, keeping: keeping)
  }

  /// Has the policies of the streams carried out soon, where there are threads.
  func keepSoon() { background.keepSoon() }

  /// Finishes what was asked for with ``later(_:)`` and ends the threads.
  func stop() { background.stop() }
}

/// The outside world of a store, replaceable in tests.
public struct StoreEnvironment: Sendable {
  /// Where the files are.
  public var fileSystem: any FileSystem
  /// Where the time comes from.
  public var time: any TimeSource
  /// Where salts and identifiers come from.
  public var random: any RandomSource
  /// XXH3-64 of the machine's boot id; 0 where unknown.
  public var bootHash: UInt64
  /// Deliberate bugs, for testing the tests; none in any product.
  package var faults = DeliberateFaults()

  /// Makes an environment.
  public init(
    fileSystem: any FileSystem, time: any TimeSource, random: any RandomSource, bootHash: UInt64
  ) {
    self.fileSystem = fileSystem
    self.time = time
    self.random = random
    self.bootHash = bootHash
  }

  /// The machine this process runs on.
  public static func machine() -> StoreEnvironment {
    StoreEnvironment(
      fileSystem: PosixFileSystem(), time: SystemTime(), random: SystemRandom(),
      bootHash: BootIdentity.current.high ^ BootIdentity.current.low)
  }
}

/// Switches that break the engine on purpose, one at a time, so that the crash tests can show that
/// they would notice. Every switch is on in a sound engine; nothing but tests turns one off.
package struct DeliberateFaults: Sendable {
  /// Records are acknowledged only after a sync.
  package var syncsBeforeAcknowledging = true
  /// Directories are synced after files were made in them.
  package var syncsDirectories = true
  /// Recovery invalidates the tail before the first append.
  package var invalidatesTail = true
  /// Class `memory` and `async`: a frame is published after its body was stored.
  package var publishesBodyFirst = true
  /// The stream of statements is made with the first stream that has evidence, and removals are stated.
  package var keepsStatements = true
  /// Called, by an engine that publishes first, between publication and body.
  package var betweenPublicationAndBody: (@Sendable () -> Void)?
  /// Makes the sound engine.
  package init() {}
}
