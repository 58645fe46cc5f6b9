import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import LogFormat
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

@Suite struct SealAuditTests {
  private static let second: Int64 = 1_000_000_000
  private static let start: Int64 = 1_700_000_000
  private static let origin = "log.example/one"
  private static let first = SealKey(SecretKey(from: { 7 }))

  /// A store that is sealed with epochs of a minute, and a minute of grace.
  private struct Sealed {
    var rig: AuditRig
    let plan: SealPlan

    init(seed: UInt64 = 1) throws {
      rig = try AuditRig.store(count: 300, rounds: 1, seed: seed)
      let schedule = try #require(
        SealSchedule(startSeconds: start, epochSeconds: 60, graceSeconds: 60))
      plan = SealPlan(schedule: schedule, key: first)
      try rig.disk.makeDirectory(path: "/keys")
      try SealKeyFile.create("seal", in: "/keys", key: first, fileSystem: rig.disk)
    }

    /// Lets time pass, up to a second behind the start of the schedule.
    func wait(until second: Int64) {
      rig.time.setWallClock(Timestamp(rawValue: (start + second) * SealAuditTests.second))
    }

    func append(_ count: Int) throws {
      try rig.writing { store in
        let log = try store.stream(StreamName("s"))
        try AuditRig.append(count, to: log, seed: 9)
        try log.flush()
      }
    }

    /// Seals as `piperoll seal make` does.
    @discardableResult
    func seal() throws -> EpochSeal {
      var made: EpochSeal?
      try rig.writing { store in
        let file = try SealKeyFile(
          opening: "seal", in: "/keys", schedule: plan.schedule, fileSystem: rig.disk)
        made = try StoreSealer(store, origin: origin).seal(with: file, clock: rig.time)?.seal
      }
      return try #require(made)
    }

    /// States how far streams have come, without a seal.
    func stateHeads() throws { try rig.writing { _ = try $0.stateHeads() } }

    /// Puts a seal into the store that nobody made there.
    func put(_ seal: EpochSeal) throws { try rig.state([(0, .seal(seal))]) }

    /// A seal of the chain as it is at the last group, or of another.
    func made(
      at second: Int64, epoch: UInt64, by key: SealKey = first, origin: String = origin,
      of chain: HashChain? = nil
    ) throws -> EpochSeal {
      var known = HashChain()
      if let id = try evidenceID(), let last = try rig.groups(ofStream: id).last {
        known = HashChain(count: last.sequence, head: try #require(Digest(last.head)))
      }
      return key.advanced(to: epoch).seal(
        chain ?? known, of: SHA256.digest(Array(origin.utf8)),
        at: (start + second) * SealAuditTests.second)
    }

    func evidenceID() throws -> UInt64? {
      try rig.report().streams.first { $0.name == Statement.streamName }?.streamID
    }

    func report(_ change: (inout AuditOptions) -> Void = { _ in }) throws -> AuditReport {
      try rig.report { options in
        options.sealPlan = plan
        options.origin = origin
        options.now = (start + 100_000) * SealAuditTests.second
        change(&options)
      }
    }
  }

  private static func wrong(_ report: AuditReport) -> [Finding] {
    report.findings.filter { $0.severity == .broken }
  }

  @Test func `seals that were made in every epoch hold, and the report says how far they go`()
    throws
  {
    let store = try Sealed()
    try store.seal()
    for epoch in 1..<6 as Range<Int64> {
      store.wait(until: 60 * epoch + 30)
      try store.append(40)
      try store.seal()
    }
    let report = try store.report()
    #expect(report.verdict == .proven && report.findings.isEmpty, "\(described(report))")
    let seals = try #require(report.seals)
    #expect(seals.sealCount == 6 && seals.verifiedCount == 6 && seals.missingEpochCount == 0)
    #expect(seals.epochs == 0...5)
    #expect((seals.lastTime ?? 0) / Self.second == Self.start + 330)
    let evidence = try #require(report.streams.first { $0.name == Statement.streamName })
    // The last seal itself stands behind what it covers.
    #expect(seals.coveredOffset == evidence.nextOffset - 1)
    #expect(!report.unchecked.contains { $0.subject == .seals })
    let serial = try store.report { $0.chunkByteCount = 4_096 }
    #expect(serial.seals == report.seals && serial.findings == report.findings)
  }

