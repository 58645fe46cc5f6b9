import ByteCoding
import Cryptography
import TestSupport
import Testing

@Suite struct HMACSHA256Tests {
  private struct Wycheproof: Decodable {
    struct Group: Decodable {
      struct Case: Decodable {
        let tcId: Int
        let key: String
        let msg: String
        let tag: String
        let result: String
      }
      let tagSize: Int
      let tests: [Case]
    }
    let testGroups: [Group]
  }

  @Test(.enabled(if: Vectors.areThere)) func `Wycheproof's codes`() throws {
    let groups = try Vectors.json("wycheproof/hmac_sha256_test.json", as: Wycheproof.self)
      .testGroups
    var count = 0
    for group in groups {
      for test in group.tests {
        let key = try #require(Hexadecimal.bytes(test.key))
        let message = try #require(Hexadecimal.bytes(test.msg))
        let tag = try #require(Hexadecimal.bytes(test.tag))
        let code = HMACSHA256.code(of: message, key: key).bytes
        let isSame = Array(code.prefix(group.tagSize / 8)) == tag
        #expect(isSame == (test.result == "valid"), "case \(test.tcId)")
        if group.tagSize == 256 {
          #expect(HMACSHA256.isValid(tag, of: message, key: key) == isSame)
        } else {
          #expect(!HMACSHA256.isValid(tag, of: message, key: key))
        }
        count += 1
      }
    }
    #expect(count == 174)
  }

  @Test func `the second example of RFC 4231`() {
    let code = HMACSHA256.code(
      of: Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8))
    #expect(
      code.description == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
  }
}
