public import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities
public import SimulatedIO

/// A simulated machine with a store on it; no threads, and a clock that stands still while readers
/// look, so that nothing is looked up again by time.
public struct Machine: Sendable {
  /// Its disk.
  public let disk: SimulatedFileSystem
  /// Its clock.
  public let time: ManualTime
  /// Its randomness.
  public let random: SeededRandom
  /// How stores are opened.
  public var options: StoreOptions

  /// Path of the store.
  public static let path = "/data/store"

  /// Makes a machine with an empty disk.
  public init(seed: UInt64) {
    self.init(disk: SimulatedFileSystem(directories: ["/data"]), seed: seed)
  }

  /// Makes a machine around a disk.
  public init(disk: SimulatedFileSystem, seed: UInt64) {
    self.disk = disk
    time = ManualTime(
      now: Timestamp(rawValue: 1_700_000_000_000_000_000), advancePerReadingNanoseconds: 1_000)
    random = SeededRandom(seed: seed)
    options = StoreOptions()
    options.execution = .inline
    options.sharesWatermarks = false
    options.manifestSegmentByteCount = 16 << 10
    options.stagingByteCount = 64 << 10
  }

  /// The same disk as it is now, as a machine of its own; costs little.
  public func copy() -> Machine { Machine(disk: disk.crashImage(.keepAll), seed: random.seed &+ 1) }

  var environment: StoreEnvironment {
    StoreEnvironment(fileSystem: disk, time: time, random: random, bootHash: 1)
  }

  /// Creates the store.
  public func create() throws(OpenError) {
    try Store.create(at: Self.path, options: options, environment: environment)
  }

  /// Opens the store for writing.
  public func open() throws(OpenError) -> Store {
    try Store.open(at: Self.path, options: options, environment: environment)
  }

  /// Opens the store for reading.
  public func openReader() throws(OpenError) -> StoreReader {
    try StoreReader.open(at: Self.path, options: options, environment: environment)
  }
}
