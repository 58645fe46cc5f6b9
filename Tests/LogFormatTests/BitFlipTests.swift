import ByteCoding
import LogFormat
import TestSupport
import Testing

@Suite struct BitFlipTests {
  /// Calls `check` with every one-bit change of `bytes[range]`.
  static func flips(_ bytes: [UInt8], in range: Range<Int>, _ check: (Int, [UInt8]) throws -> Void)
    rethrows
  {
    var copy = bytes
    for index in range {
      for bit in 0..<8 {
        copy[index] ^= UInt8(1 << bit)
        try check(index, copy)
        copy[index] = bytes[index]
      }
    }
  }

  static func fails(_ body: () throws -> Void) -> Bool {
    do { try body() } catch { return true }
    return false
  }

  @Test func `every flipped bit of a superblock, slot and trailer is an error`() {
    let block = Samples.superblock.encoded(at: 4_096)
    Self.flips(block, in: 0..<block.count) { index, bytes in
      #expect(Self.fails { _ = try SuperBlock(bytes.rawSpan, at: 4_096) }, "byte \(index)")
    }
    let slot = Samples.slot.encoded(salt: Samples.salt, at: 4_096)
    Self.flips(slot, in: 0..<slot.count) { index, bytes in
      let failed = Self.fails {
        _ = try RecoverySlot(bytes.rawSpan, salt: Samples.salt, at: 4_096)
      }
      #expect(failed, "byte \(index)")
    }
    let seal = Samples.seal.encoded(segmentID: 1, salt: Samples.salt, at: Samples.laterPosition)
    let trailer = Array(seal.suffix(64))
    Self.flips(trailer, in: 0..<64) { index, bytes in
      #expect(Self.fails { _ = try SealTrailer(bytes.rawSpan) }, "byte \(index)")
    }
  }

  @Test func `every flipped bit of a segment header is an error`() {
    let header = Samples.header.encoded(at: 12_288)
    var failures = 0
    Self.flips(header, in: 0..<header.count) { _, bytes in
      if Self.fails({ _ = try SegmentHeader(bytes.rawSpan, at: 12_288) }) { failures += 1 }
    }
    #expect(failures == header.count * 8)
  }

  /// Frames of a segment one after the other; the length of a frame that counts, and the length
  /// behind which its bytes are free space.
  @Test func `every flipped bit of a frame is an error and of free space changes nothing`() throws {
    let builder = try Samples.segment()
    let file = builder.file(count: Int(builder.position) + 64)
    let reader = FrameReader(file.rawSpan, salt: builder.header.salt, limits: FormatLimits())
    let intact = SegmentWalk(file, salt: builder.header.salt)
    for (start, kind) in builder.frames {
      let frame = try reader.frame(at: start, verifying: true)
      let covered =
        switch FrameKind(rawValue: kind) {
        case .padding: 16
        case .gap: 32
        default: frame.bytes.byteCount
        }
      var unseen = 0
      Self.flips(file, in: Int(start)..<Int(start) + covered) { _, bytes in
        let changed = FrameReader(
          bytes.rawSpan, salt: builder.header.salt, limits: FormatLimits())
        if !Self.fails({ _ = try changed.frame(at: start, verifying: true) }) { unseen += 1 }
      }
      #expect(unseen == 0, "kind \(kind) at \(start)")
      let free = Int(start) + covered..<Int(frame.end)
      var copy = file
      for index in free { copy[index] ^= 0xff }
      let walk = SegmentWalk(copy, salt: builder.header.salt)
      #expect(walk.records == intact.records, "kind \(kind) at \(start)")
      #expect(walk.end == intact.end)
    }
  }

  @Test func `a frame at another place or of another salt is damaged`() throws {
    let builder = try Samples.segment()
    let file = builder.file()
    let start = try #require(builder.frames.first?.position)
    let end = builder.frames[1].position
    let moved =
      Array(file[..<Int(end)]) + file[Int(start)..<Int(end)]
    let reader = FrameReader(moved.rawSpan, salt: builder.header.salt, limits: FormatLimits())
    #expect(throws: FormatError.damaged(.frame, .checksum)) {
      _ = try reader.frame(at: end, verifying: true).position
    }
    let other = FrameReader(file.rawSpan, salt: 1, limits: FormatLimits())
    #expect(throws: FormatError.damaged(.frame, .checksum)) {
      _ = try other.frame(at: start, verifying: true).position
    }
  }
}
