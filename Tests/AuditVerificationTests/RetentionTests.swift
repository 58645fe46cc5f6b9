import CommitLog
import LogFormat
import Quantities
import Testing

@testable import AuditVerification

/// Audits of stores that policies removed records from.
@Suite struct RetentionTests {
  @Test(arguments: everyClass, [EvidenceClass.chain, .tree])
  func `what policies remove is proven and listed with its bound`(
    _ durability: Durability, _ evidence: EvidenceClass
  ) throws {
    var rig = AuditRig()
    rig.keepsStatements = true
    try Store.create(at: AuditRig.path, options: rig.options, environment: rig.environment)
    var removed = 0
    try rig.writing { store in
      var options = AuditRig.streamOptions(evidence)
      options.durability = durability
      let log = try store.createStream(StreamName("s"), options: options)
      try AuditRig.append(900, to: log, seed: 7)
      try log.flush()
      _ = try store.stateHeads()
      var policy = RetentionPolicy()
      policy.maximumRecordCount = 100
      policy.cursorNames = ["trainer"]
      policy.acknowledgement = .decides
      try log.setRetention(policy)
      try log.setCursor("trainer", to: log.logEndOffset)
      try store.placeHold("case", reason: "a letter", offsets: log.logEndOffset ..< .maximum)
      for round in 0..<3 as Range<UInt64> {
        try AuditRig.append(400, to: log, seed: round)
        try log.flush()
        try log.setCursor("trainer", to: log.logEndOffset)
        removed += try log.applyRetention().removals.count
      }
      try store.releaseHold("case")
      removed += try log.applyRetention().removals.count
      _ = try store.stateHeads()
    }
    #expect(removed > 0)
    let report = try rig.report()
    #expect(report.verdict == .proven, "\(described(report))")
    #expect(report.events.filter { $0.kind == "removal" }.count >= removed)
    #expect(report.streams.contains { $0.name == "piperoll.cursors" })
  }
}
