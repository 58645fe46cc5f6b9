import Cryptography
import Foundation
import TestSupport
import Testing

@Suite struct TimestampResponseVerifyTests {
  private let imprint = SHA256.digest([1, 2, 3])
  private let nonce: [UInt8] = [0x81, 2, 3, 4, 5, 6, 7, 8]
  private let authority: TimestampAuthority
  private let request: [UInt8]
  private let response: [UInt8]

  init() throws {
    authority = try TimestampAuthority()
    request = try TimestampRequest(imprint: imprint, nonce: nonce).encoded()
    response = try authority.reply(request)
  }

  private func verify(
    _ bytes: [UInt8], imprint: Digest? = nil, nonce: [UInt8]? = nil, policy: String? = nil,
    trusted: [UInt8]? = nil, chainSeconds: Int64? = nil
  ) throws(TimestampError) -> VerifiedTimestamp {
    try TimestampResponse(bytes).verify(
      imprint: imprint ?? self.imprint, nonce: nonce ?? self.nonce, policy: policy,
      trusted: trusted ?? authority.root, chainSeconds: chainSeconds)
  }

  private func error(_ body: () throws(TimestampError) -> VerifiedTimestamp) -> TimestampError? {
    do throws(TimestampError) {
      _ = try body()
      return nil
    } catch {
      return error
    }
  }

