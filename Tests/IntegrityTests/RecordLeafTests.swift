import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct RecordLeafTests {
  private static let leaf = RecordLeaf(
    kind: .record, flags: [.tombstone, .eventTime], streamID: 0x0102_0304_0506_0708,
    offset: 0x1112_1314_1516_1718, appendTime: -2, eventTime: 0x2122_2324_2526_2728,
    contentByteCount: 0x31, commitment: SHA256.digest([1]))

  @Test func `a leaf is written as its table says`() {
    let expected =
      "0101030000000000" + "0807060504030201" + "1817161514131211" + "feffffffffffffff"
      + "2827262524232221" + "3100000000000000" + SHA256.digest([1]).description
    #expect(Hexadecimal.text(Self.leaf.encoded) == expected)
    #expect(Self.leaf.encoded.count == RecordLeaf.byteCount)
    #expect(RecordLeaf(Self.leaf.encoded.rawSpan) == Self.leaf)
    let gap = RecordLeaf(kind: .gap, streamID: 1, offset: 2, appendTime: 3)
    #expect(RecordLeaf(gap.encoded.rawSpan) == gap)
  }

  @Test func `every bit of a leaf counts, and only leaves are read`() {
    let bytes = Self.leaf.encoded
    for bit in 0..<(8 * bytes.count) {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let read = RecordLeaf(other.rawSpan) else { continue }
      #expect(read != Self.leaf && read.encoded == other, "bit \(bit)")
    }
    for count in [0, 79, 81] {
      #expect(RecordLeaf([UInt8](repeating: 1, count: count).rawSpan) == nil)
    }
    // A gap has nothing, and a time that is none is zero.
    for place in [2, 40, 48] {
      var gap = RecordLeaf(kind: .gap, streamID: 1, offset: 2, appendTime: 3).encoded
      gap[place] = 1
      #expect(RecordLeaf(gap.rawSpan) == nil)
    }
    var timeless = Self.leaf
    timeless.flags = []
    #expect(RecordLeaf(timeless.encoded.rawSpan) == nil)
  }

  @Test func `a commitment tells the parts of a record apart`() {
    let none: [UInt8]? = nil
    let records: [([UInt8]?, [UInt8]?, [UInt8], [UInt8])] = [
      (none, none, [], [1, 2]), ([], none, [], [1, 2]), (none, [], [], [1, 2]),
      ([], [], [], [1, 2]), ([1], none, [], [2]), (none, [1], [], [2]), (none, none, [1], [2]),
      ([1, 2], none, [], []), ([1], [2], [], []), (none, none, [1, 2], []), ([1], none, [2], []),
      (none, none, [], [1, 2, 0]),
    ]
    let salt = [UInt8](repeating: 9, count: RecordContent.saltByteCount)
    let all = records.flatMap { key, type, headers, value in
      [nil, salt, [8] + salt.dropFirst()].map {
        RecordContent.commitment(key: key, type: type, headers: headers, value: value, salt: $0)
      }
    }
    #expect(Set(all).count == 3 * records.count)
    let plain = Array("PRC1".utf8) + [2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]
    #expect(
      RecordContent.commitment(key: [7], type: nil, headers: [1, 2, 3], value: [5])
        == SHA256.digest(plain + [7, 1, 2, 3, 5]))
    #expect(plain.count == RecordContent.prefixByteCount)
  }
}
