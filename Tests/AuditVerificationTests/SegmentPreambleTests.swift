import ByteCoding
import CommitLog
import LogFormat
import Quantities
import Testing

@testable import AuditVerification

/// Copies of segment headers that hold and stand in the wrong place.
@Suite struct SegmentPreambleTests {
  private static let pageByteCount = SegmentHeader.byteCount

  /// Expects that one page of a file is named, and nothing else taken for sound.
  private static func expectNamed(_ rig: AuditRig, _ file: String, _ position: Int) throws {
    let report = try rig.report()
    #expect(report.verdict == .broken, "\(file) at \(position): \(described(report))")
    let isNamed = report.findings.contains { finding in
      finding.place.file == file && finding.severity == .broken
        && (finding.place.position == UInt64(position) || finding.rule == .foreignFile)
    }
    #expect(isNamed, "\(file) at \(position): \(described(report))")
  }

  @Test func `a header of any other segment is named, whatever copy it stands in for`() throws {
    let rig = try AuditRig.store(
      streams: [("tree", .tree), ("chain", .chain), ("plain", .none)], count: 300)
    let files = rig.files.filter { $0.hasPrefix("s/") || $0.hasPrefix("meta/") }
    #expect(files.contains { $0.hasSuffix(".mir") } && files.count > 6)
    var count = 0
    for target in files {
      let bytes = try rig.bytes(target)
      for source in files where source != target {
        let other = try rig.bytes(source)
        for position in SegmentLayout.headerPositions.map({ Int($0) }) {
          let page = position..<(position + Self.pageByteCount)
          // Both copies of the manifest have one header; files that wait to be used have none.
          guard bytes[page] != other[page], !bytes.rawSpan.extracting(page).isAllZero,
            !other.rawSpan.extracting(page).isAllZero
          else { continue }
          let copy = rig.copy()
          var changed = bytes
          changed.replaceSubrange(page, with: other[page])
          try copy.replace(target, changed)
          try Self.expectNamed(copy, target, position)
          count += 1
        }
      }
    }
    #expect(count > 30)
  }

  @Test(arguments: [".seg", ".mir"])
  func `a header of another manifest of the same store is named`(_ ending: String) throws {
    let rig = try AuditRig.store()
    let file = try #require(rig.files.first { $0.hasPrefix("meta/") && $0.hasSuffix(ending) })
    let bytes = try rig.bytes(file)
    for position in SegmentLayout.headerPositions {
      let page = Int(position)..<(Int(position) + Self.pageByteCount)
      let header = try SegmentHeader(bytes.rawSpan.extracting(page), at: position)
      var others = [header, header, header]
      others[0].segmentID += 1
      others[1].salt ^= 1
      others[2].streamID = 1
      for other in others {
        let copy = rig.copy()
        var changed = bytes
        changed.replaceSubrange(page, with: other.encoded(at: position)[..<Self.pageByteCount])
        try copy.replace(file, changed)
        try Self.expectNamed(copy, file, Int(position))
      }
    }
  }
}
