import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

@Suite struct RoundTripTests {
  let salt = Samples.salt

  @Test(arguments: SuperBlock.positions)
  func `a superblock comes back as it was written`(_ position: UInt64) throws {
    var block = Samples.superblock
    block.features = FeatureBits(compatible: 0xffff_ffff, readOnlyCompatible: 7)
    let bytes = block.encoded(at: position)
    #expect(bytes.count == SuperBlock.byteCount)
    #expect(try SuperBlock(bytes.rawSpan, at: position) == block)
    #expect(!block.features.allowsWriting)
  }

  @Test(arguments: SegmentLayout.headerPositions)
  func `a segment header comes back as it was written`(_ position: UInt64) throws {
    let bytes = Samples.header.encoded(at: position)
    #expect(bytes.count == SegmentHeader.byteCount)
    #expect(try SegmentHeader(bytes.rawSpan, at: position) == Samples.header)
  }

  @Test(arguments: SegmentLayout.slotPositions)
  func `a recovery slot comes back as it was written`(_ position: UInt64) throws {
    let bytes = Samples.slot.encoded(salt: salt, at: position)
    #expect(bytes.count == RecoverySlot.byteCount)
    #expect(try RecoverySlot(bytes.rawSpan, salt: salt, at: position) == Samples.slot)
  }

