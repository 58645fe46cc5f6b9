import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct RecordLeafTests {
  private static let leaf = RecordLeaf(
    kind: .record, flags: [.tombstone, .salted], offset: 0x1112_1314_1516_1718, appendTime: -2,
    commitment: SHA256.digest([1]))

  @Test func `a leaf is written as its table says`() {
    let expected =
      "01010300" + "1817161514131211" + "feffffffffffffff" + SHA256.digest([1]).description
    #expect(Hexadecimal.text(Self.leaf.encoded) == expected)
    #expect(Self.leaf.encoded.count == RecordLeaf.byteCount)
    #expect(RecordLeaf(Self.leaf.encoded.rawSpan) == Self.leaf)
    let gap = RecordLeaf(kind: .gap, offset: 2, appendTime: 0)
    #expect(RecordLeaf(gap.encoded.rawSpan) == gap)
    // With the prefix, a byte of padding and the length, one block.
    #expect(1 + RecordLeaf.byteCount + 1 + 8 <= 64)
  }

  @Test func `every bit of a leaf counts, and only leaves are read`() {
    let bytes = Self.leaf.encoded
    for bit in 0..<(8 * bytes.count) {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let read = RecordLeaf(other.rawSpan) else { continue }
      #expect(read != Self.leaf && read.encoded == other, "bit \(bit)")
    }
    for count in [0, 51, 53] {
      #expect(RecordLeaf([UInt8](repeating: 1, count: count).rawSpan) == nil)
    }
    // A gap has nothing.
    for place in [2, 12, 20] {
      var gap = RecordLeaf(kind: .gap, offset: 2, appendTime: 0).encoded
      gap[place] = 1
      #expect(RecordLeaf(gap.rawSpan) == nil)
    }
  }

  private struct Parts {
    var time: Int64?
    var key: [UInt8]?
    var type: [UInt8]?
    var headers: [UInt8] = []
    var value: [UInt8] = []
  }

  @Test func `a commitment tells the parts of a record apart`() {
    let records = [
      Parts(value: [1, 2]), Parts(key: [], value: [1, 2]), Parts(type: [], value: [1, 2]),
      Parts(key: [], type: [], value: [1, 2]), Parts(key: [1], value: [2]),
      Parts(type: [1], value: [2]), Parts(headers: [1], value: [2]), Parts(key: [1, 2]),
      Parts(key: [1], type: [2]), Parts(headers: [1, 2]), Parts(key: [1], headers: [2]),
      Parts(value: [1, 2, 0]), Parts(time: 0, value: [1, 2]), Parts(time: 1, value: [1, 2]),
      Parts(time: 0x0201, value: [0, 0, 0, 0, 0, 0, 0, 0, 1, 2]),
    ]
    let salt = [UInt8](repeating: 9, count: RecordContent.saltByteCount)
    let all = records.flatMap { record in
      [nil, salt, [8] + salt.dropFirst()].map {
        RecordContent.commitment(
          eventTime: record.time, key: record.key, type: record.type, headers: record.headers,
          value: record.value, salt: $0)
      }
    }
    #expect(Set(all).count == 3 * records.count)
  }

  @Test func `a commitment is made as its text says`() {
    let head = Array("PRC1".utf8) + [0, 2, 0, 3]
    #expect(
      RecordContent.commitment(key: [7], type: nil, headers: [1, 2, 3], value: [5])
        == SHA256.digest(head + [7, 1, 2, 3, 5]))
    let salt = [UInt8](repeating: 9, count: RecordContent.saltByteCount)
    let salted = Array("PRS1".utf8) + salt + [1, 254, 255, 255, 255, 255, 255, 255, 255]
    let key = [UInt8](repeating: 7, count: 200)
    #expect(
      RecordContent.commitment(
        eventTime: -2, key: key, type: [], headers: [], value: [5], salt: salt)
        == SHA256.digest(salted + [0xc9, 1, 1, 0] + key + [5]))
    // What a record of 100 bytes needs beside its value fits into two blocks with it.
    let prefix = RecordContent.prefix(
      eventTime: 1, keyByteCount: nil, typeByteCount: nil, headersByteCount: 0)
    #expect(prefix.count + 100 + 9 <= 128)
  }
}
