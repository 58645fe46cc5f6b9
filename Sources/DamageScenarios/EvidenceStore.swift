internal import AuditVerification
internal import ByteCoding
internal import CommitLog
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities
internal import SimulatedIO

/// A store with evidence on a machine of its own, and what an auditor holds of it: checkpoints of the store
/// and of its stream with a tree, and the log's public key.
struct EvidenceStore {
  let machine: Machine
  /// The checkpoints, from the oldest on; the last ones cover everything.
  let checkpoints: [AuditOptions.Checkpoint]
  let key: NoteSignerKey

  static let origin = "example.org/log"
  /// Streams, with their evidence.
  static let streams: [(name: String, evidence: EvidenceClass)] = [
    ("tree", .tree), ("chain", .chain), ("plain", .none),
  ]

  /// Fills a store and signs it.
  ///
  /// - Parameters:
  ///   - seed: Decides the content.
  ///   - byteCount: Bytes of values, about.
  ///   - rounds: How many times it is opened, filled and signed.
  ///   - made: How many of the rounds are carried out; `nil` for all.
  init(seed: UInt64, byteCount: Int, rounds: Int = 3, made: Int? = nil) throws(ScenarioError) {
    let machine = Machine(seed: seed)
    self.machine = machine
    self.key = try step("making a key") {
      guard let name = KeyName(Self.origin) else { throw ScenarioError("no name") }
      return try NoteSignerKey(name: name, seed: [UInt8](repeating: 1, count: 32))
    }
    let key = key
    checkpoints = try step("filling a store") {
      var checkpoints: [AuditOptions.Checkpoint] = []
      let random = SeededRandom(seed: seed &* 31)
      try machine.create()
      for round in 0..<(made ?? rounds) {
        let store = try machine.open()
        for stream in Self.streams {
          var options = StreamOptions()
          options.firstSegmentByteCount = 64 << 10
          options.segmentByteCount = 64 << 10
          options.evidence = stream.evidence
          let log = try store.createStream(StreamName(stream.name), options: options)
          try Self.fill(log, byteCount / (Self.streams.count * rounds), random)
        }
        let tree = try store.stream(StreamName("tree"))
        if let head = try tree.proveAll() {
          checkpoints.append(
            try Self.signed("\(Self.origin)/streams/tree", head, round, by: key))
        }
        if let head = try store.stateHeads() {
          checkpoints.append(try Self.signed(Self.origin, head, round, by: key))
        }
        store.close()
      }
      return checkpoints
    }
    machine.time.setAdvancePerReading(nanoseconds: 0)
  }

  private init(
    _ machine: Machine, _ checkpoints: [AuditOptions.Checkpoint], _ key: NoteSignerKey
  ) {
    (self.machine, self.checkpoints, self.key) = (machine, checkpoints, key)
  }

  /// The same on a disk of its own.
  func copy() -> EvidenceStore { EvidenceStore(machine.copy(), checkpoints, key) }

  private static func signed(
    _ origin: String, _ head: EvidenceHead, _ round: Int, by key: NoteSignerKey
  ) throws -> AuditOptions.Checkpoint {
    guard let root = Digest(head.root) else { throw ScenarioError("no root") }
    let checkpoint = try Checkpoint(origin: origin, size: head.nextOffset.rawValue, root: root)
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: key)
    return AuditOptions.Checkpoint(path: "held \(round) of \(origin)", bytes: note.encoded)
  }

  /// Records of every shape: alone and in batches, with and without parts, given up.
  private static func fill(_ log: StreamLog, _ byteCount: Int, _ random: SeededRandom) throws {
    func noise(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(random.below(256)) } }
    struct GivenUp: Error {}
    let headers = try RecordHeaders.encoded([.init(name: "trace", value: [1, 2, 3])])
    var left = byteCount
    while left > 0 {
      switch random.below(8) {
      case 0:
        // Safety: the body does not touch the memory it is given.
        _ = unsafe try? log.appendReserving(byteCount: 60) { _ throws(GivenUp) in throw GivenUp() }
        left -= 60
      case 1:
        _ = try log.append(copying: [], key: Array("gone".utf8), isTombstone: true)
        left -= 16
      case 2, 3:
        let value = noise(random.below(300))
        _ = try log.append(
          copying: value, key: noise(8), type: Array("type".utf8), headers: headers,
          eventTime: Timestamp(rawValue: Int64(random.below(1_000_000))))
        left -= value.count + 40
      case 4:
        var batch = BatchBuilder()
        for index in 0..<(2 + random.below(30)) {
          let (value, key) = (noise(random.below(90)), noise(3))
          try batch.append(
            RecordInput(value.rawSpan, key: index % 3 == 0 ? key.rawSpan : nil, type: nil))
          left -= value.count
        }
        try log.append(batch)
      default:
        let value = noise(random.below(160))
        try log.append(value)
        left -= value.count + 20
      }
      if random.oneIn(24) { try log.flush() }
    }
    try log.flush()
  }

  /// What the auditor is given.
  var options: AuditOptions {
    var options = AuditOptions(path: Machine.path)
    options.workerCount = 1
    options.checkpoints = checkpoints
    options.keys = [key.verifier]
    return options
  }
}
