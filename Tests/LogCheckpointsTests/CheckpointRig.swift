import CommitLog
import EvidenceFiles
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

/// A store on a simulated disk, with a folder beside it for what must not be inside.
struct CheckpointRig {
  static let origin = "log.example/one"

  var disk = SimulatedFileSystem(directories: ["/data", "/keys"])
  let key: NoteSignerKey
  private let time = ManualTime(
    now: Timestamp(rawValue: 1_700_000_000_000_000_000), advancePerReadingNanoseconds: 1_000)
  private let random = SeededRandom(seed: 7)

  /// A store whose key has its origin as name.
  init(origin: String = Self.origin, seed: UInt8 = 7) throws {
    let name = try #require(KeyName(origin))
    key = try NoteSignerKey(name: name, seed: Array(repeating: seed, count: 32))
    try Store.create(at: "/data/s", options: options, environment: environment)
  }

  /// The machine as a power cut leaves it.
  func crashed() -> CheckpointRig {
    var other = self
    other.disk = disk.crashImage(.loseAll)
    return other
  }

  private var options: StoreOptions {
    var options = StoreOptions()
    options.execution = .inline
    options.sharesWatermarks = false
    options.manifestSegmentByteCount = 64 << 10
    options.stagingByteCount = 16 << 10
    return options
  }

  private var environment: StoreEnvironment {
    StoreEnvironment(fileSystem: disk, time: time, random: random, bootHash: 1)
  }

  func open() throws -> Store {
    try Store.open(at: "/data/s", options: options, environment: environment)
  }

  func openReader() throws -> StoreReader {
    try StoreReader.open(at: "/data/s", options: options, environment: environment)
  }

  func file(_ name: String = "last") throws -> CheckpointFile {
    try CheckpointFile(opening: name, in: "/keys", fileSystem: disk)
  }

  static func stream(_ store: Store, _ name: String = "a b") throws -> StreamLog {
    var options = StreamOptions()
    options.evidence = .tree
    options.firstSegmentByteCount = 64 << 10
    options.segmentByteCount = 256 << 10
    return try store.createStream(StreamName(name), options: options)
  }

  static func append(_ count: Int, to log: StreamLog) throws {
    for _ in 0..<count {
      let text = "record \(log.logEndOffset.rawValue), and something that fills it a little"
      try log.append(Array(text.utf8))
    }
  }
}
