import ByteCoding
import CChecksum
import LogFormat
import TestSupport
import Testing

@Suite struct ChecksumTests {
  static let empty: UInt64 = 0x2d06_8005_38d3_94c2

  @Test func `the checksum of nothing is the reference value of XXH3`() {
    #expect(FrameChecksum.emptyContent == Self.empty)
    #expect(FrameChecksum.content(UnsafeRawBufferPointer(start: nil, count: 0)) == Self.empty)
    let one: [UInt8] = [1]
    let ofNone = one.withUnsafeBytes {
      FrameChecksum.content(UnsafeRawBufferPointer(rebasing: $0[..<0]))
    }
    #expect(ofNone == Self.empty)
  }

  @Test func `all variants agree at every short and many long lengths`() {
    var random = SeededGenerator(seed: 1)
    let bytes = random.bytes(1 << 20)
    let lengths =
      Array(0...1_100) + [4_095, 4_096, 65_535, 65_536, 65_537, 1_000_003, 1 << 20]
    bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      var differences = 0
      for length in lengths {
        for shift in [0, 1, 7] where length + shift <= buffer.count {
          let baseline = piperoll_xxh3_baseline(base + shift, length)
          let others = [
            piperoll_xxh3_avx2(base + shift, length), piperoll_xxh3_avx512(base + shift, length),
            piperoll_xxh3(base + shift, length), piperoll_xxh3_long(base + shift, length),
          ]
          if others.contains(where: { $0 != baseline }) { differences += 1 }
        }
      }
      #expect(differences == 0)
    }
    #expect(["baseline", "avx2", "avx512"].contains(String(cString: piperoll_xxh3_variant())))
  }

  @Test func `the place of a frame is the hash of its two words`() {
    var random = SeededGenerator(seed: 2)
    for _ in 0..<100 {
      let (salt, position, word) = (random.next(), random.next(), random.next())
      var words: [UInt8] = []
      words.appendLittleEndian(salt ^ position)
      words.appendLittleEndian(word)
      let expected = FrameChecksum.content(words.rawSpan)
      #expect(FrameChecksum.place(salt: salt, position: position, word: word) == expected)
    }
  }

  @Test func `a moved frame is the frame written at its new place`() throws {
    let old = (salt: UInt64(11), position: UInt64(16_384))
    let new = (salt: UInt64(0xffff_0000_1234), position: UInt64(99_992))
    func frames(_ place: (salt: UInt64, position: UInt64)) throws -> [[UInt8]] {
      let solo = try Samples.fullRecord.withInput { input throws(FormatError) in
        RecordSpec.soloFrame(
          input, producer: Samples.stamp, offset: 1, appendTime: 2, salt: place.salt,
          position: place.position)
      }
      let batch = try RecordSpec.batchFrame(
        Samples.variedRecords, baseOffset: 1, appendTime: 2, salt: place.salt,
        position: place.position)
      return [
        solo, batch, Samples.commit.encoded(salt: place.salt, at: place.position),
        Frame.padding(length: 40, salt: place.salt, at: place.position)
          + [UInt8](repeating: 1, count: 24),
        Samples.gap.encoded(length: 48, salt: place.salt, at: place.position)
          + [UInt8](repeating: 2, count: 16),
      ]
    }
    for (moved, fresh) in zip(try frames(old), try frames(new)) {
      var bytes = moved
      let word = Forge.word(bytes, at: 0)
      try bytes.withUnsafeMutableBytes { buffer in
        try Frame.mendMoved(buffer, word: word, from: old, to: new)
      }
      #expect(bytes == fresh)
      let head = FrameHead(word: word, checksum: Forge.word(moved, at: 8))
      if head.kind != .batch {
        let checksum = Frame.movedChecksum(head, word: word, from: old, to: new)
        #expect(checksum == Forge.word(fresh, at: 8))
      }
    }
  }

  @Test func `the bit that was flipped is found at every length and place`() {
    var random = SeededGenerator(seed: 5)
    let lengths = [241, 255, 256, 257, 320, 1_023, 1_024, 1_025, 1_087, 1_088, 1_089, 2_048, 5_000]
    for length in lengths {
      var bytes = random.bytes(length + 7)
      let content = 3..<(3 + length)
      let wanted = FrameChecksum.content(bytes.rawSpan.extracting(content))
      let before = bytes
      for number in stride(from: 0, to: 8 * length, by: length > 300 ? 29 : 1) {
        let (byte, bit) = (3 + number / 8, number % 8)
        bytes[byte] ^= 1 << UInt8(bit)
        let found = FrameChecksum.mend(&bytes, content: content, wanted: wanted, in: content)
        #expect(found?.byte == byte && found?.bit == bit && bytes == before)
        // Not where nobody looks.
        bytes[byte] ^= 1 << UInt8(bit)
        for other in [3..<byte, (byte + 1)..<content.upperBound] {
          #expect(FrameChecksum.mend(&bytes, content: content, wanted: wanted, in: other) == nil)
        }
        bytes[byte] ^= 1 << UInt8(bit)
      }
      #expect(
        FrameChecksum.mend(&bytes, content: content, wanted: wanted ^ 1, in: content) == nil)
      #expect(
        FrameChecksum.mend(&bytes, content: content, wanted: 0, in: 0..<bytes.count) == nil)
      #expect(FrameChecksum.mend(&bytes, content: 8..<900_000, wanted: 0, in: content) == nil)
      #expect(bytes == before)
    }
    var short = random.bytes(FrameChecksum.mendingMinimum - 1)
    let all = 0..<short.count
    #expect(FrameChecksum.mend(&short, content: all, wanted: 0, in: all) == nil)
  }

  @Test func `the search is the same with vectors and without`() {
    var random = SeededGenerator(seed: 6)
    var bytes = random.bytes(30_000)
    let wanted = piperoll_xxh3(bytes, bytes.count)
    var memory = [UInt64](repeating: 7, count: FrameChecksum.mendingWordCount(bytes.count))
    for _ in 0..<40 {
      let number = Int(random.next() % UInt64(8 * bytes.count))
      bytes[number / 8] ^= 1 << UInt8(number % 8)
      let count = bytes.count
      let found = bytes.withUnsafeMutableBufferPointer { buffer -> [Int64] in
        guard let base = buffer.baseAddress else { return [] }
        return [
          piperoll_xxh3_find_flip(base, count, wanted, 0, count, &memory),
          piperoll_xxh3_find_flip_baseline(base, count, wanted, 0, count, &memory),
        ]
      }
      #expect(found == [Int64(number), Int64(number)])
      bytes[number / 8] ^= 1 << UInt8(number % 8)
    }
  }

  @Test func `a frame too short to be mended is refused`() throws {
    var bytes = try RecordSpec.batchFrame(
      [RecordSpec("a")], baseOffset: 1, appendTime: 2, salt: 1, position: 16_384)
    let word = Forge.word(bytes, at: 0)
    bytes.removeLast(8)
    #expect(throws: FormatError.damaged(.frame, .length)) {
      try bytes.withUnsafeMutableBytes { buffer in
        try Frame.mendMoved(buffer, word: word, from: (1, 16_384), to: (2, 16_384))
      }
    }
  }
}
