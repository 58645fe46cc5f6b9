import Cryptography
import Testing

@Suite struct DigestTests {
  @Test func `a digest has 32 bytes and keeps their order`() {
    let bytes = (0..<32).map { UInt8($0) }
    #expect(Digest(bytes)?.bytes == bytes)
    #expect(Digest(bytes)?.description.hasPrefix("000102030405") == true)
    for count in [0, 31, 33, 64] {
      #expect(Digest([UInt8](repeating: 0, count: count)) == nil)
    }
    #expect(Digest().bytes == [UInt8](repeating: 0, count: 32))
  }
}
