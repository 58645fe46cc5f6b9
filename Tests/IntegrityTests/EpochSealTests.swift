import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct EpochSealTests {
  private let key: SealKey = SealKey(SecretKey(from: { 7 }), epoch: 3)

  private var seal: EpochSeal {
    key.seal(
      HashChain(count: 9, head: SHA256.digest([2])), of: SHA256.digest([1]), at: -5)
  }

  @Test func `a seal has the bytes that its table says`() {
    var expected = Array("PRES".utf8) + [1, 0, 0, 0] + SHA256.digest([1]).bytes
    for word in [3, UInt64(bitPattern: -5), 9] { expected.appendLittleEndian(word) }
    expected += SHA256.digest([2]).bytes
    #expect(Array(seal.encoded.prefix(96)) == expected)
    #expect(seal.encoded.count == EpochSeal.byteCount)
    let bytes = seal.encoded
    let read = EpochSeal(bytes.rawSpan)
    #expect(read == seal)
  }

  @Test func `no bit of a seal can be changed`() {
    let bytes = seal.encoded
    for bit in 0..<bytes.count * 8 {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      let read = EpochSeal(other.rawSpan)
      #expect((read == nil) == (bit < 64), "bit \(bit)")
      if let read { #expect(!key.isValid(read), "bit \(bit)") }
    }
    for count in [0, 1, 8, 127, 129, 256] {
      let cut = Array((bytes + bytes).prefix(count))
      let read = EpochSeal(cut.rawSpan)
      #expect(read == nil)
    }
  }
}
