import CommitLog
import Cryptography
import Integrity
import LogFormat
import Quantities
import Testing

@testable import AuditVerification

/// Audits of stores that the content of records was taken out of.
@Suite struct RedactionTests {
  /// A store of which some records are redacted, those in the segment that takes appends among them.
  private static func rig(
    _ durability: Durability, _ evidence: EvidenceClass, _ offsets: [UInt64]
  ) throws -> AuditRig {
    let rig = try AuditRig.store(streams: [("s", evidence)], durability: durability)
    try rig.writing { store in
      let log = try store.stream(StreamName("s"))
      let leaves = try AuditRig.leaves(log)
      _ = try store.stateHeads()
      for offset in offsets {
        // The next record, where the offset has none.
        let place = leaves[Int(offset)...].first { $0.kind == .record }
        let record = try #require(place).offset
        try store.redact(Offset(rawValue: record), in: log, reason: "a name")
      }
      try AuditRig.append(40, to: log, seed: 9)
      try log.flush()
      _ = try store.stateHeads()
    }
    return rig
  }

  @Test(arguments: everyClass, [EvidenceClass.chain, .tree])
  func `a store with redactions is proven and lists them`(
    _ durability: Durability, _ evidence: EvidenceClass
  ) throws {
    let rig = try Self.rig(durability, evidence, [0, 300, 330, 700, 1_190])
    let report = try rig.report()
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.events.map(\.kind) == Array(repeating: "redaction", count: 5))
    let stream = try #require(report.streams.first { $0.name == "s" })
    #expect(stream.evidencedOffset == stream.nextOffset && stream.nextOffset > 1_240)
    #expect(stream.groupCount > 0)
  }

  @Test(arguments: [EvidenceClass.chain, .tree])
  func `a record that was taken out without a word is missed`(_ evidence: EvidenceClass) throws {
    let rig = try Self.rig(.disk, evidence, [300])
    // The same store, but for what it says of itself.
    let silent = rig.copy()
    for file in silent.segments(ofStream: 2) {
      try silent.replace(file, [UInt8](repeating: 0, count: try silent.bytes(file).count))
    }
    let report = try silent.report()
    #expect(report.verdict == .broken)
    #expect(
      report.findings.contains { $0.rule == .changedRecords && $0.place.streamName == "s" },
      "\(described(report))")
  }

  @Test func `a redaction with another leaf than the record had is false`() throws {
    let rig = try AuditRig.store()
    var leaf: RecordLeaf?
    try rig.writing { store in
      let log = try store.stream(StreamName("s"))
      leaf = try AuditRig.leaves(log).first { $0.kind == .record && $0.offset > 300 }
    }
    var other = try #require(leaf)
    other.commitment = SHA256.digest([1])
    // Stated first, it is what counts.
    try rig.state([(1, .redaction(RecordRedaction(time: 8, leaf: other, reason: "")))])
    try rig.writing { store in
      try store.redact(Offset(rawValue: other.offset), in: try store.stream(StreamName("s")))
    }
    let report = try rig.report()
    #expect(report.verdict == .broken)
    #expect(
      report.findings.contains {
        $0.rule == .changedRecords && $0.place.offsets?.contains(other.offset) == true
      }, "\(described(report))")
  }
}
