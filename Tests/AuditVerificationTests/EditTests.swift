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

/// What somebody does to a store who makes checksums anew.
@Suite struct EditTests {
  /// A frame in a file.
  struct Place {
    let file: String
    let position: Int
    let head: FrameHead
    let offsets: Range<UInt64>
  }

  /// Frames with records, with room to change a value in.
  static func frames(_ rig: AuditRig, minimum: Int = 60) throws -> [Place] {
    var places: [Place] = []
    for file in rig.segments(ofStream: 1) {
      let bytes = try rig.bytes(file)
      guard
        let header = try? SegmentHeader(
          bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
      else { continue }
      let reader = FrameReader(bytes.rawSpan, salt: header.salt, limits: FormatLimits())
      var position = UInt64(SegmentLayout.preambleByteCount)
      while let frame = try? reader.frame(at: position, verifying: true) {
        if frame.head.kind == .soloRecord, Int(frame.head.length) >= minimum {
          let offset = try SoloRecord.view(frame.bytes, head: frame.head).offset.rawValue
          places.append(
            Place(
              file: file, position: Int(position), head: frame.head, offsets: offset..<(offset + 1))
          )
        }
        position = frame.end
      }
    }
    return places
  }

  /// Changes bytes of a frame and makes its checksum anew.
  static func edit(_ rig: AuditRig, _ place: Place, _ body: (inout [UInt8]) -> Void) throws {
    var bytes = try rig.bytes(place.file)
    let salt = try SegmentHeader(bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0).salt
    let range = place.position..<(place.position + Int(place.head.length))
    var frame = Array(bytes[range])
    body(&frame)
    let word = frame.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
    let content = FrameChecksum.content(frame.rawSpan.extracting(16..<frame.count))
    let checksum =
      content ^ FrameChecksum.place(salt: salt, position: UInt64(place.position), word: word)
    for index in 0..<8 {
      frame[8 + index] = UInt8(truncatingIfNeeded: checksum >> UInt64(8 * index))
    }
    bytes.replaceSubrange(range, with: frame)
    try rig.replace(place.file, bytes)
  }

  @Test(arguments: [EvidenceClass.tree, .chain])
  func `a flipped bit under a checksum made anew is found by chain and tree`(
    _ evidence: EvidenceClass
  ) throws {
    let rig = try AuditRig.store(streams: [("s", evidence)], count: 300, rounds: 2)
    let frames = try Self.frames(rig)
    for place in [frames[0], frames[frames.count / 2], frames[frames.count - 1]] {
      let before = try rig.bytes(place.file)
      let last = Int(place.head.length) - 1
      try Self.edit(rig, place) { $0[last] ^= 0x10 }
      let report = try rig.report()
      #expect(report.findings.count == 1, "\(described(report))")
      let finding = try #require(report.findings.first)
      #expect(finding.rule == .changedRecords && finding.origin == .rot, "\(finding.message)")
      #expect(finding.place.offsets == place.offsets && finding.place.bit == 4)
      #expect(finding.place.position == UInt64(place.position + last))
      #expect(finding.place.file == place.file)
      try rig.replace(place.file, before)
    }
    #expect(try rig.report().verdict == .proven)
  }

  @Test(arguments: [EvidenceClass.tree, .chain])
  func `a record that was edited is told from rot, and its block is named`(
    _ evidence: EvidenceClass
  ) throws {
    let rig = try AuditRig.store(streams: [("s", evidence)], count: 700, rounds: 1)
    let frames = try Self.frames(rig)
    let place = frames[frames.count / 2]
    try Self.edit(rig, place) { frame in
      for index in 1...6 { frame[frame.count - index] ^= 0x5a }
    }
    let report = try rig.report()
    #expect(report.findings.map(\.rule) == [.changedRecords], "\(described(report))")
    let finding = try #require(report.findings.first)
    #expect(finding.place.offsets?.contains(place.offsets.lowerBound) == true)
    if evidence == .tree {
      #expect(finding.origin == .edit, "\(finding.message)")
      #expect(finding.place.offsets?.count ?? 999 <= 256)
    }
    #expect(report.verdict == .broken)
  }

  @Test func `an integrity frame whose fields were changed is found alone`() throws {
    let rig = try AuditRig.store(count: 700, rounds: 2)
    for file in rig.segments(ofStream: 1) {
      let before = try rig.bytes(file)
      guard
        let header = try? SegmentHeader(
          before.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
      else { continue }
      let reader = FrameReader(before.rawSpan, salt: header.salt, limits: FormatLimits())
      var position = UInt64(SegmentLayout.preambleByteCount)
      while let frame = try? reader.frame(at: position, verifying: true) {
        defer { position = frame.end }
        guard frame.head.kind == .integrity else { continue }
        let place = Place(file: file, position: Int(position), head: frame.head, offsets: 0..<0)
        // Number of records, append time, root, head before, head.
        for byte in [56, 40, 80, 110, 140] {
          try Self.edit(rig, place) { $0[byte] ^= 1 }
          let report = try rig.report()
          #expect(report.verdict == .broken, "byte \(byte)")
          #expect(report.findings.allSatisfy { $0.rule != .changedRecords }, "\(described(report))")
          #expect(report.findings.count == 1, "byte \(byte)\n\(described(report))")
          try rig.replace(file, before)
        }
      }
    }
  }

  @Test func `rows of an index that lead elsewhere are named`() throws {
    let rig = try AuditRig.store(streams: [("s", .tree), ("n", .none)], count: 0, rounds: 1)
    try rig.writing { store in
      for name in ["s", "n"] {
        let log = try store.stream(StreamName(name))
        for index in 0..<2_000 { try log.append([UInt8](repeating: UInt8(index % 251), count: 60)) }
        try log.flush()
      }
    }
    var tried = 0
    for stream in [1, 2] as [UInt64] {
      for file in rig.segments(ofStream: stream) {
        let before = try rig.bytes(file)
        guard
          let header = try? SegmentHeader(
            before.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
        else { continue }
        let reader = FrameReader(before.rawSpan, salt: header.salt, limits: FormatLimits())
        var position = UInt64(SegmentLayout.preambleByteCount)
        while let frame = try? reader.frame(at: position, verifying: true) {
          defer { position = frame.end }
          guard frame.head.kind == .seal else { continue }
          tried += 1
          let place = Place(file: file, position: Int(position), head: frame.head, offsets: 0..<0)
          let rows = try SealBlock(frame.bytes, at: position, limits: FormatLimits()).rows.count
          guard rows >= 2 else { continue }
          let allowed: Set<Finding.Rule> = [.wrongIndex, .contradiction]
          // The offset of the last row; the record count; the first append time.
          for byte in [128 + 4 * (rows - 1), 32, 72] {
            try Self.edit(rig, place) { $0[byte] ^= 1 }
            let report = try rig.report()
            #expect(
              report.findings.count == 1
                && report.findings.allSatisfy { allowed.contains($0.rule) },
              "\(byte): \(described(report))")
            try rig.replace(file, before)
          }
        }
      }
    }
    #expect(tried >= 2)
  }
}
