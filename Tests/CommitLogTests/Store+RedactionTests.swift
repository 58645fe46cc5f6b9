import ByteCoding
import Cryptography
import Integrity
import LogEvidence
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Synchronization
import Testing

@testable import CommitLog

@Suite struct StoreRedactionTests {
  /// Appends records of every shape, some with stamps of producers, and some with a mark that is found again.
  private static func fill(_ log: StreamLog) throws -> [Offset] {
    var marked: [Offset] = []
    for round in 0..<40 as Range<UInt64> {
      try StreamLogEvidenceTests.append(60, to: log, seed: round)
      marked.append(try log.append(mark(marked.count)))
      var batch = BatchBuilder()
      for index in 0..<9 {
        let value = index % 4 == 0 ? mark(marked.count + index / 4) : bytes("other \(index)")
        let (key, type) = (bytes("k\(index)"), bytes("t"))
        try batch.append(
          RecordInput(
            value.rawSpan, key: key.rawSpan, type: index % 2 == 0 ? nil : type.rawSpan,
            eventTime: Timestamp(rawValue: Int64(index) * 1_000)))
      }
      let stamp = ProducerStamp(id: 9, epoch: 1, sequence: UInt32(round) * 9)
      let first = try log.append(batch, producer: stamp).offset
      marked += [0, 4, 8].map { first.advanced(by: $0) }
    }
    try log.flush()
    return marked
  }

  private static func mark(_ number: Int) -> [UInt8] { bytes("<secret number \(number)>") }

  private static func records(_ log: StreamLog) throws -> [Record] {
    var reader = try log.makeReader()
    return try reader.records(max: 100_000)
  }

  /// Whether the bytes stand in any file of the disk.
  private static func stands(_ needle: [UInt8], on disk: SimulatedFileSystem) throws -> Bool {
    for path in disk.paths {
      let text = try disk.readFile(path)
      var rest = text[...]
      while let start = rest.firstIndex(of: needle[0]) {
        rest = rest[start...]
        if rest.starts(with: needle) { return true }
        rest = rest.dropFirst()
      }
    }
    return false
  }

  @Test(arguments: everyClass, [EvidenceClass.none, .chain, .tree])
  func `a redacted record is gone and all else stays`(
    _ durability: Durability, _ evidence: EvidenceClass
  ) throws {
    let machine = Machine()
    try machine.create()
    var store = try machine.open()
    var log = try StreamTreeTests.log(store, durability, evidence: evidence)
    let marked = try Self.fill(log)
    let before = try Self.records(log)
    let head = try evidence == .none ? nil : log.durableEvidence()
    // The first and the last of the log, of a batch, and some between; single ones too.
    let chosen = [0, 1, 2, 3, 57, 58, 59, 100, marked.count - 2, marked.count - 1]
    for place in chosen {
      let stated = try store.redact(marked[place], in: log, reason: "a name")
      #expect((stated == nil) == (evidence == .none))
      // Saying it again changes nothing.
      if evidence != .none {
        #expect(try store.redact(marked[place], in: log) == stated)
      } else {
        #expect(throws: RedactionError.self) { try store.redact(marked[place], in: log) }
      }
    }
    let gone = Set(chosen.map { marked[$0] })
    let kept = before.filter { !gone.contains($0.offset) }
    #expect(try Self.records(log) == kept)
    for place in chosen.prefix(4) + chosen.suffix(1) {
      #expect(try !Self.stands(Self.mark(place), on: machine.disk), "\(place)")
    }
    #expect(try Self.stands(Self.mark(4), on: machine.disk))
    let next = try log.append(bytes("goes on"))
    try log.flush()
    for isReopened in [false, true] {
      if isReopened {
        store.close()
        store = try machine.open()
        log = try StreamTreeTests.log(store, durability, evidence: evidence)
        #expect(log.recovery.wasClean)
      }
      #expect(try Self.records(log).dropLast() == kept[...])
      #expect(try Self.records(log).last?.offset == next)
      #expect(log.lastOffset(ofProducer: 9) == before.last?.offset)
      #expect(try log.checkEvidence().problem == nil)
      #expect(try log.checkEvidence().unverifiableCount == 0)
      guard evidence == .tree, let head, let root = Digest(head.root) else { continue }
      let tree = try store.tree(of: log)
      #expect(try tree.root(size: head.nextOffset.rawValue) == root)
      for offset in [marked[0], marked[1], marked[5], marked[59]] {
        let found = try tree.proof(of: offset, size: head.nextOffset.rawValue, root: root)
        try found.proof.verify(leaf: found.leaf, root: root)
      }
    }
    store.close()
    let report = try StoreVerification.run(
      at: "/data/s", options: machine.options, environment: machine.environment)
    #expect(report.findings.isEmpty, "\(report.findings)")
  }

