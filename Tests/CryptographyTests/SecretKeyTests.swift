import ByteCoding
import Cryptography
import TestSupport
import Testing

@Suite struct SecretKeyTests {
  private func key(_ bytes: [UInt8]) throws -> SecretKey { try #require(SecretKey(bytes)) }

  @Test func `a secret key makes the codes that the plain function makes`() throws {
    var random = SeededGenerator()
    for count in 0..<200 {
      let (bytes, message) = (random.bytes(32), random.bytes(count))
      let key = try key(bytes)
      let code = HMACSHA256.code(of: message, key: bytes)
      #expect(key.code(of: message) == code)
      #expect(key.isValid(code, of: message) && !key.isValid(code, of: message + [0]))
      #expect(key.derived(message).withBytes { $0.copyBytes() } == code.bytes)
      let digest = SHA256.digest(message + bytes)
      #expect(key.hashed(message).withBytes { $0.copyBytes() } == digest.bytes)
    }
  }

  @Test func `a secret key has 32 bytes and shows none of them`() throws {
    for count in [0, 31, 33, 64] {
      let bytes = [UInt8](repeating: 7, count: count)
      #expect(SecretKey(bytes) == nil)
      var wiped = bytes
      #expect(SecretKey(wiping: &wiped) == nil && wiped.isEmpty)
    }
    let key = try key([UInt8](repeating: 0xab, count: 32))
    #expect("\(key)" == "secret key")
    var text = ""
    dump(key, to: &text)
    #expect(!text.contains("171") && !text.lowercased().contains("ab ab"))
  }

  @Test func `an array that a key was taken out of is overwritten where it lay`() throws {
    var bytes = [UInt8](repeating: 0xcd, count: 32)
    bytes.reserveCapacity(64)
    let key = try #require(SecretKey(wiping: &bytes))
    #expect(bytes.isEmpty)
    #expect(key.withBytes { $0.copyBytes() } == [UInt8](repeating: 0xcd, count: 32))
    // A copy that somebody else holds is his.
    var mine: [UInt8] = [1, 2, 3]
    let other = mine
    SecretKey.wipe(&mine)
    #expect(mine.isEmpty && other == [1, 2, 3])
  }

  @Test func `a fresh key is what the random source gave`() {
    var word: UInt64 = 0
    let key = SecretKey(from: {
      word += 1
      return word
    })
    var expected: [UInt8] = []
    for word in 1...4 as ClosedRange<UInt64> { expected.appendLittleEndian(word) }
    #expect(key.withBytes { $0.copyBytes() } == expected)
  }

  @Test func `AES-GCM is the same with a secret key as with its bytes`() throws {
    var random = SeededGenerator()
    for count in 0..<50 {
      let (bytes, nonce, message) = (random.bytes(32), random.bytes(12), random.bytes(count))
      let key = try key(bytes)
      let sealed = try AESGCM.seal(message, authenticating: [1], key: bytes, nonce: nonce)
      let same = try AESGCM.seal(message.rawSpan, authenticating: [1], key: key, nonce: nonce)
      #expect(same == sealed)
      #expect(try AESGCM.open(sealed, authenticating: [1], key: key, nonce: nonce) == message)
      #expect(try AESGCM.open(sealed, authenticating: [2], key: key, nonce: nonce) == nil)
    }
  }
}
