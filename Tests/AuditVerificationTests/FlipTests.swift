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

/// Single flipped bits in every kind of file.
@Suite struct FlipTests {
  /// What a report must say of a bit.
  enum Expected {
    /// The bit by its number.
    case named
    /// Nothing, or no more than a warning: no structure covers it.
    case free
  }

  /// Every how many bits are tried; 1 for all.
  static let step = 7_001

  /// Bytes of a segment that some checksum covers: preamble and frames.
  static func covered(_ bytes: [UInt8]) throws -> [Range<Int>] {
    let header = try SegmentHeader(bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
    var ranges = SegmentLayout.headerPositions.map {
      Int($0)..<(Int($0) + SegmentHeader.byteCount)
    }
    for position in SegmentLayout.slotPositions {
      let range = Int(position)..<(Int(position) + RecoverySlot.byteCount)
      let sector = bytes.rawSpan.extracting(range)
      if (try? RecoverySlot(sector, salt: header.salt, at: position)) != nil {
        ranges.append(range)
      }
    }
    let reader = FrameReader(bytes.rawSpan, salt: header.salt, limits: FormatLimits())
    var position = UInt64(SegmentLayout.preambleByteCount)
    while true {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        let covered = Frame.coveredByteCount(frame.head.kind, length: Int(frame.head.length))
        ranges.append(Int(position)..<(Int(position) + covered))
        position = frame.end
      } catch {
        return ranges
      }
    }
  }

  static func ranges(_ rig: AuditRig, _ file: String) throws -> [Range<Int>] {
    if file == "SUPER" {
      return SuperBlock.positions.map { Int($0)..<(Int($0) + SuperBlock.byteCount) }
    }
    guard file.hasPrefix("s/") || file.hasPrefix("meta/") else { return [] }
    return (try? covered(rig.bytes(file))) ?? []
  }

  @Test(arguments: [EvidenceClass.tree, .chain])
  func `each flipped bit is found and named, where anything covers it`(_ evidence: EvidenceClass)
    throws
  {
    let rig = try AuditRig.store(streams: [("s", evidence)], count: 150, rounds: 2)
    var free = 0
    var tried = 0
    var place = 0
    for file in rig.files {
      let count = try rig.bytes(file).count
      let ranges = try Self.ranges(rig, file)
      while place < 8 * count {
        defer { place += Self.step }
        let (byte, bit) = (place / 8, place % 8)
        let isCovered = ranges.contains { $0.contains(byte) }
        // Outside of what counts one in a hundred is enough.
        if !isCovered, place / Self.step % 100 != 0 { continue }
        try rig.disk.flipBit(AuditRig.path + "/" + file, byte: byte, bit: bit)
        defer { try? rig.disk.flipBit(AuditRig.path + "/" + file, byte: byte, bit: bit) }
        let report = try rig.report()
        tried += 1
        guard isCovered else {
          free += 1
          #expect(report.verdict == .proven, "\(file) \(byte) \(bit)\n\(described(report))")
          continue
        }
        let broken = report.findings.filter { $0.severity == .broken }
        #expect(broken.count == 1, "\(file) \(byte) \(bit)\n\(described(report))")
        guard let finding = broken.first else { continue }
        #expect(finding.origin == .rot && finding.rule == .damagedBytes, "\(finding.message)")
        #expect(
          finding.place.file == file && finding.place.position == UInt64(byte)
            && finding.place.bit == bit, "\(file) \(byte) \(bit): \(finding.message)")
        for stream in report.streams { #expect(stream.evidencedOffset == stream.nextOffset) }
      }
      place -= 8 * count
    }
    #expect(tried > 25)
  }

  @Test func `bits in large frames are named as well`() throws {
    func noise(_ count: Int, _ random: SeededRandom) -> [UInt8] {
      (0..<count).map { _ in UInt8(random.below(256)) }
    }
    var rig = AuditRig()
    rig.options.stagingByteCount = 4 << 20
    try Store.create(at: AuditRig.path, options: rig.options, environment: rig.environment)
    try rig.writing { store in
      let log = try store.createStream(
        StreamName("s"), options: AuditRig.streamOptions(.tree, .disk, 4 << 20))
      var batch = BatchBuilder()
      for index in 0..<2_000 {
        let value = noise(150, SeededRandom(seed: UInt64(index)))
        try batch.append(value.rawSpan)
      }
      try log.append(batch)
      try log.append(noise(900_000, SeededRandom(seed: 9)))
    }
    let file = try #require(rig.files.first { $0.hasPrefix("s/") })
    let large = try Self.covered(rig.bytes(file)).filter { $0.count > 200_000 }
    #expect(large.map { $0.count > 500_000 } == [false, true])
    for range in large {
      for part in [0.03, 0.5, 0.9999] {
        let (byte, bit) = (range.lowerBound + Int(part * Double(range.count)), 5)
        try rig.disk.flipBit(AuditRig.path + "/" + file, byte: byte, bit: bit)
        let broken = try rig.report().findings.filter { $0.severity == .broken }
        try rig.disk.flipBit(AuditRig.path + "/" + file, byte: byte, bit: bit)
        #expect(broken.count == 1)
        let place = broken.first?.place
        #expect(place?.position == UInt64(byte) && place?.bit == bit)
        #expect(place?.offsets?.count == 1)
      }
    }
  }

  @Test func `bits of segment headers are found, of salt and checksum too`() throws {
    let rig = try AuditRig.store(count: 3, rounds: 1)
    let file = try #require(rig.files.first { $0.hasPrefix("s/") })
    let all = try rig.bytes(file)
    for position in SegmentLayout.headerPositions {
      let start = Int(position)
      let header = Array(all[start..<(start + SegmentHeader.byteCount)])
      var numbers = Array(stride(from: 0, to: 8 * header.count, by: 61))
      for place in [SegmentHeader.saltPosition, SegmentHeader.checksumPosition] {
        numbers += (8 * place)..<(8 * place + 64)
      }
      for number in numbers {
        var bytes = header
        bytes[number / 8] ^= 1 << UInt8(number % 8)
        var search = BitSearch()
        let flip = search.searchHeader(&bytes, at: position)
        #expect(flip == BitSearch.Flip(byte: number / 8, bit: number % 8) && bytes == header)
      }
      var bytes = header
      bytes[300] ^= 3
      let edited = bytes
      var search = BitSearch()
      #expect(search.searchHeader(&bytes, at: position) == nil && bytes == edited)
    }
  }

  @Test func `a frame that says to be shorter than its kind is none`() {
    var bytes = [UInt8](repeating: 1, count: 24)
    bytes.replaceSubrange(0..<8, with: [24, 0, 0, 0, FrameKind.gap.rawValue, 0, 0, 0])
    var search = BitSearch()
    #expect(search.searchFrame(&bytes, at: 16_384, salt: 1) == nil && search.wasExhaustive)
  }
}