  @Test func `a copy that stands at another place is damaged`() {
    let header = Samples.header.encoded(at: 0)
    #expect(throws: FormatError.damaged(.segmentHeader, .checksum)) {
      try SegmentHeader(header.rawSpan, at: 12_288)
    }
    let slot = Samples.slot.encoded(salt: salt, at: 4_096)
    #expect(throws: FormatError.damaged(.recoverySlot, .checksum)) {
      try RecoverySlot(slot.rawSpan, salt: salt, at: 8_192)
    }
    #expect(throws: FormatError.damaged(.recoverySlot, .checksum)) {
      try RecoverySlot(slot.rawSpan, salt: salt + 1, at: 4_096)
    }
    let block = Samples.superblock.encoded(at: 0)
    #expect(throws: FormatError.damaged(.superblock, .checksum)) {
      try SuperBlock(block.rawSpan, at: 4_096)
    }
  }

  @Test func `the small frames come back as they were written`() throws {
    let later = Samples.laterPosition
    let commit = Samples.commit.encoded(salt: salt, at: later)
    #expect(try CommitFrame(commit.rawSpan, at: later) == Samples.commit)
    let index = Samples.index.encoded(salt: salt, at: later)
    #expect(index.count == IndexFrame.byteCount(rowCount: 2))
    #expect(try IndexFrame(index.rawSpan, at: later) == Samples.index)
    let group = Samples.integrity.encoded(salt: salt, at: later)
    #expect(group.count == Samples.integrity.byteCount)
    #expect(try IntegrityFrame(group.rawSpan) == Samples.integrity)
    let state = Samples.state.encoded(salt: salt, at: later)
    #expect(state.count == StateFrame.byteCount(producerCount: 2))
    #expect(try StateFrame(state.rawSpan, at: later, limits: FormatLimits()) == Samples.state)
    let gap = Samples.gap.encoded(length: 99, salt: salt, at: later)
    #expect(gap.count == GapFrame.byteCount)
    #expect(try GapFrame(gap.rawSpan) == Samples.gap)
    let control = Samples.control.encoded(salt: salt, at: later)
    #expect(try ControlFrame(control.rawSpan) == Samples.control)
    #expect(Samples.producers[0].lastSequence == 10)
    #expect(Samples.producers[1].lastSequence == .max)
  }

  @Test func `an erasable stream comes back as it was written, and no shorter`() throws {
    guard case .createStream(var stream) = Samples.edits[1] else {
      Issue.record("no stream")
      return
    }
    stream.erasableID = Samples.header.storeID
    let edit = ManifestEdit.createStream(stream)
    let bytes = edit.encoded()
    #expect(try ManifestEdit.decoded(bytes.rawSpan) == edit)
    #expect(bytes.count == Samples.edits[1].encoded().count + 16)
    for count in (bytes.count - 17)..<bytes.count {
      let cut = Array(bytes.prefix(count))
      #expect(throws: FormatError.self) { try ManifestEdit.decoded(cut.rawSpan) }
    }
  }

  @Test(arguments: [0, 1, 2, 3], [0, 1, 2])
  func `a seal block and its trailer come back as they were written`(rows: Int, producers: Int)
    throws
  {
    let later = Samples.laterPosition
    var block = Samples.seal
    block.rows = (0..<rows).map {
      IndexRow(
        relativeOffset: UInt32($0), positionInWords: UInt32(2_048 + $0),
        appendTime: Timestamp(rawValue: Int64($0)))
    }
    block.producers = Array(block.producers.prefix(producers))
    let bytes = block.encoded(segmentID: 0x2a, salt: salt, at: later)
    let tileByteCount = try #require(block.tiles?.byteCount)
    #expect(
      bytes.count
        == SealBlock.byteCount(
          rowCount: rows, producerCount: producers, tileByteCount: tileByteCount))
    let tiles = bytes[block.tilePosition...].prefix(tileByteCount)
    #expect(tiles.suffix(96) == Samples.integrity.nodes[...])
    #expect(try SealBlock(bytes.rawSpan, at: later, limits: FormatLimits()) == block)
    let trailer = try SealTrailer(bytes.rawSpan.extracting(last: SealTrailer.byteCount))
    #expect(trailer.salt == salt)
    #expect(trailer.segmentID == 0x2a)
    #expect(trailer.blockPosition == FilePosition(rawValue: later))
    #expect(trailer.blockByteCount == UInt32(bytes.count))
    #expect(trailer.nextOffset == block.nextOffset)
  }

  @Test(arguments: Samples.edits)
  func `a manifest edit comes back as it was written`(_ edit: ManifestEdit) throws {
    let bytes = edit.encoded()
    #expect(try ManifestEdit.decoded(bytes.rawSpan) == edit)
    for count in 0..<bytes.count {
      #expect(throws: FormatError.self) {
        try ManifestEdit.decoded(bytes.rawSpan.extracting(first: count))
      }
    }
    #expect(throws: FormatError.damaged(.manifestEdit, .length)) {
      try ManifestEdit.decoded((bytes + [0]).rawSpan)
    }
  }

  @Test func `all parts of a solo record are independent`() throws {
    for bits in 0..<32 {
      var record = RecordSpec("value \(bits)")
      if bits & 1 != 0 { record.key = Array("key".utf8) }
      if bits & 2 != 0 { record.type = Array("type".utf8) }
      if bits & 4 != 0 { record.headers = [.init(name: "h", value: [7])] }
      if bits & 8 != 0 { record.eventTime = Timestamp(rawValue: .min) }
      let producer = bits & 16 != 0 ? Samples.stamp : nil
      let frame = try record.withInput { input throws(FormatError) in
        RecordSpec.soloFrame(
          input, producer: producer, offset: 5, appendTime: -6, salt: salt, position: 16_384)
      }
      let head = FrameHead(word: Forge.word(frame, at: 0), checksum: Forge.word(frame, at: 8))
      let bytes = frame.rawSpan.extracting(0..<Int(head.length))
      #expect(try SoloRecord.producer(bytes, head: head) == producer)
      let found = Record(copying: try SoloRecord.view(bytes, head: head))
      #expect(found.offset == Offset(rawValue: 5))
      #expect(found.appendTime == Timestamp(rawValue: -6))
      #expect(found.eventTime == record.eventTime)
      #expect(found.key == record.key)
      #expect(found.type == record.type)
      #expect(found.value == record.value)
      #expect(try RecordHeaders.decoded(found.headers.rawSpan) == record.headers)
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 100])
  func `the three writers of a plain solo record write the same bytes`(_ count: Int) throws {
    let value = [UInt8](repeating: 0x77, count: count)
    let expected = try RecordSpec(bytes: value).withInput { input throws(FormatError) in
      RecordSpec.soloFrame(
        input, producer: nil, offset: 5, appendTime: 6, salt: salt, position: 16_384)
    }
    let (offset, time) = (Offset(rawValue: 5), Timestamp(rawValue: 6))
    var plain = [UInt8](repeating: 0xa5, count: expected.count)
    var inPlace = plain
    inPlace.replaceSubrange(32..<32 + count, with: value)
    plain.withUnsafeMutableBytes { frame in
      guard let base = frame.baseAddress else { return }
      let word = value.withUnsafeBytes { bytes in
        SoloRecord.encodePlain(
          bytes, into: base, offset: offset, appendTime: time, salt: salt, position: 16_384)
      }
      frame.storeLittleEndian(word, at: 0)
    }
    inPlace.withUnsafeMutableBytes { frame in
      guard let base = frame.baseAddress else { return }
      let word = SoloRecord.encodeInPlace(
        valueByteCount: count, at: base, offset: offset, appendTime: time, salt: salt,
        position: 16_384)
      frame.storeLittleEndian(word, at: 0)
    }
    #expect(plain == expected)
    #expect(inPlace == expected)
  }

  @Test func `a gap stored over a claim is the gap encoded`() {
    let expected = Samples.gap.encoded(length: 64, salt: salt, at: 16_384)
    var claim = [UInt8](repeating: 0xa5, count: 64)
    claim.withUnsafeMutableBytes { frame in
      guard let base = frame.baseAddress else { return }
      let word = Samples.gap.store(at: base, length: 64, salt: salt, position: 16_384)
      frame.storeLittleEndian(word, at: 0)
    }
    #expect(Array(claim[..<32]) == expected)
    #expect(claim[32...].allSatisfy { $0 == 0xa5 })
  }

  @Test func `record headers keep order, repeats and any value`() throws {
    let entries: [RecordHeaders.Entry] = [
      .init(name: "ä", value: []), .init(name: "x", value: [0, 255]), .init(name: "x", value: [1]),
    ]
    let block = try RecordHeaders.encoded(entries)
    try RecordHeaders.validate(block.rawSpan)
    #expect(try RecordHeaders.decoded(block.rawSpan) == entries)
    #expect(throws: FormatError.damaged(.recordHeaders, .length)) {
      try RecordHeaders.encoded([.init(name: "", value: [])])
    }
    #expect(throws: FormatError.damaged(.recordHeaders, .length)) {
      try RecordHeaders.encoded([.init(name: String(repeating: "n", count: 65_536), value: [])])
    }
  }

  @Test func `a whole segment gives back every record and frame`() throws {
    let builder = try Samples.segment()
    let file = builder.file(count: 65_536)
    for position in SegmentLayout.headerPositions {
      let page = file.rawSpan.extracting(Int(position)..<Int(position) + 4_096)
      #expect(try SegmentHeader(page, at: position) == builder.header)
    }
    for position in SegmentLayout.slotPositions {
      let page = file.rawSpan.extracting(Int(position)..<Int(position) + 4_096)
      let slot = try RecoverySlot(page, salt: builder.header.salt, at: position)
      #expect(slot.flags == .sealed)
      #expect(slot.durablePosition.rawValue == builder.position)
    }
    let walk = SegmentWalk(file, salt: builder.header.salt)
    #expect(walk.contradictions.isEmpty)
    #expect(walk.records == builder.records)
    #expect(walk.frames.map(\.position) == builder.frames.map(\.position))
    #expect(walk.end == builder.position)
    #expect(walk.stop == .damaged(.frame, .empty))
    let kinds = Set(walk.frames.map(\.kind))
    #expect(kinds.isSuperset(of: FrameKind.allCases.map(\.rawValue)))
  }
}
