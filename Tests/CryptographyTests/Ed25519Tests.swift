import ByteCoding
import Cryptography
import TestSupport
import Testing

@Suite struct Ed25519Tests {
  @Test func `the first examples of RFC 8032`() throws {
    let examples = [
      (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
          + "d25bf5f0595bbe24655141438e7a100b"
      ),
      (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
          + "387b2eaeb4302aeeb00d291612bb0c00"
      ),
    ]
    for (seed, message, key, signature) in examples {
      let seed = try #require(Hexadecimal.bytes(seed))
      let message = try #require(Hexadecimal.bytes(message))
      #expect(try Ed25519.publicKey(seed: seed) == Hexadecimal.bytes(key))
      let made = try Ed25519.signature(of: message, seed: seed)
      #expect(made == Hexadecimal.bytes(signature))
      let publicKey = try #require(Hexadecimal.bytes(key))
      #expect(try Ed25519.isValid(made, of: message, publicKey: publicKey))
      for bit in stride(from: 0, to: 512, by: 37) {
        var other = made
        other[bit / 8] ^= 1 << (bit % 8)
        #expect(try !Ed25519.isValid(other, of: message, publicKey: publicKey))
      }
    }
  }

  private struct Wycheproof: Decodable {
    struct Group: Decodable {
      struct Key: Decodable { let pk: String }
      struct Case: Decodable {
        let tcId: Int
        let msg: String
        let sig: String
        let result: String
      }
      let publicKey: Key
      let tests: [Case]
    }
    let testGroups: [Group]
  }

  @Test(.enabled(if: Vectors.areThere))
  func `Wycheproof's signatures`() throws {
    var count = 0
    for group in try Vectors.json("wycheproof/ed25519_test.json", as: Wycheproof.self).testGroups {
      let key = try #require(Hexadecimal.bytes(group.publicKey.pk))
      for test in group.tests {
        let message = try #require(Hexadecimal.bytes(test.msg))
        let signature = try #require(Hexadecimal.bytes(test.sig))
        let isValid = try Ed25519.isValid(signature, of: message, publicKey: key)
        #expect(isValid == (test.result == "valid"), "case \(test.tcId)")
        count += 1
      }
    }
    #expect(count == 151)
  }

  @Test func `keys of small order and of wrong size verify nothing`() throws {
    let small = [
      "0000000000000000000000000000000000000000000000000000000000000000",
      "0100000000000000000000000000000000000000000000000000000000000000",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ]
    // The identity signs everything under the key that is the identity.
    let forged = [1] + [UInt8](repeating: 0, count: 63)
    for text in small {
      let key = try #require(Hexadecimal.bytes(text))
      #expect(Ed25519.hasSmallOrder(key))
      #expect(try !Ed25519.isValid(forged, of: [1, 2, 3], publicKey: key))
    }
    #expect(try !Ed25519.hasSmallOrder(Ed25519.publicKey(seed: [UInt8](repeating: 7, count: 32))))
    #expect(try !Ed25519.isValid(forged, of: [], publicKey: [1, 2, 3]))
    #expect(throws: CryptographyError.keyLength(expected: 32, found: 3)) {
      try Ed25519.signature(of: [], seed: [1, 2, 3])
    }
  }
}