  @Test func `what cannot be redacted is refused with the reason`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try StreamTreeTests.log(store, .disk)
    try log.append([1])
    try log.flush()
    func reason(_ body: () throws -> Void) -> String {
      do { try body() } catch { return "\(error)" }
      return ""
    }
    #expect(
      reason { try store.redact(Offset(rawValue: 1), in: log) }
        == "there is no record at offset 1: it was removed or given up, or is not appended yet")
    let evidence = try #require(try store.evidenceStream())
    #expect(
      reason { try store.redact(.zero, in: evidence) }.contains("is the engine's own"))
    let long = String(repeating: "x", count: Statement.reasonByteCountLimit + 1)
    #expect(reason { try store.redact(.zero, in: log, reason: long) }.contains("fewer words"))
    #expect(try Self.records(log).map(\.value) == [[1]])
    store.close()
    #expect(reason { try store.redact(.zero, in: log) } != "")
    let again = try machine.open()
    defer { again.close() }
    #expect(reason { try again.redact(.zero, in: log) }.contains("was opened elsewhere"))
  }

  @Test func `a crash at any moment leaves the record or takes it and loses no other`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try StreamTreeTests.log(store, .disk)
    for index in 0..<300 { try log.append(bytes("value \(index) of many")) }
    let head = try #require(try log.durableEvidence())
    let images = Guarded<[SimulatedFileSystem]>([])
    let disk = machine.disk
    disk.observeOperations { _ in
      let seed = UInt64(images.withLock { $0.count })
      let plan: CrashPlan = [.random, .loseAll, .keepAll, .processKill][Int(seed % 4)]
      images.withLock { $0.append(disk.crashImage(plan, seed: seed)) }
    }
    let victim = Offset(rawValue: 120)
    try store.redact(victim, in: log, reason: "crash")
    disk.observeOperations(nil)
    let all = images.withLock { $0 }
    #expect(all.count > 20)
    for (index, image) in all.enumerated() {
      var other = machine
      other.disk = image
      let again = try other.open()
      let log = try StreamTreeTests.log(again, .disk)
      let found = try Self.records(log).filter { $0.offset != victim }
      #expect(found.count == 299, "operation \(index)")
      #expect(found.allSatisfy { $0.value == bytes("value \($0.offset) of many") })
      // Called again it comes to its end.
      let stated = try again.redact(victim, in: log, reason: "crash")
      #expect(stated != nil)
      #expect(try Self.records(log).count == 299)
      #expect(try !Self.stands(bytes("value 120 of many"), on: image), "operation \(index)")
      #expect(try log.checkEvidence().problem == nil)
      let root = try #require(Digest(head.root))
      #expect(try again.tree(of: log).root(size: 300) == root)
      again.close()
    }
  }

  @Test func `readers in the middle of a segment go on while it is replaced`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try StreamTreeTests.log(store, .disk)
    for index in 0..<2_000 { try log.append(bytes("value \(index)")) }
    try log.flush()
    var early = try log.makeReader()
    #expect(try early.records(max: 700).count == 700)
    let remote = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    var other = try remote.makeReader(of: StreamName("s"))
    #expect(try other.records(max: 10).count == 10)
    for offset in [5, 800, 1_999] as [UInt64] {
      try store.redact(Offset(rawValue: offset), in: log)
    }
    // What was not read yet is read once each; the open file may show what was taken out of it.
    for offsets in [
      try early.records(max: 5_000).map(\.offset.rawValue),
      try other.records(max: 5_000).map(\.offset.rawValue),
    ] {
      #expect(Set(offsets).count == offsets.count && offsets == offsets.sorted())
      #expect(Set(offsets).isSuperset(of: Set(700..<2_000).subtracting([800, 1_999])))
    }
    var fresh = try remote.makeReader(of: StreamName("s"))
    let seen = try fresh.records(max: 5_000).map(\.offset.rawValue)
    #expect(seen == (0..<2_000).filter { ![5, 800, 1_999].contains($0) })
    store.close()
  }
}
