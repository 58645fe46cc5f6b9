import ByteCoding
import Cryptography
import Glibc
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct StreamLogEvidenceTests {
  struct Refused: Error {}

  static func options(_ durability: Durability, _ evidence: EvidenceClass) -> StreamOptions {
    var options = StreamOptions()
    options.durability = durability
    options.firstSegmentByteCount = 64 << 10
    options.segmentByteCount = 256 << 10
    options.evidence = evidence
    return options
  }

  static func noise(_ count: Int, _ random: SeededRandom) -> [UInt8] {
    (0..<count).map { _ in UInt8(random.below(256)) }
  }

  /// Records of every shape: single, in batches, with and without parts, given up.
  static func append(_ count: Int, to log: StreamLog, seed: UInt64) throws {
    let random = SeededRandom(seed: seed)
    var left = count
    while left > 0 {
      switch random.below(6) {
      case 0:
        #expect(throws: ReservationError<Refused>.self) {
          try log.appendReserving(byteCount: random.below(200)) { _ throws(Refused) in
            throw Refused()
          }
        }
        left -= 1
      case 1:
        _ = try log.append(
          copying: Self.noise(random.below(300), random), key: Self.noise(8, random),
          type: bytes("type"), headers: try RecordHeaders.encoded([.init(name: "n", value: [1])]),
          eventTime: Timestamp(rawValue: Int64(random.below(1_000_000)) - 500))
        left -= 1
      case 2:
        _ = try log.append(copying: [], key: bytes("gone"), isTombstone: true)
        left -= 1
      case 3:
        var batch = BatchBuilder()
        for index in 0..<(1 + random.below(60)) {
          let value = Self.noise(random.below(100), random)
          let key = Self.noise(3, random)
          try batch.append(
            RecordInput(value.rawSpan, key: index % 3 == 0 ? key.rawSpan : nil, type: nil))
          left -= 1
        }
        try log.append(batch)
      default:
        try log.append(Self.noise(random.below(120), random))
        left -= 1
      }
    }
  }

  /// The root over all records from the first, each leaf made by the text, one at a time.
  static func slowRoot(_ log: StreamLog, _ coverage: EvidenceClass) throws -> Digest {
    var tree = StoredTree()
    var reader = try log.makeReader()
    var next: UInt64 = 0
    func gaps(to offset: UInt64) {
      while next < offset {
        tree.append([
          MerkleTree.leafHash(RecordLeaf(kind: .gap, offset: next, appendTime: 0).encoded)
        ])
        next += 1
      }
    }
    while let record = try reader.next() {
      gaps(to: record.offset.rawValue)
      let commitment = RecordContent.commitment(
        eventTime: record.eventTime?.rawValue, key: record.key, type: record.type,
        headers: record.headers, value: record.value)
      let leaf = RecordLeaf(
        kind: .record, flags: record.isTombstone ? .tombstone : [],
        offset: record.offset.rawValue, appendTime: record.appendTime.rawValue,
        commitment: commitment)
      tree.append([MerkleTree.leafHash(leaf.encoded)])
      next += 1
    }
    gaps(to: log.visibleOffset.rawValue)
    return tree.root
  }

  @Test(arguments: everyClass)
  func `the tree of a stream is the one over its records`(_ durability: Durability) throws {
    let machine = Machine()
    try machine.create()
    for round in 0..<4 as Range<UInt64> {
      let store = try machine.open()
      let log = try store.createStream(
        StreamName("s"), options: Self.options(durability, .tree))
      #expect(log.evidencedOffset == log.logEndOffset, "round \(round)")
      for part in 0..<3 as Range<UInt64> {
        try Self.append(700, to: log, seed: 10 * round + part)
        try log.waitUntilEvidenced(Offset(rawValue: log.logEndOffset.rawValue - 1))
        #expect(log.evidencedOffset == log.logEndOffset)
      }
      let root = try #require(log.evidenceHead).root
      #expect(root == (try Self.slowRoot(log, .tree)).bytes)
      try Self.append(100, to: log, seed: 10 * round + 5)
      store.close()
    }
    let store = try machine.open()
    let log = try opened(store)
    let check = try log.checkEvidence()
    #expect(check.problem == nil && check.unverifiableCount == 0)
    // Three, and one at each close.
    #expect(check.verifiedCount == 16 && check.nextOffset == log.logEndOffset)
    try expectSound(machine)
    store.close()
  }

  @Test func `a chain has a link for each group and goes on after a restart`() throws {
    let machine = Machine()
    try machine.create()
    var heads: [[UInt8]] = []
    for round in 0..<3 as Range<UInt64> {
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: Self.options(.disk, .chain))
      if let last = heads.last { #expect(log.evidenceHead?.head == last) }
      try Self.append(500, to: log, seed: round)
      store.close()
      let again = try machine.open()
      heads.append(try #require(try opened(again).evidenceHead).head)
      again.close()
    }
    #expect(Set(heads).count == 3)
    let store = try machine.open()
    let check = try opened(store).checkEvidence()
    #expect(check.problem == nil && check.verifiedCount == 3)
    store.close()
  }

  @Test(arguments: everyClass)
  func `appends wait when chain and tree fall behind`(_ durability: Durability) throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: Self.options(durability, .tree))
    for _ in 0..<12_000 {
      try log.append([UInt8](repeating: 7, count: 200))
      // Nobody hashes here but appends that would leave a segment.
      let lag = log.logEndOffset.rawValue - log.evidencedOffset.rawValue
      #expect(lag <= 2 * (256 << 10) / 232)
    }
    #expect(log.evidencedOffset.rawValue > 9_000)
    store.close()
  }

  @Test(arguments: everyClass)
  func `what chain and tree go on from is not removed`(_ durability: Durability) throws {
    let machine = Machine()
    try machine.create()
    var options = Self.options(durability, .tree)
    options.rollRecordCount = 100
    var removed = 0
    for round in 0..<6 {
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: options)
      for _ in 0..<350 { try log.append([UInt8](repeating: 1, count: 20)) }
      try log.flush()
      removed += try log.removeSegments(before: log.logEndOffset).removed
      #expect(log.logStartOffset <= log.evidencedOffset)
      round % 2 == 0 ? store.close() : store.abandon()
      let again = try machine.open()
      let goesOn = try again.stream(StreamName("s"))
      // Nothing has to be made up for: all that is not covered is there.
      try goesOn.waitUntilEvidenced(Offset(rawValue: goesOn.logEndOffset.rawValue - 1))
      let check = try goesOn.checkEvidence()
      #expect(check.problem == nil && check.nextOffset <= goesOn.evidencedOffset)
      again.close()
    }
    #expect(removed >= 6)
  }

  /// Waits until a thread of the store has covered everything, without asking for it.
  private static func isCovered(_ log: StreamLog, within seconds: Int = 60) -> Bool {
    for _ in 0..<(seconds * 200) {
      if log.evidencedOffset == log.logEndOffset { return true }
      usleep(5_000)
    }
    return false
  }

  /// Runs with a stream of a store on a disk, whose threads run.
  private static func withLog(
    _ durability: Durability, groupAge: UInt64, _ body: (StreamLog) throws -> Void
  ) throws {
    try withFolder { folder in
      let path = folder + "/store"
      try Store.create(at: path)
      var storeOptions = StoreOptions()
      storeOptions.evidenceNanoseconds = groupAge
      let store = try Store.open(at: path, options: storeOptions)
      defer { store.close() }
      try body(try store.createStream(StreamName("s"), options: options(durability, .tree)))
    }
  }

  @Test(arguments: everyClass)
  func `what nobody awaits is covered by age, however it is appended`(_ durability: Durability)
    throws
  {
    try Self.withLog(durability, groupAge: 20_000_000) { log in
      for round in 0..<3 {
        // From sleep each time: by a reservation, by a record, by more than a group.
        usleep(100_000)
        switch round {
        case 0: _ = try log.appendReserving(byteCount: 3) { _ in }
        case 1: try log.append([1, 2, 3])
        default: for _ in 0..<9_000 { try log.append([1, 2, 3]) }
        }
        #expect(Self.isCovered(log), "round \(round)")
      }
    }
  }

  @Test func `groups end by age while records keep coming`() throws {
    try Self.withLog(.memory, groupAge: 50_000_000) { log in
      // Fewer than a piece all the time, and never a pause that is longer than a nap.
      for index in 0..<2_000 {
        try log.append([UInt8(truncatingIfNeeded: index)])
        usleep(300)
        if log.evidencedOffset > .zero { break }
      }
      #expect(log.evidencedOffset > .zero && log.logEndOffset.rawValue < 1_024)
    }
  }

  @Test func `a stream without evidence says so`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: Self.options(.disk, .none))
    try log.append([1])
    #expect(log.evidencedOffset == .zero && log.evidenceHead == nil)
    #expect(throws: AppendError.self) { try log.waitUntilEvidenced(.zero) }
    store.close()
    #expect(throws: OpenError.self) {
      let again = try machine.open()
      defer { again.close() }
      _ = try again.createStream(StreamName("s"), options: Self.options(.disk, .tree))
    }
  }
}
