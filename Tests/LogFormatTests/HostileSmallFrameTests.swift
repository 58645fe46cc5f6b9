import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

/// Index, state, gap, control, commit and seal frames behind correct checksums.
@Suite struct HostileSmallFrameTests {
  typealias Frames = HostileFrameTests
  static let later = Samples.laterPosition
  static let hugeCounts: [UInt64] = [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 1, 3]

  static func expect(
    _ error: FormatError, _ frame: [UInt8], _ field: Int, _ size: Int, _ value: UInt64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    Frames.expect(
      error, Frames.forged(frame, field, size, value, at: later), at: later,
      sourceLocation: sourceLocation)
  }

  @Test func `index rows stay behind the preamble, before their frame and in order`() {
    let frame = Samples.index.encoded(salt: Frames.salt, at: Self.later)
    for count in Self.hugeCounts { Self.expect(.damaged(.indexFrame, .count), frame, 24, 4, count) }
    Self.expect(.newer(.indexFrame, .reserved), frame, 28, 4, 1)
    for link in [Self.later, Self.later + 8, .max, 8, 16_376, 16_385] {
      Self.expect(.damaged(.indexFrame, .position), frame, 16, 8, link)
    }
    for words in [0, 2_047, Self.later / 8, 0xffff_ffff] {
      Self.expect(.damaged(.indexFrame, .position), frame, 36, 4, words)
    }
    Self.expect(.damaged(.indexFrame, .order), frame, 36, 4, 2_050)
    Self.expect(.damaged(.indexFrame, .order), frame, 36, 4, 2_051)
    Self.expect(.damaged(.indexFrame, .order), frame, 32, 4, 13)
  }

  @Test func `groups of chain and tree have the counts that follow from their offsets`() {
    let frame = Samples.integrity.encoded(salt: Frames.salt, at: Self.later)
    for number in [0, 1 << 63, .max] as [UInt64] {
      Self.expect(.damaged(.integrityFrame, .count), frame, 16, 8, number)
    }
    for first in [1_026, 1_027, .max] as [UInt64] {
      Self.expect(.damaged(.integrityFrame, .offset), frame, 24, 8, first)
    }
    for next in [0, 1_000, 1 << 63, .max] as [UInt64] {
      Self.expect(.damaged(.integrityFrame, .offset), frame, 32, 8, next)
    }
    Self.expect(.damaged(.integrityFrame, .count), frame, 32, 8, 1_027)
    Self.expect(.damaged(.integrityFrame, .count), frame, 24, 8, 10)
    Self.expect(.damaged(.integrityFrame, .count), frame, 56, 8, 27)
    for leaves in [0, 26, 1_025, .max] as [UInt64] {
      Self.expect(.damaged(.integrityFrame, .count), frame, 64, 8, leaves)
    }
    Self.expect(.damaged(.integrityFrame, .count), frame, 168, 1, 0)
    Self.expect(.damaged(.integrityFrame, .count), frame, 168, 1, 1)
    Self.expect(.newer(.integrityFrame, .kind), frame, 168, 1, 3)
    Self.expect(.newer(.integrityFrame, .reserved), frame, 169, 3, 1)
    for count in Self.hugeCounts where count != 3 {
      Self.expect(.damaged(.integrityFrame, .count), frame, 172, 4, count)
    }
  }

  @Test func `state entries are bounded and ascend`() throws {
    let frame = Samples.state.encoded(salt: Frames.salt, at: Self.later)
    for link in [Self.later, .max, 8, 16_385] {
      Self.expect(.damaged(.stateFrame, .position), frame, 16, 8, link)
    }
    Self.expect(.damaged(.stateFrame, .offset), frame, 24, 8, 1 << 63)
    Self.expect(.damaged(.stateFrame, .count), frame, 32, 4, 3)
    Self.expect(
      .overLimit(.stateFrame, value: 0xffff_ffff, limit: 65_536), frame, 32, 4, 0xffff_ffff)
    Self.expect(.newer(.stateFrame, .reserved), frame, 36, 4, 1)
    // First entry at 40: id, epoch, range count, zero, time, ranges.
    Self.expect(.damaged(.stateFrame, .count), frame, 40, 8, 0)
    Self.expect(.damaged(.stateFrame, .order), frame, 40, 8, 78)
    Self.expect(.damaged(.stateFrame, .count), frame, 50, 2, 0)
    Self.expect(.damaged(.stateFrame, .count), frame, 50, 2, 6)
    Self.expect(.damaged(.stateFrame, .count), frame, 50, 2, 0xffff)
    Self.expect(.newer(.stateFrame, .reserved), frame, 52, 4, 1)
    Self.expect(.damaged(.stateFrame, .count), frame, 68, 4, 0)
    Self.expect(.damaged(.stateFrame, .count), frame, 64, 4, 0xffff_ffff)
    Self.expect(.damaged(.stateFrame, .count), frame, 64, 8, 0xffff_ffff_0000_0002)
    Self.expect(.damaged(.stateFrame, .count), frame, 72, 8, UInt64(Int64.max))
    var limits = FormatLimits()
    limits.producerCountLimit = 1
    Frames.expect(
      .overLimit(.stateFrame, value: 2, limit: 1), frame, limits: limits, at: Self.later)
  }

