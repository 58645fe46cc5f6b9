import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

/// Values in the columns of a batch behind correct checksums.
@Suite struct HostileBatchTests {
  typealias Frames = HostileFrameTests

  @Test(arguments: [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 0, 5, 7] as [UInt64])
  func `a count that does not fit is refused before anything is read`(_ count: UInt64) throws {
    let frame = Frames.forged(try Frames.batch(), 32, 4, count)
    let error: FormatError =
      switch count {
      case 0: .damaged(.batch, .count)
      default: .damaged(.batch, .offset)
      }
    Frames.expect(error, frame)
    guard count > 5 else { return }
    // With a matching last offset the count itself is judged.
    let matching = Frames.forged(frame, 36, 4, count - 1)
    let limit = UInt64(FormatLimits().batchRecordCountLimit)
    Frames.expect(
      count > limit
        ? .overLimit(.batch, value: count, limit: limit) : .damaged(.batch, .length), matching)
  }

  @Test(arguments: [0xffff_ffff, 0x7fff_ffff, 0x8000_0000, 0, 1] as [UInt64])
  func `a body size that does not fit is damaged`(_ size: UInt64) throws {
    Frames.expect(.damaged(.batch, .length), Frames.forged(try Frames.batch(), 40, 4, size))
  }

  @Test func `a last offset without its column must equal the count`() throws {
    for last in [UInt64(4), 6, 0xffff_ffff] {
      Frames.expect(.damaged(.batch, .offset), Frames.forged(try Frames.batch(), 36, 4, last))
    }
  }

  @Test func `a wrong head check is found before the length is believed`() throws {
    var frame = try Frames.batch()
    frame[60] ^= 1
    Frames.expect(.damaged(.batch, .headCheck), frame)
    frame = try Frames.batch() + [UInt8](repeating: 0, count: 64)
    frame[0] ^= 8
    frame[40] ^= 8
    Frames.expect(.damaged(.batch, .headCheck), frame)
  }

  @Test func `both event-time columns at once are damaged`() throws {
    let frame = try Frames.batch()
    let columns = Forge.word(frame, at: 0) >> 48 | UInt64(ColumnSet.eventTimeDelta.rawValue)
    Frames.expect(
      .damaged(.batch, .columns),
      Frames.forged(frame, 6, 2, columns | UInt64(ColumnSet.eventTime.rawValue)))
  }

  @Test func `narrow ends with 64 KiB of bodies are damaged`() throws {
    let wide = [RecordSpec(bytes: [UInt8](repeating: 7, count: 65_536))]
    let frame = try RecordSpec.batchFrame(
      wide, baseOffset: 5, appendTime: 6, salt: Frames.salt, position: Frames.start)
    #expect(Forge.word(frame, at: 0) >> 48 == 0)
    // One end of 2 or 4 bytes takes 8 either way, so only the rule itself tells.
    Frames.expect(
      .damaged(.batch, .columns),
      Frames.forged(frame, 6, 2, UInt64(ColumnSet.narrowEnds.rawValue)))
  }

  /// Columns of `plain`: narrow ends of four records at 64.
  static func plain() throws -> [UInt8] {
    try RecordSpec.batchFrame(
      ["aa", "bb", "cc", "dd"].map { RecordSpec($0) }, baseOffset: 5, appendTime: 6,
      salt: Frames.salt, position: Frames.start)
  }

  @Test func `ends that descend or leave the bodies are damaged`() throws {
    let frame = try Self.plain()
    #expect(try Frames.read(frame).records.count == 4)
    for (field, value) in [(64, 5), (66, 1), (68, 9), (70, 9), (64, 0xffff)] as [(Int, UInt64)] {
      Frames.expect(.damaged(.batch, .order), Frames.forged(frame, field, 2, value))
    }
  }

  @Test func `an end that moves within its order is only another record`() throws {
    // Equal ends are an empty record; nothing is read outside.
    let walk = try Frames.read(Frames.forged(try Self.plain(), 66, 2, 2))
    #expect(walk.records.map(\.value.count) == [2, 0, 4, 2])
  }

