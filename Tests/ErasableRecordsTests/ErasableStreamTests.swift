import ByteCoding
import CommitLog
import Cryptography
import ErasableRecords
import EvidenceFiles
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

/// A store and a folder of keys beside it, on a simulated disk.
private struct Rig {
  let disk = SimulatedFileSystem(directories: ["/data"])
  private let time = ManualTime(
    now: Timestamp(rawValue: 1_700_000_000_000_000_000), advancePerReadingNanoseconds: 1_000)
  private let random = SeededRandom(seed: 7)
  private static let master = SecretKey(from: { 9 })

  init() throws {
    try Store.create(at: "/data/s", options: options, environment: environment)
    try SubjectKeyStore.create(
      at: "/keys", masterKey: Self.master, fileSystem: disk, random: random)
  }

  private var options: StoreOptions {
    var options = StoreOptions()
    options.execution = .inline
    options.sharesWatermarks = false
    options.adoptsCopy = true
    return options
  }

  private var environment: StoreEnvironment {
    StoreEnvironment(fileSystem: disk, time: time, random: random, bootHash: 1)
  }

  func open() throws -> Store {
    try Store.open(at: "/data/s", options: options, environment: environment)
  }

  func keys() throws -> SubjectKeyStore {
    try SubjectKeyStore(opening: "/keys", fileSystem: disk, random: random) { _ in Self.master }
  }

  static func log(_ store: Store) throws -> StreamLog {
    var options = StreamOptions()
    options.evidence = .tree
    options.isErasable = true
    return try store.createStream(StreamName("e"), options: options)
  }
}

@Suite struct ErasableStreamTests {
  private static let alice = Array("alice".utf8)
  private static let bob = Array("bob".utf8)

  private static func records(_ log: StreamLog) throws -> [Record] {
    var reader = try log.makeReader()
    return try reader.records(max: 1_000)
  }

  /// Whether bytes stand in any file of the machine.
  private static func isAnywhere(_ needle: [UInt8], _ rig: Rig) throws -> Bool {
    for path in rig.disk.paths {
      guard let bytes = try? rig.disk.readFile(path) else { continue }
      for start in bytes.indices.dropLast(needle.count - 1)
      where bytes[start] == needle[0] && Array(bytes[start..<(start + needle.count)]) == needle {
        return true
      }
    }
    return false
  }

  @Test func `payloads come back with the key of their subject, and with no other`() throws {
    let rig = try Rig()
    let keys = try rig.keys()
    let store = try rig.open()
    let stream = try ErasableStream(try Rig.log(store), of: store, keys: keys)
    for index in 0..<6 as Range<UInt8> {
      let receipt = try stream.append(
        [index, 1, 2, 3], for: index % 2 == 0 ? Self.alice : Self.bob,
        key: index > 2 ? [index] : nil, type: index > 3 ? [7] : nil,
        eventTime: index > 4 ? Timestamp(rawValue: 5) : nil)
      #expect(receipt.offset.rawValue == UInt64(index))
    }
    try stream.log.flush()
    for record in try Self.records(stream.log) {
      let index = UInt8(record.offset.rawValue)
      let (own, other) = index % 2 == 0 ? (Self.alice, Self.bob) : (Self.bob, Self.alice)
      #expect(try stream.open(record, for: own) == [index, 1, 2, 3])
      #expect(throws: ErasableError.self) { try stream.open(record, for: other) }
      // What is shown to a third party: the payload and one salt.
      let commitment = RecordContent.commitment(
        eventTime: record.eventTime?.rawValue, key: record.key, type: record.type,
        headers: record.headers, value: [index, 1, 2, 3],
        salt: try stream.salt(of: record.offset, for: own))
      #expect(commitment.bytes == Array(record.value.prefix(32)))
    }
    let nobody = Array("nobody".utf8)
    let first = try #require(try Self.records(stream.log).first)
    #expect(throws: ErasableError.self) { try stream.open(first, for: nobody) }
    store.close()
  }

