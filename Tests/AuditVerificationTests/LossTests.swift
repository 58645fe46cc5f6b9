import ByteCoding
import CommitLog
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

/// Bytes and files that are gone, or that others stand in the place of.
@Suite struct LossTests {
  @Test func `a wiped stretch is one finding, and what is behind it is judged`() throws {
    let rig = try AuditRig.store(count: 900, rounds: 3)
    let frames = try EditTests.frames(rig)
    for index in [5, frames.count / 2] {
      let place = frames[index]
      let before = try rig.bytes(place.file)
      var bytes = before
      for byte in place.position..<(place.position + 400) { bytes[byte] = 0xee }
      try rig.replace(place.file, bytes)
      let report = try rig.report()
      #expect(report.findings.map(\.rule) == [.damagedBytes], "\(described(report))")
      let finding = try #require(report.findings.first)
      #expect(finding.place.offsets?.lowerBound == place.offsets.lowerBound)
      #expect(finding.place.position == UInt64(place.position) && finding.place.bit == nil)
      let stream = try #require(report.streams.first)
      #expect(stream.evidencedOffset <= place.offsets.lowerBound, "no further without a gap")
      #expect(stream.groupCount > 0, "the groups behind it hold")
      #expect(report.unchecked.contains { $0.subject == .removed })
      try rig.replace(place.file, before)
    }
  }

  @Test func `a segment that is gone is named with its records`() throws {
    let rig = try AuditRig.store(count: 900, rounds: 3)
    let files = rig.segments(ofStream: 1)
    for file in [files[0], files[1]] {
      let bytes = try rig.bytes(file)
      let header = try SegmentHeader(
        bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
      try rig.disk.removeFile(AuditRig.path + "/" + file)
      let report = try rig.report()
      #expect(report.findings.map(\.rule) == [.missingFile], "\(described(report))")
      #expect(report.findings.first?.place.file == file)
      #expect(report.findings.first?.place.offsets?.lowerBound == header.baseOffset.rawValue)
      try rig.replace(file, bytes)
    }
    #expect(try rig.report().verdict == .proven)
  }

  @Test func `segments that were exchanged are told by their headers`() throws {
    let rig = try AuditRig.store(count: 900, rounds: 3)
    let files = rig.segments(ofStream: 1)
    let (first, second) = (try rig.bytes(files[0]), try rig.bytes(files[1]))
    try rig.replace(files[0], second)
    try rig.replace(files[1], first)
    let report = try rig.report()
    #expect(report.findings.map(\.rule) == [.foreignFile, .foreignFile], "\(described(report))")
  }

  @Test func `a log of another store in the place of one is told by a held checkpoint`() throws {
    let rig = try AuditRig.store(count: 500, rounds: 2)
    let key = try AuditRig.signer()
    let held = try CheckpointAuditTests.checkpoints(rig, key)
    let other = try AuditRig.store(count: 400, rounds: 3, seed: 30)
    let report = try other.report {
      $0.checkpoints = held
      $0.keys = [key.verifier]
    }
    #expect(report.verdict == .broken)
    #expect(
      report.findings.allSatisfy { $0.rule == .rewritten || $0.rule == .truncated },
      "\(described(report))")
  }

  @Test func `whatever stands in the place of a file, an audit ends with findings`() throws {
    let rig = try AuditRig.store(streams: [("s", .tree), ("n", .none)], count: 400, rounds: 2)
    let random = SeededRandom(seed: 3)
    let names = rig.files.filter {
      $0 == "SUPER" || $0.hasPrefix("meta/") || $0.hasPrefix("s/")
    }
    let used = try Set(
      names.filter { name in
        let bytes = try rig.bytes(name)
        return name == "SUPER"
          || (try? SegmentHeader(bytes.rawSpan.extracting(0..<4_096), at: 0)) != nil
      })
    for name in names {
      let path = AuditRig.path + "/" + name
      let before = try rig.bytes(name)
      let noise = (0..<before.count).map { _ in UInt8(random.below(256)) }
      let forms: [(String, [UInt8])] = [
        ("empty", []), ("noise", noise), ("zeros", [UInt8](repeating: 0, count: before.count)),
        ("half", Array(before[..<(before.count / 2)])), ("short", Array(before[..<5_000])),
        ("other", try rig.bytes(names[0]) + [UInt8](repeating: 0, count: 20_000)),
      ]
      for (form, bytes) in forms where bytes != before {
        try rig.replace(name, bytes)
        let outcome = try rig.report()
        // The copies of the root are in its first 5,000 bytes.
        let isEnough = name == "SUPER" && (form == "short" || form == "other")
        if used.contains(name), form != "half" || name == "SUPER", !isEnough {
          #expect(outcome.verdict == .broken, "\(name) \(form)")
        }
      }
      try rig.disk.removeFile(path)
      let gone = try rig.report()
      if used.contains(name) { #expect(gone.verdict == .broken, "\(name) gone") }
      try rig.disk.placeDirectory(at: path)
      let folder = try rig.report()
      if used.contains(name) { #expect(folder.verdict == .broken, "\(name) is a folder") }
      try rig.disk.removeFile(path)
      try rig.replace(name, before)
    }
    #expect(try rig.report().verdict == .proven)
    #expect(rig.disk.openHandleCount == 0)
  }

  @Test func `a folder without a store is none`() throws {
    let rig = try AuditRig.store(count: 10)
    rig.disk.makeFolder("/data/nothing")
    #expect(throws: AuditError.notAStore(path: "/data/nothing")) {
      try rig.report { $0.path = "/data/nothing" }
    }
    #expect(throws: AuditError.notAStore(path: "/data/absent")) {
      try rig.report { $0.path = "/data/absent" }
    }
  }
}

extension SimulatedFileSystem {
  fileprivate func makeFolder(_ path: String) { try? placeDirectory(at: path) }
}