  @Test func `part ends that leave their record are damaged`() throws {
    let frame = try Frames.batch()
    let varied = Samples.variedRecords
    // Producer 16, event base 8, ends 12 -> 16, then key, type and headers ends.
    let keyEnds = 64 + 16 + 8 + 16
    for column in [keyEnds, keyEnds + 16, keyEnds + 32] {
      for index in 0..<varied.count {
        Frames.expect(
          .damaged(.batch, .order), Frames.forged(frame, column + 2 * index, 2, 0xffff))
      }
      Frames.expect(.damaged(.batch, .order), Frames.forged(frame, column + 2, 2, 0))
    }
    // A type that would end before its key.
    Frames.expect(.damaged(.batch, .order), Frames.forged(frame, keyEnds + 16 + 2, 2, 6))
  }

  @Test func `offset deltas must ascend up to the last`() throws {
    var batch = ColumnBatch(["a", "b", "c"].map { RecordSpec($0) })
    batch.offsetDeltas = [0, 5, 9]
    let frame = try batch.encoded(
      baseOffset: 5, appendTime: 6, salt: Frames.salt, position: Frames.start)
    #expect(try Frames.read(frame).records.map(\.offset.rawValue) == [5, 10, 14])
    // Ends 6 -> 8, then deltas at 72.
    for (field, value) in [
      (72, 5), (72, 0xffff_ffff), (76, 9), (76, 0), (80, 10), (80, 0x8000_0000),
    ] as [(Int, UInt64)] {
      Frames.expect(.damaged(.batch, .offset), Frames.forged(frame, field, 4, value))
    }
    Frames.expect(.damaged(.batch, .offset), Frames.forged(frame, 36, 4, 1))
  }

  @Test func `event times that overflow or pass the largest are damaged`() throws {
    var batch = ColumnBatch([RecordSpec("a", eventTime: 0), RecordSpec("b", eventTime: 5_000)])
    batch.eventTimes = .deltas
    let frame = try batch.encoded(
      baseOffset: 5, appendTime: 6, salt: Frames.salt, position: Frames.start)
    // Base at 64, ends at 72, deltas at 80.
    Frames.expect(
      .damaged(.batch, .order), Frames.forged(frame, 64, 8, UInt64(Int64.max - 4_999)))
    Frames.expect(.damaged(.batch, .order), Frames.forged(frame, 84, 4, 6))
    Frames.expect(.damaged(.batch, .order), Frames.forged(frame, 80, 4, 0xffff_ffff))
    Frames.expect(.damaged(.batch, .order), Frames.forged(frame, 44, 4, 4))
  }

  @Test(arguments: [-1, 6, Int.max, Int.min])
  func `a record index outside the batch is an error`(_ index: Int) throws {
    let frame = try Frames.batch()
    let head = FrameHead(word: Forge.word(frame, at: 0), checksum: 0)
    let bytes = frame.rawSpan.extracting(0..<Int(head.length))
    let view = try BatchView(bytes, frameHead: head, place: nil, limits: FormatLimits())
    #expect(throws: FormatError.damaged(.batch, .count)) { _ = try view.record(at: index).offset }
  }

  @Test func `hostile record headers are refused`() throws {
    var block = try RecordHeaders.encoded([.init(name: "name", value: [1, 2])])
    for (field, size, value) in [
      (0, 2, 0), (0, 2, 0xffff), (2, 4, 0xffff_ffff), (2, 4, 3), (0, 2, 7),
    ] as [(Int, Int, UInt64)] {
      let changed = Forge.changed(block, .plain, at: field, size: size, to: value)
      #expect(throws: FormatError.damaged(.recordHeaders, .length)) {
        try RecordHeaders.validate(changed.rawSpan)
      }
      #expect(throws: FormatError.damaged(.recordHeaders, .length)) {
        try RecordHeaders.decoded(changed.rawSpan)
      }
    }
    #expect(throws: FormatError.truncated(.recordHeaders, needed: 18, available: 17)) {
      try RecordHeaders.decoded((block + [1, 0, 0, 0, 0]).rawSpan)
    }
    block[6] = 0xff
    #expect(throws: FormatError.damaged(.recordHeaders, .text)) {
      try RecordHeaders.validate(block.rawSpan)
    }
    #expect(throws: FormatError.damaged(.recordHeaders, .text)) {
      try RecordHeaders.decoded(block.rawSpan)
    }
  }
}