  @Test func `an erasure takes the payloads and leaves chain, tree and proofs`() throws {
    let rig = try Rig()
    let keys = try rig.keys()
    var store = try rig.open()
    var log = try Rig.log(store)
    var stream = try ErasableStream(log, of: store, keys: keys)
    let secret = Array("a secret that is nowhere else".utf8)
    for index in 0..<20 as Range<UInt8> {
      try _ = stream.append(
        secret + [index], for: index % 2 == 0 ? Self.alice : Self.bob)
    }
    let head = try #require(try store.stateHeads())
    #expect(try !Self.isAnywhere(secret, rig))
    let tree = try store.tree(of: log)
    let root = try tree.root(size: 20)
    // Not while a hold keeps the stream.
    try store.placeHold("case", reason: "a letter", on: StreamName(log.name))
    #expect(throws: ErasableError.self) { try store.erase(subject: Self.alice, keys: keys) }
    try store.releaseHold("case")
    let statement = try #require(
      try store.erase(subject: Self.alice, keys: keys, reason: "asked for"))
    // Again is the same.
    #expect(try store.erase(subject: Self.alice, keys: keys, reason: "again") == statement)
    #expect(try store.erase(subject: Array("carol".utf8), keys: keys) == nil)
    for round in 0..<2 {
      for record in try Self.records(log) {
        let isGone = record.offset.rawValue % 2 == 0
        if isGone {
          #expect(throws: ErasableError.self) { try stream.open(record, for: Self.alice) }
        } else {
          #expect(
            try stream.open(record, for: Self.bob)
              == secret + [UInt8(record.offset.rawValue)])
        }
        _ = try store.tree(of: log).proof(of: record.offset, size: 20, root: root)
      }
      #expect(throws: ErasableError.self) { try stream.append([1], for: Self.alice) }
      if round == 0 {
        store.close()
        store = try rig.open()
        log = try store.stream(StreamName("e"))
        stream = try ErasableStream(log, of: store, keys: keys)
      }
    }
    let evidence = try #require(try store.evidenceStream())
    #expect(try store.tree(of: evidence).root(size: head.nextOffset.rawValue).bytes == head.root)
    let record = try Self.records(evidence)[Int(statement.rawValue)]
    let value = record.value
    guard case .erasure(let erasure) = try Statement(value.rawSpan).content else {
      Issue.record("no erasure")
      return
    }
    #expect(erasure.reason == "asked for" && erasure.time > 0)
    #expect(erasure.subjectCode == (try keys.statementCode(of: Self.alice)))
    #expect(try !Self.isAnywhere(Self.alice, rig))
    #expect(try log.checkEvidence().problem == nil)
    store.close()
  }

  @Test func `a changed payload is never taken for the one that was appended`() throws {
    let rig = try Rig()
    let keys = try rig.keys()
    let store = try rig.open()
    let stream = try ErasableStream(try Rig.log(store), of: store, keys: keys)
    _ = try stream.append([1, 2, 3], for: Self.alice)
    try stream.log.flush()
    let record = try #require(try Self.records(stream.log).first)
    let key = try #require(try keys.existingKey(for: Self.alice))
    let id = try #require(stream.log.erasableID).bytes
    #expect(try ErasablePayload.open(record, with: key, streamID: id) == [1, 2, 3])
    for bit in 0..<record.value.count * 8 {
      var value = record.value
      value[bit / 8] ^= 1 << UInt8(bit % 8)
      let other = record.replacing(value)
      #expect(throws: ErasableError.self, "bit \(bit)") {
        try ErasablePayload.open(other, with: key, streamID: id)
      }
    }
    for count in 0..<record.value.count {
      let other = record.replacing(Array(record.value.prefix(count)))
      #expect(throws: ErasableError.self) {
        try ErasablePayload.open(other, with: key, streamID: id)
      }
    }
    let plain = try store.createStream(StreamName("plain"))
    #expect(throws: ErasableError.self) { try ErasableStream(plain, of: store, keys: keys) }
    var options = StreamOptions()
    options.evidence = .tree
    #expect(throws: OpenError.self) { try store.createStream(StreamName("e"), options: options) }
    store.close()
  }

  @Test func `threads that append at once each get their own offsets`() throws {
    let rig = try Rig()
    let keys = try rig.keys()
    let store = try rig.open()
    let stream = try ErasableStream(try Rig.log(store), of: store, keys: keys)
    let threads = try (0..<4).map { thread in
      try DedicatedThread.start(name: "append") {
        for index in 0..<50 as Range<UInt8> {
          // Beside it somebody appends to the log itself.
          if index % 10 == 9 { _ = try? stream.log.append([UInt8](repeating: 0, count: 80)) }
          _ = try? stream.append([UInt8(thread), index], for: Self.alice)
        }
      }
    }
    for thread in threads { thread.join() }
    try stream.log.flush()
    var seen = Set<[UInt8]>()
    for record in try Self.records(stream.log) {
      if let payload = try? stream.open(record, for: Self.alice) { seen.insert(payload) }
    }
    #expect(seen.count == 200)
    store.close()
  }
}

extension Record {
  /// The same record with another value.
  fileprivate func replacing(_ value: [UInt8]) -> Record {
    Record(
      offset: offset, appendTime: appendTime, eventTime: eventTime, key: key, type: type,
      headers: headers, value: value, isTombstone: isTombstone)
  }
}
