import Cryptography
import Testing

@Suite struct TimestampRequestTests {
  private let imprint = SHA256.digest([1, 2, 3])

  @Test func `a request has the bytes that openssl gives it`() throws {
    let authority = try TimestampAuthority()
    for (options, policy, certificates) in [
      ([], nil, false), (["-cert"], nil, true),
      (["-tspolicy", "1.2.3.4.5.70"], "1.2.3.4.5.70", false),
      (["-cert", "-tspolicy", "2.16.840.1"], "2.16.840.1", true),
    ] as [([String], String?, Bool)] {
      let request = try TimestampRequest(
        imprint: imprint, nonce: nil, policy: policy, certificates: certificates)
      #expect(try request.encoded() == authority.query(imprint, options + ["-no_nonce"]))
    }
    // With a nonce, which openssl chooses: it is the number at the end of the request.
    for _ in 0..<10 {
      let theirs = try authority.query(imprint, [])
      let start = try #require(theirs.indices.dropFirst(50).first { theirs[$0] == 2 })
      let nonce = Array(theirs[(start + 2)...].drop { $0 == 0 })
      #expect(theirs.count == start + 2 + Int(theirs[start + 1]))
      let request = try TimestampRequest(imprint: imprint, nonce: nonce, certificates: false)
      #expect(try request.encoded() == theirs)
    }
  }

  @Test func `nonces and policies that are none are refused`() throws {
    for nonce in [[], [0], [0, 0, 0], [UInt8](repeating: 1, count: 21)] as [[UInt8]] {
      #expect(throws: TimestampError.nonce(byteCount: nonce.count)) {
        try TimestampRequest(imprint: imprint, nonce: nonce)
      }
    }
    for policy in [
      "", "1", "9.9.9", "1..2", "1.2.", "sha256", "1.2.3 ", String(repeating: "1.", count: 200),
    ] {
      #expect(throws: TimestampError.policy(policy)) {
        try TimestampRequest(imprint: imprint, nonce: nil, policy: policy)
      }
    }
    // Zeros in front change nothing.
    let (plain, padded) = try (
      TimestampRequest(imprint: imprint, nonce: [5]),
      TimestampRequest(imprint: imprint, nonce: [0, 5])
    )
    #expect(try plain.encoded() == padded.encoded())
  }
}