  @Test func `the stamp of an authority is accepted, here and by openssl`() throws {
    #expect(try authority.accepts(response, request))
    let stamp = try verify(response, policy: "1.2.3.4.1")
    #expect(stamp.authority == "CN=tsa,O=Test,C=CH")
    #expect(stamp.policy == "1.2.3.4.1" && stamp.accuracyMicroseconds == 1_500_100)
    #expect(try stamp == verify(response, trusted: authority.otherRoot + authority.root))
    let text = try authority.text(response)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("Time stamp: ") })
    let format = DateFormatter()
    format.locale = Locale(identifier: "en_US_POSIX")
    format.timeZone = TimeZone(identifier: "GMT")
    let hasFraction = line.split(separator: ":").last?.contains(".") ?? false
    format.dateFormat = hasFraction ? "MMM d HH:mm:ss.SSS yyyy 'GMT'" : "MMM d HH:mm:ss yyyy 'GMT'"
    let words = line.dropFirst("Time stamp: ".count).split(separator: " ").joined(separator: " ")
    let date = try #require(format.date(from: words), "\(words)")
    let ours = Double(stamp.seconds) + Double(stamp.nanoseconds) / 1e9
    #expect(abs(date.timeIntervalSince1970 - ours) < 0.0015)
    let serial = stamp.serial.map { String(format: "%02X", $0) }.joined()
    #expect(text.contains("Serial number: 0x\(serial)\n"))
    // Under another policy, without a nonce.
    let other = try TimestampRequest(imprint: imprint, nonce: nil, policy: "1.2.3.4.5.70")
    let answer = try authority.reply(other.encoded())
    let plain = try TimestampResponse(answer).verify(
      imprint: imprint, nonce: nil, policy: "1.2.3.4.5.70", trusted: authority.root)
    #expect(plain.policy == "1.2.3.4.5.70" && plain.serial != stamp.serial)
    #expect(error { () throws(TimestampError) in try verify(answer) } == .otherNonce)
  }

  @Test func `each thing that is wrong with a stamp has its error`() throws {
    typealias Check = (TimestampError, () throws(TimestampError) -> VerifiedTimestamp)
    let checks: [Check] = [
      (
        .imprint, { () throws(TimestampError) in try verify(response, imprint: SHA256.digest([4])) }
      ),
      (.otherNonce, { () throws(TimestampError) in try verify(response, nonce: [1]) }),
      (
        .otherPolicy(expected: "1.2.3", found: "1.2.3.4.1"),
        { () throws(TimestampError) in try verify(response, policy: "1.2.3") }
      ),
      (.noTrustedCertificate, { () throws(TimestampError) in try verify(response, trusted: []) }),
      (
        .noTrustedCertificate,
        { () throws(TimestampError) in try verify(response, trusted: Array("-----BEGIN".utf8)) }
      ),
      (.malformed, { () throws(TimestampError) in try verify(response + [0]) }),
    ]
    for (expected, body) in checks { #expect(error(body) == expected) }
    let untrusted = error { () throws(TimestampError) in
      try verify(response, trusted: authority.otherRoot)
    }
    guard case .untrusted = untrusted else {
      Issue.record("found: \(String(describing: untrusted))")
      return
    }
    for seconds in [0, 4_000_000_000] as [Int64] {
      let found = error { () throws(TimestampError) in
        try verify(response, chainSeconds: seconds)
      }
      guard case .untrusted = found else {
        Issue.record("found: \(String(describing: found))")
        continue
      }
    }
    let bare = try TimestampRequest(imprint: imprint, nonce: nonce, certificates: false)
    let answer = try authority.reply(bare.encoded())
    #expect(error { () throws(TimestampError) in try verify(answer) } == .signerMissing)
    let forged = try authority.signedByOther(response)
    #expect(error { () throws(TimestampError) in try verify(forged) } == .wrongPurpose)
    var changed = response
    changed[changed.count - 1] ^= 1
    #expect(error { () throws(TimestampError) in try verify(changed) } == .changed)
  }

  @Test func `no flipped bit of a response changes what is verified`() throws {
    let stamp = try verify(response)
    var harmless: [Int] = []
    for bit in 0..<response.count * 8 {
      var other = response
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let found = try? verify(other) else { continue }
      #expect(found == stamp, "bit \(bit)")
      harmless.append(bit)
    }
    // Those that are under no signature, by name; see the documentation of `verify`.
    let null: [UInt8] = [3, 4, 2, 1, 5, 0]
    let digestNull = try #require(response.firstRange(of: null)).lowerBound + 4
    let signer = try #require(response.ranges(of: [2, 1, 1, 0x30]).last).lowerBound
    let signerNull = try #require(response[signer...].firstRange(of: null)).lowerBound + 4
    let ecdsa: [UInt8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]
    let algorithm = try #require(response.ranges(of: ecdsa).last)
    let statusPlace = 8
    let version = try #require(response.firstRange(of: [2, 1, 3, 0x31])).lowerBound + 2
    let places = [statusPlace, version, digestNull, signer + 2, signerNull] + Array(algorithm)
    for bit in harmless where bit % 8 != 5 {
      #expect(places.contains(bit / 8), "bit \(bit % 8) of byte \(bit / 8)")
    }
    // And the bit of a tag that says whether a part has parts, and of a letter whether it is a capital.
    let issuer = try #require(response.ranges(of: Array("root".utf8)).last)
    let tags: Set<UInt8> = [0x30, 0x31, 0xa0]
    for bit in harmless where bit % 8 == 5 && !places.contains(bit / 8) {
      #expect(tags.contains(response[bit / 8]) || issuer.contains(bit / 8), "byte \(bit / 8)")
    }
    #expect(harmless.count < response.count * 8 / 10)
  }

  @Test func `prefixes and mutations of a response are refused or say the same`() throws {
    let stamp = try verify(response)
    for count in 0..<response.count {
      let cut = Array(response.prefix(count))
      #expect(throws: TimestampError.self) { try TimestampResponse(cut) }
    }
    var random = SeededGenerator()
    var acceptedCount = 0
    for _ in 0..<10_000 {
      var other = response
      for _ in 0...random.below(4) {
        let place = random.below(other.count)
        switch random.below(4) {
        case 0: other[place] = UInt8(random.below(256))
        case 1: other.removeSubrange(place..<min(other.count, place + 1 + random.below(9)))
        case 2: other.insert(contentsOf: random.bytes(1 + random.below(9)), at: place)
        default:
          let source = random.below(other.count)
          let piece = Array(other[source..<min(other.count, source + 1 + random.below(60))])
          other.replaceSubrange(place..<min(other.count, place + piece.count), with: piece)
        }
        if other.isEmpty { other = [0x30] }
      }
      guard let found = try? verify(other) else { continue }
      #expect(found == stamp)
      acceptedCount += 1
    }
    #expect(acceptedCount < 2_000)
  }
}