  @Test func `a gap ends at the largest offset at most`() {
    let frame = Samples.gap.encoded(length: 32, salt: Frames.salt, at: Self.later)
    Self.expect(.damaged(.gapFrame, .offset), frame, 16, 8, 1 << 63)
    Self.expect(.damaged(.gapFrame, .offset), frame, 16, 8, UInt64(Int64.max) - 1)
    Self.expect(.newer(.gapFrame, .reserved), frame, 28, 4, 1)
  }

  @Test func `a control frame of another subject is newer`() {
    let frame = Samples.control.encoded(salt: Frames.salt, at: Self.later)
    Self.expect(.newer(.controlFrame, .kind), frame, 16, 2, 0)
    Self.expect(.newer(.controlFrame, .kind), frame, 16, 2, 2)
    Self.expect(.newer(.controlFrame, .reserved), frame, 18, 4, 1)
    Self.expect(.damaged(.frame, .length), frame, 0, 4, 39)
  }

  @Test func `a commit frame points backwards only`() {
    let frame = Samples.commit.encoded(salt: Frames.salt, at: Self.later)
    for durable in [UInt64(0), 16_376, 16_385, 16_392, Self.later + 8, .max] {
      Self.expect(.damaged(.commitFrame, .position), frame, 16, 8, durable)
    }
    for group in [UInt64(0), 16_385, Self.later + 8, .max] {
      Self.expect(.damaged(.commitFrame, .position), frame, 48, 8, group)
    }
    Self.expect(.damaged(.commitFrame, .offset), frame, 32, 8, 1 << 63)
    for sequence in [UInt64(1) << 63, 1 << 63 + 1, .max] {
      Self.expect(.damaged(.commitFrame, .count), frame, 24, 8, sequence)
    }
    Self.expect(.newer(.commitFrame, .reserved), frame, 60, 4, 1)
  }

  @Test func `a seal block is bounded by its own frame`() {
    let frame = Samples.seal.encoded(segmentID: 0x2a, salt: Frames.salt, at: Self.later)
    Self.expect(.damaged(.sealBlock, .offset), frame, 16, 8, 1_023)
    Self.expect(.damaged(.sealBlock, .offset), frame, 24, 8, 1 << 63)
    Self.expect(.damaged(.sealBlock, .offset), frame, 32, 8, 23)
    Self.expect(.damaged(.sealBlock, .offset), frame, 32, 8, .max)
    for count in Self.hugeCounts where count != 1 {
      Self.expect(.damaged(.sealBlock, .length), frame, 96, 4, count)
    }
    Self.expect(
      .overLimit(.sealBlock, value: 0x8000_0000, limit: 65_536), frame, 100, 4, 0x8000_0000)
    Self.expect(.damaged(.sealBlock, .length), frame, 100, 4, 1)
    Self.expect(.newer(.sealBlock, .reserved), frame, 104, 4, 1)
    for count in [UInt64(0), 8, 111, 113, 0x7fff_ffff, 0xffff_ffff] {
      Self.expect(.damaged(.sealBlock, .length), frame, 108, 4, count)
    }
    Self.expect(.newer(.sealBlock, .reserved), frame, 120, 8, 1)
    for link in [Self.later, .max, 8, 16_385] {
      Self.expect(.damaged(.sealBlock, .position), frame, 112, 8, link)
    }
    // Rows at 128: relative offsets, positions, times.
    Self.expect(.damaged(.sealBlock, .order), frame, 128, 4, 13)
    Self.expect(.damaged(.sealBlock, .offset), frame, 132, 4, 23)
    Self.expect(.damaged(.sealBlock, .position), frame, 136, 4, 2_047)
    Self.expect(.damaged(.sealBlock, .position), frame, 140, 4, Self.later / 8)
    Self.expect(.damaged(.sealBlock, .position), frame, 140, 4, 0xffff_ffff)
    Self.expect(.damaged(.sealBlock, .order), frame, 140, 4, 2_048)
    // Producers at 160.
    Self.expect(.damaged(.sealBlock, .order), frame, 160, 8, 78)
    Self.expect(.damaged(.sealBlock, .count), frame, 170, 2, 0)
    // Tiles at 368: first and next offset.
    Self.expect(.damaged(.sealBlock, .offset), frame, 368, 8, 1_026)
    Self.expect(.damaged(.sealBlock, .count), frame, 368, 8, 1_025)
    Self.expect(.damaged(.sealBlock, .offset), frame, 376, 8, 1 << 63)
    Self.expect(.damaged(.sealBlock, .count), frame, 376, 8, UInt64(Int64.max))
  }

  @Test func `a trailer leads to a possible frame`() {
    let seal = Samples.seal.encoded(segmentID: 0x2a, salt: Frames.salt, at: Self.later)
    let trailer = Array(seal.suffix(64))
    func expect(_ error: FormatError, _ field: Int, _ size: Int, _ value: UInt64) {
      let changed = Forge.changed(trailer, .trailer, at: field, size: size, to: value)
      #expect(throws: error) { try SealTrailer(changed.rawSpan) }
    }
    expect(.damaged(.trailer, .magic), 0, 8, 0)
    for position in [UInt64(0), 16_376, 16_385, .max] {
      expect(.damaged(.trailer, .position), 24, 8, position)
    }
    expect(.newer(.trailer, .reserved), 36, 4, 1)
    expect(.newer(.trailer, .reserved), 48, 8, 1)
    expect(.damaged(.trailer, .offset), 40, 8, 1 << 63)
    #expect(throws: FormatError.truncated(.trailer, needed: 64, available: 63)) {
      try SealTrailer(trailer.rawSpan.extracting(first: 63))
    }
  }
}
