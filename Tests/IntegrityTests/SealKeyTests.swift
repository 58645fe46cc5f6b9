import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct SealKeyTests {
  @Test func `keys of epochs follow from one another as the documentation says`() throws {
    var random = SeededGenerator()
    var bytes = random.bytes(32)
    var key = SealKey(try #require(SecretKey(bytes)))
    let first = key
    let logID = SHA256.digest([1])
    for epoch in 0..<50 as Range<UInt64> {
      let chain = HashChain(count: epoch * 3, head: SHA256.digest([UInt8(epoch)]))
      let seal = key.seal(chain, of: logID, at: Int64(epoch))
      let codeKey = HMACSHA256.code(of: Array("piperoll seal code key v1\n".utf8), key: bytes).bytes
      let code = HMACSHA256.code(
        of: Array("piperoll epoch seal v1\n".utf8) + seal.encoded.prefix(96), key: codeKey)
      #expect(seal.code == code)
      #expect(first.advanced(to: epoch).isValid(seal))
      #expect(!key.next.isValid(seal))
      bytes = SHA256.digest(Array("piperoll next seal key v1\n".utf8) + bytes).bytes
      key = key.next
    }
    #expect(key.epoch == 50 && first.epoch == 0)
    var text = ""
    dump(key, to: &text)
    #expect("\(key)" == "seal key of epoch 50" && !text.contains("secret"))
  }
}
