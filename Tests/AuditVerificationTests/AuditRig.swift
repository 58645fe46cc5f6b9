import ByteCoding
import CommitLog
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

/// A store on a simulated machine, and audits of it.
struct AuditRig {
  var disk = SimulatedFileSystem(directories: ["/data"])
  let time = ManualTime(
    now: Timestamp(rawValue: 1_700_000_000_000_000_000), advancePerReadingNanoseconds: 1_000)
  let random = SeededRandom(seed: 7)
  var options = StoreOptions()
  /// Whether the engine states what it does, as it does outside of tests.
  var keepsStatements = false
  static let path = "/data/s"

  init() {
    options.execution = .inline
    options.sharesWatermarks = false
    options.manifestSegmentByteCount = 64 << 10
    options.stagingByteCount = 16 << 10
  }

  var environment: StoreEnvironment {
    // What the store states is made by the tests themselves, true or false.
    var environment = StoreEnvironment(
      fileSystem: disk, time: time, random: random, bootHash: 1)
    environment.faults.keepsStatements = keepsStatements
    return environment
  }

  /// A store with streams, each with some records.
  static func store(
    streams: [(name: String, evidence: EvidenceClass)] = [("s", .tree)], count: Int = 600,
    rounds: Int = 2, durability: Durability = .disk, segmentByteCount: UInt64 = 64 << 10,
    seed: UInt64 = 1
  ) throws -> AuditRig {
    let rig = AuditRig()
    try Store.create(at: path, options: rig.options, environment: rig.environment)
    for round in 0..<rounds {
      let store = try rig.open()
      for stream in streams {
        let log = try store.createStream(
          StreamName(stream.name),
          options: streamOptions(stream.evidence, durability, segmentByteCount))
        try append(count, to: log, seed: seed + UInt64(round))
        try log.flush()
      }
      store.close()
    }
    return rig
  }

  static func streamOptions(
    _ evidence: EvidenceClass, _ durability: Durability = .disk, _ byteCount: UInt64 = 64 << 10
  ) -> StreamOptions {
    var options = StreamOptions()
    options.durability = durability
    options.firstSegmentByteCount = byteCount
    options.segmentByteCount = byteCount
    options.evidence = evidence
    return options
  }

  func open() throws -> Store {
    try Store.open(at: Self.path, options: options, environment: environment)
  }

  /// Does something with the store open for writing, and closes it.
  func writing(_ body: (Store) throws -> Void) throws {
    let store = try open()
    defer { store.close() }
    try body(store)
  }

  /// A copy of the disk as it is, that can be changed by itself.
  func copy() -> AuditRig {
    var rig = self
    rig.disk = disk.crashImage(.keepAll)
    return rig
  }

  func audit(_ change: (inout AuditOptions) -> Void = { _ in }) throws -> AuditOutcome {
    var options = AuditOptions(path: Self.path)
    options.workerCount = 1
    change(&options)
    return try Audit(options, fileSystem: disk).run()
  }

  func report(_ change: (inout AuditOptions) -> Void = { _ in }) throws -> AuditReport {
    try audit(change).report
  }

  /// Files below the store, by their names in findings.
  var files: [String] {
    disk.paths.filter { $0.hasPrefix(Self.path + "/") }.map {
      String($0.dropFirst(Self.path.count + 1))
    }
  }

  /// Segment files of a stream, oldest first.
  func segments(ofStream streamID: UInt64) -> [String] {
    let folder = "s/\(Hexadecimal.digits(streamID, count: 16))/"
    return files.filter { $0.hasPrefix(folder) }
  }

  func bytes(_ file: String) throws -> [UInt8] { try disk.readFile(Self.path + "/" + file) }

  func replace(_ file: String, _ bytes: [UInt8]) throws {
    try disk.replaceFile(Self.path + "/" + file, with: bytes)
  }

  // MARK: Records

  struct Refused: Error {}

  /// Records of every shape: single, in batches, with and without parts, given up.
  static func append(_ count: Int, to log: StreamLog, seed: UInt64) throws {
    let random = SeededRandom(seed: seed)
    func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(random.below(256)) } }
    var left = count
    while left > 0 {
      switch random.below(6) {
      case 0:
        do throws(ReservationError<Refused>) {
          try log.appendReserving(byteCount: random.below(200)) { _ throws(Refused) in
            throw Refused()
          }
        } catch {}
        left -= 1
      case 1:
        _ = try log.append(
          copying: noise(random.below(300)), key: noise(8), type: Array("type".utf8),
          headers: try RecordHeaders.encoded([.init(name: "n", value: [1])]),
          eventTime: Timestamp(rawValue: Int64(random.below(1_000_000)) - 500))
        left -= 1
      case 2:
        _ = try log.append(copying: [], key: Array("gone".utf8), isTombstone: true)
        left -= 1
      case 3:
        var batch = BatchBuilder()
        for index in 0..<(1 + random.below(60)) {
          let value = noise(random.below(100))
          let key = noise(3)
          try batch.append(
            RecordInput(value.rawSpan, key: index % 3 == 0 ? key.rawSpan : nil, type: nil))
          left -= 1
        }
        try log.append(batch)
      default:
        try log.append(noise(random.below(120)))
        left -= 1
      }
    }
  }
}

/// Every durability class.
let everyClass: [Durability] = [
  .disk, .memory, .async(maxDelayNanoseconds: 1_000_000, maxByteCount: 1 << 20),
]

/// What a report says, for a test that fails.
func described(_ report: AuditReport) -> String {
  report.findings.map { "\($0.rule.rawValue) \($0.severity) \($0.origin): \($0.message)" }
    .joined(separator: "\n")
}
