import ByteCoding
import Testing

@Suite struct LittleEndianTests {
  static let bytes: [UInt8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff]

  @Test func `numbers are read least significant byte first at any alignment`() {
    let span = Self.bytes.rawSpan
    #expect(span.unsigned8(at: 1) == 0x23)
    #expect(span.littleEndianUnsigned16(at: 1) == 0x4523)
    #expect(span.littleEndianUnsigned32(at: 1) == 0x8967_4523)
    #expect(span.littleEndianUnsigned64(at: 1) == 0xffef_cdab_8967_4523)
    #expect(span.littleEndianSigned64(at: 1) == Int64(bitPattern: 0xffef_cdab_8967_4523))
  }

  @Test(arguments: [-1, 9, 10, Int.max, Int.min, Int.max - 7])
  func `a read outside answers nil and does not trap`(_ position: Int) {
    let span = Self.bytes.rawSpan
    #expect(span.unsigned8(at: position) == nil)
    #expect(span.littleEndianUnsigned16(at: position) == nil)
    #expect(span.littleEndianUnsigned32(at: position) == nil)
    #expect(span.littleEndianUnsigned64(at: position) == nil)
  }

  @Test func `a read that crosses the end answers nil`() {
    let span = Self.bytes.rawSpan
    #expect(span.littleEndianUnsigned16(at: 8) == nil)
    #expect(span.littleEndianUnsigned32(at: 6) == nil)
    #expect(span.littleEndianUnsigned64(at: 2) == nil)
    let answers = [
      span.contains(9, count: 1), span.contains(0, count: -1), span.contains(1, count: .max),
      span.contains(9, count: 0),
    ]
    #expect(answers == [false, false, false, true])
  }

  @Test func `appended numbers are read back`() {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt16(0xbeef))
    bytes.appendLittleEndian(UInt32(0xdead_beef))
    bytes.appendLittleEndian(UInt64(0x0123_4567_89ab_cdef))
    bytes.appendLittleEndian(Int64.min)
    bytes.append(Self.bytes.rawSpan)
    #expect(bytes.count == 2 + 4 + 8 + 8 + 9)
    #expect(bytes.rawSpan.littleEndianUnsigned16(at: 0) == 0xbeef)
    #expect(bytes.rawSpan.littleEndianUnsigned32(at: 2) == 0xdead_beef)
    #expect(bytes.rawSpan.littleEndianUnsigned64(at: 6) == 0x0123_4567_89ab_cdef)
    #expect(bytes.rawSpan.littleEndianSigned64(at: 14) == .min)
    #expect(Array(bytes[22...]) == Self.bytes)
  }

  @Test func `stored numbers are read back`() {
    var bytes = [UInt8](repeating: 0, count: 22)
    bytes.withUnsafeMutableBytes { buffer in
      buffer.storeLittleEndian(UInt16(0x0102), at: 0)
      buffer.storeLittleEndian(UInt32(0x0304_0506), at: 2)
      buffer.storeLittleEndian(UInt64(0x0708_090a_0b0c_0d0e), at: 6)
      buffer.storeLittleEndian(Int64(-2), at: 14)
    }
    #expect(Array(bytes[..<6]) == [2, 1, 6, 5, 4, 3])
    #expect(bytes.rawSpan.littleEndianUnsigned64(at: 6) == 0x0708_090a_0b0c_0d0e)
    #expect(bytes.rawSpan.littleEndianSigned64(at: 14) == -2)
  }

  @Test func `all zero is seen at every length and place`() {
    for count in 0..<40 {
      let zeros = [UInt8](repeating: 0, count: count)
      let isZero = zeros.rawSpan.isAllZero
      #expect(isZero)
      for index in 0..<count {
        var bytes = zeros
        bytes[index] = 1
        let isZero = bytes.rawSpan.isAllZero
        #expect(!isZero)
      }
    }
  }
}

@Suite struct HexadecimalTests {
  @Test func `numbers and bytes are lower-case digits`() {
    #expect(Hexadecimal.text([0, 0x0f, 0xa5]) == "000fa5")
    #expect(Hexadecimal.digits(0x2a, count: 16) == "000000000000002a")
    #expect(Hexadecimal.number("000000000000002a", count: 16) == 0x2a)
    #expect(Hexadecimal.number("ffffffffffffffff", count: 16) == .max)
  }

  @Test(arguments: [
    "", "2a", "000000000000002A", "00000000000000 2", "+00000000000002a", "g00000000000002a",
  ])
  func `any other text is refused`(_ text: String) {
    #expect(Hexadecimal.number(text, count: 16) == nil)
  }
}

@Suite struct UniqueIdentifierTests {
  @Test func `text has the form of a UUID`() {
    let id = UniqueIdentifier(high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)
    #expect(id.description == "00112233-4455-6677-8899-aabbccddeeff")
  }

  @Test func `random bits get version 4 and the RFC variant`() {
    let ones = UniqueIdentifier(random: .max, .max)
    #expect(ones.high == 0xffff_ffff_ffff_4fff)
    #expect(ones.low == 0xbfff_ffff_ffff_ffff)
    let zeros = UniqueIdentifier(random: 0, 0)
    #expect(zeros.high == 0x4000)
    #expect(zeros.low == 0x8000_0000_0000_0000)
  }
}
