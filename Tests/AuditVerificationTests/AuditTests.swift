import CommitLog
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

@Suite struct AuditTests {
  @Test(arguments: everyClass)
  func `a sound store is proven, and all of its groups are made again`(_ durability: Durability)
    throws
  {
    let rig = try AuditRig.store(
      streams: [("a", .tree), ("b", .chain), ("c", .none)], count: 900, rounds: 3,
      durability: durability)
    let report = try rig.report()
    #expect(report.findings.isEmpty, "\(described(report))")
    #expect(report.verdict == .proven)
    #expect(report.streams.map(\.name) == ["a", "b", "c"])
    try rig.writing { store in
      for stream in report.streams {
        let log = try store.stream(StreamName(stream.name))
        #expect(stream.firstOffset == 0 && stream.nextOffset == log.logEndOffset.rawValue)
        guard stream.coverage != nil else { continue }
        let check = try log.checkEvidence()
        let head = try #require(log.evidenceHead)
        #expect(stream.groupCount == check.verifiedCount && stream.groupCount >= 3)
        #expect(stream.evidencedOffset == stream.nextOffset)
        #expect(stream.head == Digest(head.head)?.description)
        if stream.coverage == .tree { #expect(stream.root == Digest(head.root)?.description) }
      }
    }
    #expect(report.unchecked.map(\.subject).contains(.unprotected))
    #expect(report.unchecked.map(\.subject).contains(.checkpoint))
    #expect(report.unchecked.map(\.subject).contains(.history))
    #expect(rig.disk.openHandleCount == 0)
  }

  @Test(
    arguments: [(1, 256), (1, 4_096), (3, 1_000), (4, 30_000), (2, 1 << 20)], [0, 300, 1 << 16])
  func `stretches, threads and memory change nothing in a report`(
    _ form: (workers: Int, byteCount: Int), _ leafLimit: Int
  ) throws {
    let rig = try AuditRig.store(
      streams: [("a", .tree), ("b", .chain), ("c", .none)], count: 3_000,
      segmentByteCount: 256 << 10)
    let whole = try rig.report()
    #expect(whole.verdict == .proven, "\(described(whole))")
    let report = try rig.report {
      $0.workerCount = form.workers
      $0.chunkByteCount = form.byteCount
      $0.keptLeafLimit = leafLimit
    }
    #expect(report == whole, "\(described(report))")
  }
}
