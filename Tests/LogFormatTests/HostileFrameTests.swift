import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

/// Values behind correct checksums.
@Suite struct HostileFrameTests {
  static let salt = Samples.salt
  static let start = Samples.position
  static let lengths: [UInt64] = [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff8]

  /// Reads the frame at the first position of a segment made of these bytes.
  static func read(
    _ frame: [UInt8], limits: FormatLimits = FormatLimits(), verifying: Bool = true,
    at position: UInt64 = start
  ) throws(FormatError) -> SegmentWalk {
    var file = [UInt8](repeating: 0, count: Int(position))
    file += frame
    let reader = FrameReader(file.rawSpan, salt: salt, limits: limits)
    let found = try reader.frame(at: position, verifying: verifying)
    precondition(found.position == position)
    let walk = SegmentWalk(file, salt: salt, from: position, limits: limits)
    if verifying, let error = walk.contradictions.first { throw error }
    return walk
  }

  static func forged(
    _ frame: [UInt8], _ field: Int, _ size: Int, _ value: UInt64, at position: UInt64 = start
  ) -> [UInt8] {
    Forge.changed(
      frame, .frame(salt: salt, position: position), at: field, size: size, to: value)
  }

  static func solo(_ record: RecordSpec = Samples.fullRecord, producer: ProducerStamp? = nil)
    throws -> [UInt8]
  {
    try record.withInput { input throws(FormatError) in
      RecordSpec.soloFrame(
        input, producer: producer, offset: 5, appendTime: 6, salt: salt, position: start)
    }
  }

  static func batch(_ records: [RecordSpec] = Samples.variedRecords) throws -> [UInt8] {
    try RecordSpec.batchFrame(
      records, producer: Samples.stamp, baseOffset: 5, appendTime: 6, salt: salt, position: start)
  }

