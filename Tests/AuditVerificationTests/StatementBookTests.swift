import ByteCoding
import CommitLog
import Cryptography
import Integrity
import LogFormat
import Quantities
import Testing

@testable import AuditVerification

/// Stores that say something of themselves.
@Suite struct StatementBookTests {
  /// A store with a stream of several segments and groups, and its heads stated.
  struct Stated {
    let rig: AuditRig
    let leaves: [Digest]
    let groups: [IntegrityFrame]
    let bases: [UInt64]

    init(_ evidence: EvidenceClass) throws {
      let rig = try AuditRig.store(streams: [("s", evidence)], count: 900, rounds: 3)
      self.rig = rig
      groups = try rig.groups(ofStream: 1)
      var leaves: [Digest] = []
      try rig.writing { store in
        let log = try store.stream(StreamName("s"))
        leaves = try AuditRig.leaves(log).map { MerkleTree.leafHash($0.encoded) }
      }
      self.leaves = leaves
      bases = try rig.segments(ofStream: 1).compactMap { file in
        let bytes = try rig.bytes(file)
        let header = try? SegmentHeader(
          bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
        return header?.baseOffset.rawValue
      }.sorted()
    }

    var allHeads: [(streamID: UInt64, content: Statement.Content)] {
      groups.map { (1, .heads(AuditRig.heads($0, name: "s"))) }
    }
  }

  @Test(arguments: [EvidenceClass.tree, .chain])
  func `heads that a store stated are those of its streams`(_ evidence: EvidenceClass) throws {
    let stated = try Stated(evidence)
    try stated.rig.state(stated.allHeads)
    let report = try stated.rig.report()
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.streams.count == 2)
  }

  @Test func `heads of which one is another are told from heads that are both others`() throws {
    for change in 0..<3 {
      let stated = try Stated(.tree)
      var heads = AuditRig.heads(stated.groups[1], name: "s")
      if change != 1 { heads.head = SHA256.digest([1]) }
      if change != 0 { heads.root = SHA256.digest([2]) }
      let statements = stated.allHeads
      try stated.rig.state([statements[0], (1, .heads(heads)), statements[2]])
      let report = try stated.rig.report()
      #expect(report.verdict == .broken && report.findings.count == 1, "\(described(report))")
      #expect(report.findings.first?.rule == (change == 2 ? .falseStatement : .unboundHeads))
    }
  }

  @Test func `a stream that was rewritten since its heads were stated is named once`() throws {
    let stated = try Stated(.tree)
    var statements = stated.allHeads
    for index in 1..<statements.count {
      guard case .heads(var heads) = statements[index].content else { continue }
      (heads.head, heads.root) = (SHA256.digest([1]), SHA256.digest([2]))
      statements[index].content = .heads(heads)
    }
    try stated.rig.state(statements)
    let report = try stated.rig.report()
    #expect(report.findings.map(\.rule) == [.rewritten], "\(described(report))")
    #expect(
      report.findings.first?.place.offsets?.lowerBound == stated.groups[0].nextOffset.rawValue)
  }

  @Test func `a stream that ends before its stated heads is truncated`() throws {
    let stated = try Stated(.tree)
    var heads = AuditRig.heads(try #require(stated.groups.last), name: "s")
    heads.groupCount += 1
    heads.nextOffset += 500
    try stated.rig.state([(1, .heads(heads))])
    let report = try stated.rig.report()
    #expect(report.findings.map(\.rule) == [.truncated], "\(described(report))")
  }

  @Test(arguments: [EvidenceClass.tree, .chain], [false, true])
  func `a removal that is stated keeps the rest as provable as it was`(
    _ evidence: EvidenceClass, _ isInTwo: Bool
  ) throws {
    let stated = try Stated(evidence)
    let coverage: EvidenceCoverage = evidence == .tree ? .tree : .chain
    let base = try #require(stated.bases.dropFirst(2).first)
    try stated.rig.writing { store in
      let log = try store.stream(StreamName("s"))
      #expect(try log.removeSegments(before: Offset(rawValue: base)).removed == 2)
    }
    let unexplained = try stated.rig.report()
    #expect(unexplained.findings.map(\.rule) == [.missingRecords], "\(described(unexplained))")
    #expect(unexplained.findings.first?.place.offsets == 0..<base)

    var statements = [stated.allHeads[0]]
    let sizes: Set<UInt64> = [stated.groups[0].nextOffset.rawValue]
    for range in isInTwo ? [0..<stated.bases[1], stated.bases[1]..<base] : [0..<base] {
      statements.append(
        (
          1,
          .removal(
            AuditRig.removal(
              range, leaves: stated.leaves, groups: stated.groups, coverage: coverage,
              statedSizes: sizes))
        ))
    }
    try stated.rig.state(statements + stated.allHeads.dropFirst())
    let report = try stated.rig.report()
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.events.map(\.kind) == statements.dropFirst().map { _ in "removal" })
    #expect(report.events.last?.offsets.upperBound == base && report.events.last?.cause == "age")
    let stream = try #require(report.streams.first)
    #expect(stream.firstOffset == base && stream.evidencedOffset == stream.nextOffset)
  }

  @Test func `a hash that a removal kept falsely leads to no root`() throws {
    let stated = try Stated(.tree)
    let base = try #require(stated.bases.dropFirst(1).first)
    try stated.rig.writing { store in
      let log = try store.stream(StreamName("s"))
      #expect(try log.removeSegments(before: Offset(rawValue: base)).removed == 1)
    }
    var removal = AuditRig.removal(
      0..<base, leaves: stated.leaves, groups: stated.groups, coverage: .tree)
    removal.hashes[0] = SHA256.digest([3])
    try stated.rig.state([(1, .removal(removal))])
    let report = try stated.rig.report()
    #expect(report.verdict == .broken, "\(described(report))")
    #expect(report.findings.allSatisfy { $0.rule == .changedRecords }, "\(described(report))")
  }

  @Test func `erasures and redactions are listed with their reasons`() throws {
    let stated = try Stated(.tree)
    var leaves: [RecordLeaf] = []
    try stated.rig.writing { leaves = try AuditRig.leaves(try $0.stream(StreamName("s"))) }
    try stated.rig.state([
      (0, .erasure(SubjectErasure(time: 7, subjectCode: SHA256.digest([9]), reason: "asked for"))),
      (1, .redaction(RecordRedaction(time: 8, leaf: leaves[3], reason: "a secret"))),
    ])
    let report = try stated.rig.report()
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.events.map(\.kind) == ["erasure", "redaction"])
    #expect(report.events.map(\.reason) == ["asked for", "a secret"])
    #expect(report.events[1].offsets == 3..<4 && report.events[1].streamName == "s")
  }
}
