import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

/// Superblock, header, slot and manifest edits.
@Suite struct HostileFixedTests {
  static func header(
    _ error: FormatError, _ field: Int, _ size: Int, _ value: UInt64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let bytes = Forge.changed(
      Samples.header.encoded(at: 0), .header(position: 0), at: field, size: size, to: value)
    #expect(throws: error, sourceLocation: sourceLocation) {
      try SegmentHeader(bytes.rawSpan, at: 0)
    }
  }

  @Test func `a header of another version, feature or algorithm is newer`() throws {
    Self.header(.newer(.segmentHeader, .version), 8, 2, 2)
    Self.header(.newer(.segmentHeader, .version), 8, 2, 0xffff)
    Self.header(.newer(.segmentHeader, .version), 12, 4, 8_192)
    Self.header(.newer(.segmentHeader, .feature), 112, 4, 1)
    Self.header(.newer(.segmentHeader, .feature), 112, 4, 0x8000_0000)
    for field in 116...117 { Self.header(.newer(.segmentHeader, .feature), field, 1, 2) }
    Self.header(.newer(.segmentHeader, .feature), 118, 1, 1)
    Self.header(.newer(.segmentHeader, .feature), 119, 1, 3)
    Self.header(.damaged(.segmentHeader, .offset), 48, 8, 1 << 63)
    Self.header(.damaged(.segmentHeader, .magic), 0, 8, 1)
  }

  @Test func `a newer minor version and compatible features are read`() throws {
    var bytes = Samples.header.encoded(at: 0)
    for (field, value) in [(10, 0xffff), (104, 0xffff_ffff), (108, 0xffff_ffff)] as [(Int, UInt64)]
    {
      bytes = Forge.changed(
        bytes, .header(position: 0), at: field, size: field == 10 ? 2 : 4, to: value)
    }
    // Bytes this version reserves may mean something to a newer minor version.
    bytes = Forge.changed(bytes, .header(position: 0), at: 4_000, size: 8, to: 7)
    let header = try SegmentHeader(bytes.rawSpan, at: 0)
    #expect(header.version == FormatVersion(major: 1, minor: 0xffff))
    #expect(header.features.allowsReading)
    #expect(!header.features.allowsWriting)
  }

  @Test(arguments: [0, 1, 8, 511, 512, 4_095])
  func `too few bytes are truncated`(_ count: Int) {
    let zeros = [UInt8](repeating: 0, count: count)
    #expect(
      throws: FormatError.truncated(.segmentHeader, needed: 4_096, available: UInt64(count))
    ) { try SegmentHeader(zeros.rawSpan, at: 0) }
    guard count < 512 else { return }
    #expect(
      throws: FormatError.truncated(.superblock, needed: 512, available: UInt64(count))
    ) { try SuperBlock(zeros.rawSpan, at: 0) }
    #expect(
      throws: FormatError.truncated(.recoverySlot, needed: 512, available: UInt64(count))
    ) { try RecoverySlot(zeros.rawSpan, salt: 0, at: 4_096) }
  }

  @Test func `zeros are empty, not damaged otherwise`() {
    let zeros = [UInt8](repeating: 0, count: 4_096)
    #expect(throws: FormatError.damaged(.segmentHeader, .empty)) {
      try SegmentHeader(zeros.rawSpan, at: 0)
    }
    #expect(throws: FormatError.damaged(.superblock, .empty)) {
      try SuperBlock(zeros.rawSpan, at: 0)
    }
    #expect(throws: FormatError.damaged(.recoverySlot, .empty)) {
      try RecoverySlot(zeros.rawSpan, salt: 1, at: 4_096)
    }
  }

  @Test func `slot positions stay behind the preamble and before the durable position`() {
    let slot = Samples.slot.encoded(salt: Samples.salt, at: 4_096)
    func expect(_ error: FormatError, _ field: Int, _ size: Int, _ value: UInt64) {
      let bytes = Forge.changed(
        slot, .slot(salt: Samples.salt, position: 4_096), at: field, size: size, to: value)
      #expect(throws: error) { try RecoverySlot(bytes.rawSpan, salt: Samples.salt, at: 4_096) }
    }
    expect(.damaged(.recoverySlot, .count), 0, 8, 0)
    for position in [UInt64(0), 16_376, 16_385, 16_384] {
      expect(.damaged(.recoverySlot, .position), 8, 8, position)
    }
    for field in [32, 48] {
      for position in [UInt64(8), 16_385, 20_480, .max] {
        expect(.damaged(.recoverySlot, .position), field, 8, position)
      }
    }
    expect(.damaged(.recoverySlot, .offset), 16, 8, 1 << 63)
  }

  @Test func `a superblock of another version or feature is newer`() {
    func expect(_ error: FormatError, _ field: Int, _ size: Int, _ value: UInt64) {
      let bytes = Forge.changed(
        Samples.superblock.encoded(at: 0), .superblock(position: 0), at: field, size: size,
        to: value)
      #expect(throws: error) { try SuperBlock(bytes.rawSpan, at: 0) }
    }
    expect(.newer(.superblock, .version), 8, 2, 0)
    expect(.newer(.superblock, .version), 8, 2, 2)
    expect(.newer(.superblock, .version), 12, 4, 1_024)
    expect(.newer(.superblock, .feature), 72, 4, 1 << 31)
    expect(.newer(.superblock, .reserved), 76, 4, 1)
    expect(.damaged(.superblock, .count), 32, 8, 0)
    expect(.damaged(.superblock, .magic), 0, 8, 1)
  }

  @Test func `of two superblocks the newer counts and contradictions are no guess`() throws {
    let old = Samples.superblock
    var new = old
    new.generation += 1
    #expect(try SuperBlock.newest(.success(old), .success(new)) == new)
    #expect(try SuperBlock.newest(.success(new), .success(old)) == new)
    #expect(try SuperBlock.newest(.success(old), .success(old)) == old)
    let empty = FormatError.damaged(.superblock, .empty)
    let damaged = FormatError.damaged(.superblock, .checksum)
    #expect(try SuperBlock.newest(.failure(empty), .success(old)) == old)
    #expect(try SuperBlock.newest(.success(old), .failure(damaged)) == old)
    var other = old
    other.epoch += 1
    #expect(throws: FormatError.damaged(.superblock, .identity)) {
      try SuperBlock.newest(.success(old), .success(other))
    }
    other = new
    other.storeID = UniqueIdentifier(high: 1, low: 2)
    #expect(throws: FormatError.damaged(.superblock, .identity)) {
      try SuperBlock.newest(.success(old), .success(other))
    }
    // A store that is being adopted has two identities and two places for a moment.
    other.inode &+= 1
    #expect(try SuperBlock.newest(.success(old), .success(other)) == other)
    let newer = FormatError.newer(.superblock, .version)
    #expect(throws: newer) { try SuperBlock.newest(.success(old), .failure(newer)) }
    #expect(throws: newer) { try SuperBlock.newest(.failure(damaged), .failure(newer)) }
    #expect(throws: newer) { try SuperBlock.newest(.failure(newer), .failure(empty)) }
  }

  @Test func `a store is empty only when both superblocks are`() {
    let empty = FormatError.damaged(.superblock, .empty)
    let damaged = FormatError.damaged(.superblock, .checksum)
    #expect(throws: empty) { try SuperBlock.newest(.failure(empty), .failure(empty)) }
    #expect(throws: damaged) { try SuperBlock.newest(.failure(empty), .failure(damaged)) }
    #expect(throws: damaged) { try SuperBlock.newest(.failure(damaged), .failure(empty)) }
  }

  @Test func `hostile manifest edits are refused`() throws {
    func expect(
      _ error: FormatError, _ edit: ManifestEdit, _ field: Int, _ size: Int, _ value: UInt64
    ) {
      let bytes = Forge.changed(edit.encoded(), .plain, at: field, size: size, to: value)
      #expect(throws: error) { try ManifestEdit.decoded(bytes.rawSpan) }
    }
    let edits = Samples.edits
    for kind in [UInt64(0), 17, 0x7fff] {
      expect(.newer(.manifestEdit, .kind), edits[0], 0, 2, kind)
    }
    for version in [UInt64(0), 2, 0xffff] {
      expect(.newer(.manifestEdit, .version), edits[0], 2, 2, version)
    }
    expect(.newer(.manifestEdit, .reserved), edits[0], 4, 4, 1)
    // Stream: id 8, class 16, ..., evidence 80, name length 88, name 96.
    expect(.newer(.manifestEdit, .feature), edits[1], 16, 8, 3)
    expect(.newer(.manifestEdit, .feature), edits[1], 16, 8, .max)
    expect(.newer(.manifestEdit, .feature), edits[1], 80, 8, 3)
    expect(.newer(.manifestEdit, .feature), edits[1], 80, 8, .max)
    for length in [UInt64(0), 256, 0xffff_ffff, 0x7fff_ffff_ffff_ffff, .max] {
      expect(.damaged(.manifestEdit, .length), edits[1], 88, 8, length)
    }
    expect(.damaged(.manifestEdit, .text), edits[1], 96, 1, 0xff)
    expect(.newer(.manifestEdit, .feature), edits[6], 56, 8, 3)
    expect(.damaged(.manifestEdit, .offset), edits[8], 16, 8, 1 << 63)
    expect(.damaged(.manifestEdit, .order), edits[9], 24, 8, 17_008)
    expect(.damaged(.manifestEdit, .order), edits[9], 32, 8, 0)
    expect(.damaged(.manifestEdit, .order), edits[9], 40, 8, 703)
    // Replacement: old id 16, new id 24, capacity 32, end 48.
    expect(.damaged(.manifestEdit, .order), edits[11], 24, 8, 0x2a)
    expect(.damaged(.manifestEdit, .length), edits[11], 32, 8, 1 << 48)
    expect(.damaged(.manifestEdit, .position), edits[11], 48, 8, 20_401)
    expect(.damaged(.manifestEdit, .position), edits[11], 48, 8, 2 << 20)
    // Retention: acknowledgement 40, cursors 48, the first name's length 56.
    expect(.newer(.manifestEdit, .feature), edits[12], 40, 8, 4)
    expect(.damaged(.manifestEdit, .length), edits[12], 48, 8, 257)
    expect(.damaged(.manifestEdit, .length), edits[12], 48, 8, 0)
    expect(.damaged(.manifestEdit, .length), edits[12], 48, 8, 1)
    expect(.damaged(.manifestEdit, .length), edits[12], 56, 8, 256)
    expect(.damaged(.manifestEdit, .text), edits[12], 64, 1, 0xff)
    // Hold: offsets 16 and 24, name 40.
    expect(.damaged(.manifestEdit, .order), edits[14], 24, 8, 600)
    expect(.damaged(.manifestEdit, .offset), edits[14], 24, 8, 1 << 63)
    expect(.damaged(.manifestEdit, .length), edits[14], 40, 8, 0)
    expect(.damaged(.manifestEdit, .length), edits[15], 51, 8, 1_025)
  }

  @Test func `an unknown edit with bit 15 is skipped, whatever its version`() throws {
    let bytes = Forge.changed(Samples.edits[0].encoded(), .plain, at: 0, size: 4, to: 0xffff_8123)
    #expect(try ManifestEdit.decoded(bytes.rawSpan) == nil)
    #expect(throws: FormatError.truncated(.manifestEdit, needed: 8, available: 4)) {
      try ManifestEdit.decoded(bytes.rawSpan.extracting(first: 4))
    }
  }

  @Test func `counters of fixed places leave room to count on`() throws {
    let tooMany: [UInt64] = [1 << 63, 1 << 63 + 1, .max]
    let most: UInt64 = 1 << 63 - 1
    let block = Samples.superblock.encoded(at: 0)
    // The superblock's generation and epoch.
    for field in [32, 40] {
      func changed(_ value: UInt64) -> [UInt8] {
        Forge.changed(block, .superblock(position: 0), at: field, size: 8, to: value)
      }
      for value in tooMany {
        let bytes = changed(value)
        #expect(throws: FormatError.damaged(.superblock, .count)) {
          try SuperBlock(bytes.rawSpan, at: 0)
        }
      }
      let bytes = changed(most)
      #expect(throws: Never.self) { try SuperBlock(bytes.rawSpan, at: 0) }
    }
    // The slot's sequence and commit sequence.
    let slot = Samples.slot.encoded(salt: Samples.salt, at: 4_096)
    for field in [0, 104] {
      func changed(_ value: UInt64) -> [UInt8] {
        Forge.changed(
          slot, .slot(salt: Samples.salt, position: 4_096), at: field, size: 8, to: value)
      }
      for value in tooMany {
        let bytes = changed(value)
        #expect(throws: FormatError.damaged(.recoverySlot, .count)) {
          try RecoverySlot(bytes.rawSpan, salt: Samples.salt, at: 4_096)
        }
      }
      let bytes = changed(most)
      let read = try RecoverySlot(bytes.rawSpan, salt: Samples.salt, at: 4_096)
      #expect(max(read.sequence, read.commitSequence) == most)
    }
  }

  @Test func `sizes and positions in manifest edits are those of possible segments`() throws {
    func decoded(_ edit: Int, _ field: Int, _ value: UInt64) throws -> ManifestEdit? {
      let bytes = Forge.changed(
        Samples.edits[edit].encoded(), .plain, at: field, size: 8, to: value)
      return try ManifestEdit.decoded(bytes.rawSpan)
    }
    // First and later size of a stream's segments, size of a prepared one.
    for (edit, field) in [(1, 40), (1, 48), (4, 24)] {
      for size in [UInt64(1) << 48, 1 << 48 + 1, 1 << 63, .max] {
        #expect(throws: FormatError.damaged(.manifestEdit, .length)) {
          try decoded(edit, field, size)
        }
      }
      #expect(try decoded(edit, field, 1 << 48 - 1) != nil)
    }
    // Where a segment is durable.
    for position in [UInt64(0), 16_376, 16_385, 20_484, .max] {
      #expect(throws: FormatError.damaged(.manifestEdit, .position)) {
        try decoded(10, 24, position)
      }
    }
    for position in [UInt64(16_384), 20_480, 1 << 63] {
      #expect(try decoded(10, 24, position) != nil)
    }
  }
}
