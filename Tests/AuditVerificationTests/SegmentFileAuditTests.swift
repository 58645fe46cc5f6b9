import ByteCoding
import CommitLog
import Cryptography
import Integrity
import LogFormat
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

@Suite struct SegmentFileAuditTests {
  @Test(arguments: [EvidenceClass.tree, .chain, .none])
  func `each file of a stream is audited alone`(_ evidence: EvidenceClass) throws {
    let rig = try AuditRig.store(streams: [("s", evidence)], count: 250, rounds: 9)
    var next: UInt64 = 0
    var groupCount: UInt64 = 0
    for file in rig.segments(ofStream: 1) {
      let bytes = try rig.bytes(file)
      guard
        let header = try? SegmentHeader(
          bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
      else { continue }
      let report = try rig.report { $0.path = AuditRig.path + "/" + file }
      #expect(report.verdict == .proven, "\(described(report))")
      #expect(report.unchecked.contains { $0.subject == .store })
      let stream = try #require(report.streams.first)
      #expect(stream.firstOffset == header.baseOffset.rawValue && stream.streamID == 1)
      #expect(stream.firstOffset == next && stream.nextOffset > next)
      next = stream.nextOffset
      groupCount += stream.groupCount
    }
    #expect(next > 2_000 && (evidence != .none) == (groupCount > 0))
  }

  @Test func `a flipped bit in a file alone is named`() throws {
    let rig = try AuditRig.store(count: 900, rounds: 2)
    let file = rig.segments(ofStream: 1)[1]
    for byte in [20, 13_000, 16_500, 40_000] {
      let path = AuditRig.path + "/" + file
      try rig.disk.flipBit(path, byte: byte, bit: 3)
      let report = try rig.report { $0.path = path }
      try rig.disk.flipBit(path, byte: byte, bit: 3)
      #expect(report.findings.count == 1, "\(byte): \(described(report))")
      #expect(report.findings.first?.place.position == UInt64(byte))
      #expect(report.findings.first?.place.bit == 3 && report.verdict == .broken)
    }
  }

  @Test func `a sealed file that lost its preamble is found by its trailer`() throws {
    let rig = try AuditRig.store(count: 900, rounds: 2)
    let file = rig.segments(ofStream: 1)[0]
    var bytes = try rig.bytes(file)
    for index in 0..<SegmentLayout.preambleByteCount { bytes[index] = 0x77 }
    try rig.replace(file, bytes)
    let report = try rig.report { $0.path = AuditRig.path + "/" + file }
    #expect(report.verdict == .broken && report.streams.first?.recordCount ?? 0 > 100)
    #expect(report.findings.allSatisfy { $0.place.position ?? 0 < 16_384 }, "\(described(report))")
    #expect(throws: AuditError.self) {
      try rig.report { $0.path = AuditRig.path + "/SUPER" }
    }
  }
}