  @Test func `without a key seals are counted, and what is missing is said`() throws {
    let store = try Sealed()
    #expect(try !store.rig.report().unchecked.contains { $0.subject == .seals })
    try store.seal()
    let plain = try store.rig.report()
    let entry = try #require(plain.unchecked.first { $0.subject == .seals })
    #expect(plain.seals == nil && plain.verdict == .proven && !entry.wasAskedFor)
    #expect(entry.reason.contains("1 seal;") && entry.reason.contains("origin"))
    for change in 0..<2 {
      let report = try store.report {
        if change == 0 { $0.origin = nil } else { $0.sealPlan?.key = nil }
      }
      #expect(report.seals == nil && report.verdict == .incomplete)
      #expect(report.unchecked.contains { $0.subject == .seals && $0.wasAskedFor })
    }
    // The name of a key does as well as an origin.
    let key = try AuditRig.signer(Self.origin)
    let named = try store.report {
      $0.origin = nil
      $0.keys = [key.verifier]
    }
    #expect(named.seals?.verifiedCount == 1)
  }

  @Test func `a seal by another key names its epoch and its statement`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 70)
    let other = SealKey(SecretKey(from: { 8 }))
    try store.put(try store.made(at: 70, epoch: 1, by: other))
    let report = try store.report()
    let finding = try #require(Self.wrong(report).first)
    #expect(Self.wrong(report).count == 1 && finding.rule == .wrongSeal, "\(described(report))")
    #expect(finding.message.contains("epoch 1"))
    let evidence = try #require(report.streams.first { $0.name == Statement.streamName })
    #expect(finding.place.offsets == (evidence.nextOffset - 1)..<evidence.nextOffset)
    #expect(report.seals?.sealCount == 2 && report.seals?.verifiedCount == 1)
  }

  @Test func `a seal of another log, of a wrong epoch or of the future does not hold`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 70)
    let seals = [
      try store.made(at: 70, epoch: 1, origin: "log.example/two"),
      try store.made(at: 10, epoch: 1), try store.made(at: 100_060, epoch: 1_667),
      try store.made(at: -5, epoch: 0),
    ]
    for seal in seals { try store.put(seal) }
    let report = try store.report()
    #expect(Self.wrong(report).map(\.rule) == seals.map { _ in .wrongSeal }, "\(described(report))")
    #expect(report.seals?.verifiedCount == 1)
  }

  @Test func `a wrong seal takes nothing from those behind it`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 70)
    try store.append(10)
    let other = SealKey(SecretKey(from: { 8 }))
    try store.put(
      try store.made(at: 70, epoch: 1, by: other, of: HashChain(count: 900, head: Digest())))
    try store.seal()
    store.wait(until: 130)
    try store.append(10)
    try store.seal()
    let report = try store.report()
    #expect(Self.wrong(report).map(\.rule) == [.wrongSeal], "\(described(report))")
    #expect(report.seals?.sealCount == 4 && report.seals?.verifiedCount == 3)
    #expect(report.seals?.epochs == 0...2 && report.seals?.missingEpochCount == 0)
    #expect(!report.unchecked.contains { $0.subject == .seals })
  }

  @Test func `an epoch without a seal is a warning, and nothing that was changed`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 310)
    try store.append(20)
    try store.seal()
    let report = try store.report()
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.findings.map(\.rule) == [.wrongSeal])
    #expect(report.findings.first?.message.contains("epochs 1 to 4") == true)
    #expect(report.seals?.missingEpochCount == 4 && report.seals?.epochs == 0...5)
  }

  @Test func `records that were sealed in a later epoch than their own are named`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 90)
    try store.append(30)
    let next = try #require(try store.rig.report().streams.first { $0.name == "s" }).nextOffset
    store.wait(until: 400)
    try store.seal()
    let report = try store.report()
    let late = Self.wrong(report)
    #expect(late.map(\.rule) == [.wrongSeal] && late.first?.place.streamName == "s")
    #expect(late.first?.place.offsets?.upperBound == next, "\(described(report))")
    #expect(late.first?.message.contains("epoch 6") == true)
    #expect(report.verdict == .broken)
  }

  @Test func `statements that were sealed in a later epoch than their own are named`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 90)
    try store.append(30)
    try store.stateHeads()
    store.wait(until: 400)
    try store.seal()
    store.wait(until: 470)
    try store.append(1)
    try store.seal()
    let report = try store.report()
    let late = Self.wrong(report)
    #expect(late.map(\.place.streamName) == ["s", Statement.streamName], "\(described(report))")
    #expect(late.allSatisfy { $0.rule == .wrongSeal })
    // The seals themselves are good, and those behind go on from them.
    #expect(report.seals?.verifiedCount == 3)
  }

  @Test func `a log that was made anew and sealed with the key of today shows that`() throws {
    let store = try Sealed()
    // Of ten epochs, none has its seal any more but the last, whose key the thief has.
    for epoch in 0..<10 as Range<Int64> {
      store.wait(until: 60 * epoch + 1)
      try store.append(10)
      try store.stateHeads()
    }
    store.wait(until: 615)
    try store.seal()
    let report = try store.report()
    #expect(report.verdict == .broken, "\(described(report))")
    #expect(Set(Self.wrong(report).map(\.place.streamName)) == ["s", Statement.streamName])
    #expect(report.seals?.missingEpochCount == 10)
  }

  @Test func `seals of another chain are those of a log that was rewritten`() throws {
    let original = try Sealed()
    var seals = [try original.seal()]
    original.wait(until: 70)
    try original.append(40)
    seals.append(try original.seal())
    // The same store with other records, and the seals that nobody can make any more.
    let forged = try Sealed(seed: 5)
    try forged.stateHeads()
    try forged.put(seals[0])
    let report = try forged.report()
    #expect(Self.wrong(report).map(\.rule) == [.rewritten], "\(described(report))")
    #expect(Self.wrong(report).first?.message.contains("epoch 0") == true)
    // Fewer groups than were sealed.
    try forged.put(try forged.made(at: 75, epoch: 1, of: HashChain(count: 77, head: Digest())))
    try forged.stateHeads()
    let cut = try forged.report()
    #expect(Self.wrong(cut).map(\.rule) == [.rewritten, .truncated], "\(described(cut))")
  }

  @Test func `statements behind the last seal tell that seals are missing`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 90)
    try store.append(10)
    try store.stateHeads()
    #expect(try store.report().findings.isEmpty)
    store.wait(until: 260)
    try store.append(10)
    try store.stateHeads()
    let report = try store.report()
    #expect(report.findings.map(\.severity) == [.warning], "\(described(report))")
    #expect(report.findings.first?.message.contains("epochs 1 to 3") == true)
    #expect(report.findings.first?.message.contains("cut off") == true)
  }

  @Test func `records from before the first epoch are not held against a seal`() throws {
    var store = try Sealed()
    let schedule = try #require(
      SealSchedule(startSeconds: Self.start + 6_000, epochSeconds: 60, graceSeconds: 60))
    store.wait(until: 6_010)
    try store.append(30)
    let plan = SealPlan(schedule: schedule, key: Self.first)
    try store.rig.writing { opened in
      let file = try SealKeyFile(
        opening: "seal", in: "/keys", schedule: schedule, fileSystem: store.rig.disk)
      _ = try StoreSealer(opened, origin: Self.origin).seal(with: file, clock: store.rig.time)
    }
    let report = try store.report { $0.sealPlan = plan }
    #expect(report.verdict == .proven && report.findings.isEmpty, "\(described(report))")
    store.rig = store.rig.copy()
    #expect(try store.report { $0.sealPlan = plan } == report)
  }

  @Test func `a store without seals and a file alone leave seals unchecked`() throws {
    let store = try Sealed()
    var report = try store.report()
    #expect(report.verdict == .incomplete && report.findings.isEmpty)
    try store.stateHeads()
    report = try store.report()
    #expect(report.verdict == .incomplete && report.seals?.sealCount == 0)
    let file = try #require(store.rig.segments(ofStream: 1).first)
    report = try store.report { $0.path = AuditRig.path + "/" + file }
    #expect(report.verdict == .incomplete)
    #expect(report.unchecked.contains { $0.subject == .seals && $0.wasAskedFor })
  }

  @Test func `so many wrong seals end the search for more`() throws {
    let store = try Sealed()
    try store.seal()
    store.wait(until: 70)
    let other = try store.made(at: 70, epoch: 1, by: SealKey(SecretKey(from: { 8 })))
    try store.rig.state((0..<150).map { _ in (0, .seal(other)) })
    let report = try store.report()
    #expect(Self.wrong(report).count == 100 && report.verdict == .broken)
    #expect(report.unchecked.contains { $0.subject == .seals && $0.wasAskedFor })
  }

  @Test func `a cut tail of a sealed store shows against an earlier audit`() throws {
    let store = try Sealed()
    try store.seal()
    var early = store
    early.rig = store.rig.copy()
    store.wait(until: 70)
    try store.append(40)
    try store.seal()
    let state = try #require(try store.rig.audit().state)
    let report = try early.report { $0.earlier = state }
    #expect(Self.wrong(report).contains { $0.rule == .truncated }, "\(described(report))")
  }
}