  static func expect(
    _ error: FormatError, _ frame: [UInt8], limits: FormatLimits = FormatLimits(),
    at position: UInt64 = start, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: error, sourceLocation: sourceLocation) {
      _ = try read(frame, limits: limits, at: position)
    }
  }

  @Test(arguments: lengths)
  func `a length beyond the file is truncated`(_ length: UInt64) throws {
    for frame in [try Self.solo(), try Self.batch()] {
      Self.expect(
        .truncated(
          .frame, needed: Self.start + length, available: Self.start + UInt64(frame.count)),
        Self.forged(frame, 0, 4, length))
    }
  }

  @Test func `a length below a head or a kind's least is damaged`() throws {
    let solo = try Self.solo()
    Self.expect(.damaged(.frame, .empty), Self.forged(solo, 0, 4, 0))
    Self.expect(.damaged(.frame, .length), Self.forged(solo, 0, 4, 15))
    Self.expect(.damaged(.frame, .length), Self.forged(solo, 0, 4, 31))
    let batch = try Self.batch()
    Self.expect(.damaged(.batch, .length), Self.forged(batch, 0, 4, 63))
    let commit = Samples.commit.encoded(salt: Self.salt, at: Self.start)
    Self.expect(.damaged(.frame, .length), Self.forged(commit, 0, 4, 63))
    Self.expect(.damaged(.frame, .length), Self.forged(commit + [0], 0, 4, 65))
    let gap = Samples.gap.encoded(length: 32, salt: Self.salt, at: Self.start)
    Self.expect(.damaged(.frame, .length), Self.forged(gap, 0, 4, 31))
  }

  @Test func `a record or batch over the limit is refused by the limit`() throws {
    let solo = try Self.solo(RecordSpec(bytes: [UInt8](repeating: 1, count: 600)))
    var limits = FormatLimits()
    limits.recordByteCountLimit = 300
    Self.expect(.overLimit(.frame, value: 632, limit: 556), solo, limits: limits)
    let batch = try Self.batch()
    let length = Forge.word(batch, at: 0) & 0xffff_ffff
    limits.batchByteCountLimit = Int(length) - 1
    Self.expect(.overLimit(.frame, value: length, limit: length - 1), batch, limits: limits)
    limits.batchByteCountLimit = Int(length)
    limits.batchRecordCountLimit = 5
    Self.expect(.overLimit(.batch, value: 6, limit: 5), batch, limits: limits)
  }

  @Test func `an unknown kind is newer unless bit 7 lets it be skipped`() throws {
    let solo = try Self.solo()
    for kind in [UInt64(0), 11, 0x7f] {
      Self.expect(.newer(.frame, .kind), Self.forged(solo, 4, 1, kind))
    }
    for kind in [UInt64(0x80), 0x81, 0x8a, 0xff] {
      let walk = try Self.read(Self.forged(solo, 4, 1, kind))
      #expect(walk.frames.count == 1)
      #expect(walk.records.isEmpty)
      var damaged = Self.forged(solo, 4, 1, kind)
      damaged[20] ^= 1
      Self.expect(.damaged(.frame, .checksum), damaged)
    }
    var damaged = Self.forged(solo, 4, 1, 11)
    damaged[20] ^= 1
    Self.expect(.damaged(.frame, .checksum), damaged)
  }

  @Test func `a codec, a flag or a column not known is newer`() throws {
    for frame in [try Self.solo(), try Self.batch()] {
      for codec in UInt64(1)...7 {
        Self.expect(.newer(.frame, .codec), Self.forged(frame, 5, 1, codec))
      }
      for bit in [UInt64(0x08), 0x10, 0x80] {
        Self.expect(.newer(.frame, .reserved), Self.forged(frame, 5, 1, bit))
      }
    }
    let solo = try Self.solo()
    let batch = try Self.batch()
    for bit in [UInt64(0x1000), 0x2000, 0x4000, 0x8000] {
      Self.expect(.newer(.soloRecord, .columns), Self.forged(solo, 6, 2, bit))
      Self.expect(.newer(.batch, .columns), Self.forged(batch, 6, 2, bit))
    }
    let commit = Samples.commit.encoded(salt: Self.salt, at: Self.start)
    Self.expect(.damaged(.frame, .columns), Self.forged(commit, 6, 2, 1))
    Self.expect(.damaged(.frame, .columns), Self.forged(commit, 5, 1, 1))
  }

  @Test func `views refuse codecs even when the checksum was not asked for`() throws {
    let solo = Self.forged(try Self.solo(), 5, 1, 1)
    let head = FrameHead(word: Forge.word(solo, at: 0), checksum: 0)
    #expect(throws: FormatError.newer(.soloRecord, .codec)) {
      _ = try SoloRecord.view(solo.rawSpan, head: head).offset
    }
    let batch = Self.forged(try Self.batch(), 5, 1, 8)
    let batchHead = FrameHead(word: Forge.word(batch, at: 0), checksum: 0)
    #expect(throws: FormatError.newer(.batch, .codec)) {
      _ = try BatchView(
        batch.rawSpan, frameHead: batchHead, place: nil, limits: FormatLimits()
      ).count
    }
  }

  @Test func `columns only a batch may have contradict a solo record`() throws {
    let solo = try Self.solo()
    for columns in [ColumnSet.eventTimeDelta, .narrowEnds, .offsetDelta] {
      Self.expect(
        .damaged(.soloRecord, .columns), Self.forged(solo, 6, 2, UInt64(columns.rawValue)))
    }
  }

  @Test(arguments: [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 1_000] as [UInt64])
  func `part lengths of a solo record beyond its body are damaged`(_ length: UInt64) throws {
    let solo = try Self.solo()
    // Words: event time 8, then key, type and headers length.
    for field in [40, 44, 48] {
      Self.expect(.damaged(.soloRecord, .length), Self.forged(solo, field, 4, length))
    }
    let all = ColumnSet.known.subtracting([.eventTimeDelta, .narrowEnds, .offsetDelta])
    let short = try Self.solo(RecordSpec("x"))
    Self.expect(
      .damaged(.soloRecord, .length), Self.forged(short, 6, 2, UInt64(all.rawValue)))
  }

  @Test func `an offset of 2^63 or more is damaged`() throws {
    for offset in [UInt64(1) << 63, .max] {
      Self.expect(.damaged(.soloRecord, .offset), Self.forged(try Self.solo(), 16, 8, offset))
      Self.expect(.damaged(.batch, .offset), Self.forged(try Self.batch(), 16, 8, offset))
    }
    let last = UInt64(Int64.max)
    _ = try Self.read(Self.forged(try Self.solo(), 16, 8, last))
    // Six records from here would pass the largest offset.
    Self.expect(.damaged(.batch, .offset), Self.forged(try Self.batch(), 16, 8, last - 4))
    _ = try Self.read(Self.forged(try Self.batch(), 16, 8, last - 5))
  }

  @Test func `unknown record flags are newer`() throws {
    let record = RecordSpec("", key: "k", isTombstone: true)
    let solo = try Self.solo(record)
    Self.expect(.newer(.soloRecord, .reserved), Self.forged(solo, 36, 4, 0x10))
    Self.expect(.newer(.soloRecord, .reserved), Self.forged(solo, 36, 4, 0xffff_ffff))
    let batch = try RecordSpec.batchFrame(
      [record], baseOffset: 5, appendTime: 6, salt: Self.salt, position: Self.start)
    // ends 2, key ends 2, flags 1, each padded to 8.
    Self.expect(.newer(.batch, .reserved), Self.forged(batch, 80, 1, 0x11))
  }

  @Test func `a producer's stamp has an id and no flags`() throws {
    let solo = try Self.solo(RecordSpec("v"), producer: Samples.stamp)
    Self.expect(.damaged(.frame, .identity), Self.forged(solo, 32, 8, 0))
    Self.expect(.newer(.frame, .reserved), Self.forged(solo, 42, 2, 1))
    let batch = try Self.batch()
    Self.expect(.damaged(.frame, .identity), Self.forged(batch, 64, 8, 0))
    Self.expect(.newer(.frame, .reserved), Self.forged(batch, 74, 2, 0x8000))
  }

  @Test(arguments: [0, 4, 16_376, 16_380, 16_385, 16_388, UInt64.max, UInt64.max - 7, 1 << 63])
  func `a position outside or between boundaries is refused`(_ position: UInt64) throws {
    let file = [UInt8](repeating: 0, count: 16_400)
    let reader = FrameReader(file.rawSpan, salt: 1, limits: FormatLimits())
    let isOutside = position % 8 == 0 && position >= 16_384
    let needed = position.addingReportingOverflow(16)
    let expected: FormatError =
      isOutside
      ? .truncated(
        .frame, needed: needed.overflow ? .max : needed.partialValue, available: 16_400)
      : .damaged(.frame, .position)
    #expect(throws: expected) { _ = try reader.frame(at: position, verifying: true).position }
  }
}
