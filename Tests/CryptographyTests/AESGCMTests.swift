import ByteCoding
import Cryptography
import TestSupport
import Testing

@Suite struct AESGCMTests {
  private struct Wycheproof: Decodable {
    struct Group: Decodable {
      struct Case: Decodable {
        let tcId: Int
        let key: String
        let iv: String
        let aad: String
        let msg: String
        let ct: String
        let tag: String
        let result: String
      }
      let tests: [Case]
    }
    let testGroups: [Group]
  }

  @Test(.enabled(if: Vectors.areThere)) func `Wycheproof's ciphertexts`() throws {
    var (count, longCount) = (0, 0)
    for group in try Vectors.json("wycheproof/aes_gcm_test.json", as: Wycheproof.self).testGroups {
      for test in group.tests {
        let texts = [test.key, test.iv, test.aad, test.msg, test.ct + test.tag]
        let parts = try texts.map { try #require(Hexadecimal.bytes($0)) }
        let (key, nonce, data, message, sealed) = (parts[0], parts[1], parts[2], parts[3], parts[4])
        count += 1
        guard nonce.count <= AESGCM.nonceByteCountLimit else {
          longCount += 1
          #expect(throws: CryptographyError.keyLength(expected: 12, found: nonce.count)) {
            try AESGCM.open(sealed, authenticating: data, key: key, nonce: nonce)
          }
          continue
        }
        let opened = try? AESGCM.open(sealed, authenticating: data, key: key, nonce: nonce)
        #expect((opened == message) == (test.result == "valid"), "case \(test.tcId)")
        if test.result == "valid" {
          #expect(
            try AESGCM.seal(message, authenticating: data, key: key, nonce: nonce) == sealed,
            "case \(test.tcId)")
        }
      }
    }
    #expect(count == 316 && longCount == 3)
  }

  @Test func `what is sealed is opened, and no bit of it can be changed`() throws {
    var random = SeededGenerator()
    for _ in 0..<50 {
      let (key, nonce) = (random.bytes(32), random.bytes(12))
      let (message, data) = (random.bytes(random.below(100)), random.bytes(random.below(40)))
      let sealed = try AESGCM.seal(message, authenticating: data, key: key, nonce: nonce)
      #expect(sealed.count == message.count + AESGCM.tagByteCount)
      #expect(try AESGCM.open(sealed, authenticating: data, key: key, nonce: nonce) == message)
      var other = sealed
      other[random.below(other.count)] ^= 1 << UInt8(random.below(8))
      #expect(try AESGCM.open(other, authenticating: data, key: key, nonce: nonce) == nil)
      #expect(try AESGCM.open(sealed, authenticating: data + [0], key: key, nonce: nonce) == nil)
      let short = Array(sealed.prefix(15))
      #expect(try AESGCM.open(short, authenticating: data, key: key, nonce: nonce) == nil)
    }
    #expect(throws: CryptographyError.keyLength(expected: 32, found: 5)) {
      try AESGCM.seal([1], key: [1, 2, 3, 4, 5], nonce: [1])
    }
    #expect(throws: CryptographyError.keyLength(expected: 12, found: 0)) {
      try AESGCM.seal([1], key: [UInt8](repeating: 1, count: 32), nonce: [])
    }
  }
}
