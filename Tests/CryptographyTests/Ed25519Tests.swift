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

  /// Of "Taming the many EdDSAs" (Chalkias, Garillot, Nikolaenko, 2020), as they stood while it was written: keys and
  /// commitments of small and mixed order, scalars that are too large, points that are written in another way.
  /// Libraries disagree about them; by our rule all are refused.
  private static let disputedMessages = [
    "2a66241a42a9ee12994d8068dcf1bb7dfc6637b45450acd43711f637fa5080fc",
    "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
    "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
    "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
    "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
    "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
    "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
    "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
    "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
  ]
  private static let disputedKeys = [
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
    "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
    "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  ]
  private static let disputed: [(message: Int, key: Int, commitment: String, scalar: String)] = [
    (
      0, 0, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "0000000000000000000000000000000000000000000000000000000000000000"
    ),
    (
      1, 0, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      "0000000000000000000000000000000000000000000000000000000000000000"
    ),
    (
      2, 0, "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
      "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
    ),
    (
      3, 0, "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
      "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
    ),
    (
      2, 1, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "182ef1a5b928da07fec769cc8a12db6bcf70dab3f3227fa315e9d5e3e01a3405"
    ),
    (
      4, 1, "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
      "8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e"
    ),
    (
      3, 2, "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f",
      "87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009"
    ),
    (
      5, 2, "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512",
      "5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09"
    ),
    (
      5, 2, "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7",
      "e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405"
    ),
    (
      6, 3, "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e",
      "547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514"
    ),
    (
      6, 3, "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942",
      "7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22"
    ),
    (
      2, 1, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f"
    ),
    (
      2, 1, "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
      "ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908"
    ),
    (
      7, 4, "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc",
      "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
    ),
    (
      8, 4, "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc",
      "a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04"
    ),
  ]

  @Test func `a commitment with a part of small order is refused under a good key`() throws {
    let key = try #require(
      Hexadecimal.bytes("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"))
    let signature = try #require(
      Hexadecimal.bytes(
        "713835e65a84212b423467c1cf4d8fd5e1ac6cdd53162d3a6c744851d101422c"
          + "9bd453027f92dbf2316f057e4ff3792a49ce86558467bf11cec9da397d7cdb05"))
    // With the cofactor the equation holds: whoever has the key can make it hold, for two signatures of one message.
    #expect(try Ed25519.isSound(key))
    #expect(try !Ed25519.isValid(signature, of: Array("hello".utf8), publicKey: key))
  }

  @Test func `signatures that libraries disagree about are refused`() throws {
    for (place, test) in Self.disputed.enumerated() {
      let message = try #require(Hexadecimal.bytes(Self.disputedMessages[test.message]))
      let key = try #require(Hexadecimal.bytes(Self.disputedKeys[test.key]))
      let signature = try #require(Hexadecimal.bytes(test.commitment + test.scalar))
      #expect(try !Ed25519.isValid(signature, of: message, publicKey: key), "case \(place)")
    }
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
