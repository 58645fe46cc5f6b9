internal import COpenSSL

/// What a verified timestamp says.
public struct VerifiedTimestamp: Hashable, Sendable {
  /// When it was made, in whole seconds since 1970-01-01 UTC.
  public let seconds: Int64
  /// The rest of that time in nanoseconds, cut where the authority gives more digits.
  public let nanoseconds: Int32
  /// By how much the time may be wrong either way, in microseconds; `nil` when the authority does not say.
  public let accuracyMicroseconds: Int64?
  /// The authority's number for the stamp, most significant byte first.
  public let serial: [UInt8]
  /// Under which policy, in digits and dots.
  public let policy: String
  /// The name in the certificate that signed, in the form of RFC 2253.
  public let authority: String
}

extension TimestampResponse {
  /// Verifies the stamp: that it is of an imprint, answers a request, and was signed by an authority whose
  /// certificate may do so and leads to one that is trusted.
  ///
  /// Whether certificates had expired is asked for the time of the stamp, since a stamp is to outlive them;
  /// whether one was revoked is not asked at all. A key that becomes known later can stamp any earlier time:
  /// give a time of your own where that matters.
  ///
  /// Some bytes are under no signature, and two responses that differ in them alone both verify and say the
  /// same: whether the stamp was granted with or without modifications, the text of the status, the versions
  /// of the signed data and of the signer's part, the parameters of hash identifiers, the identifier of the
  /// signature's algorithm (libcrypto goes by the key), certificates that the chain does not need, attributes
  /// that are not signed, capitals in the name of the certificate's issuer, and whether the tag of a part says that it has parts.
  ///
  /// - Parameters:
  ///   - imprint: SHA-256 of what was stamped.
  ///   - nonce: The nonce of the request; `nil` when there was none, and then none is looked for.
  ///   - policy: The policy that is wanted; `nil` for any.
  ///   - trusted: Certificates in PEM form, one behind the other: the roots that are trusted.
  ///   - chainSeconds: The time, in seconds since 1970-01-01 UTC, at which the certificates must be valid;
  ///     `nil` for the time of the stamp.
  /// - Returns: What the stamp says.
  /// - Throws: ``TimestampError``.
  public func verify(
    imprint: Digest, nonce: [UInt8]?, policy: String? = nil, trusted: [UInt8],
    chainSeconds: Int64? = nil
  ) throws(TimestampError) -> VerifiedTimestamp {
    let request = try TimestampRequest(imprint: imprint, nonce: nonce, policy: policy)
    let response = try unsafe Self.parse(encoded)
    // Safety: every object that is made here is freed here; what one gives lives as long as it.
    defer { unsafe TS_RESP_free(response) }
    guard let information = unsafe TS_RESP_get_tst_info(response),
      let token = unsafe TS_RESP_get_token(response)
    else { throw .malformed }
    let content = try unsafe StampContent(information)
    guard content.imprint == imprint else { throw .imprint }
    if let nonce {
      guard content.nonce == Array(nonce.drop { $0 == 0 }) else { throw .otherNonce }
    }
    if let policy, content.policy != policy {
      throw .otherPolicy(expected: policy, found: content.policy)
    }
    let chain = try CertificateChain(trusted: trusted, at: chainSeconds ?? content.seconds)
    let authority = try unsafe chain.verify(token)
    // The library's own judgement on everything once more, and on the signature.
    try unsafe chain.verify(response, for: request)
    return VerifiedTimestamp(
      seconds: content.seconds, nanoseconds: content.nanoseconds,
      accuracyMicroseconds: content.accuracyMicroseconds, serial: content.serial,
      policy: content.policy, authority: authority)
  }
}

/// What stands in a stamp, before it is verified.
struct StampContent {
  let imprint: Digest
  let nonce: [UInt8]?
  let policy: String
  let serial: [UInt8]
  let seconds: Int64
  let nanoseconds: Int32
  let accuracyMicroseconds: Int64?

  /// Reads the content that libcrypto has of a token.
  ///
  /// - Throws: ``TimestampError``: `.malformed`, `.imprint` for one that is not of SHA-256.
  init(_ information: OpaquePointer) throws(TimestampError) {
    // Safety: what the content gives lives as long as it; all of it is copied.
    guard let message = unsafe TS_TST_INFO_get_msg_imprint(information),
      let algorithm = unsafe TS_MSG_IMPRINT_get_algo(message),
      let hash = unsafe TS_MSG_IMPRINT_get_msg(message),
      let object = unsafe TS_TST_INFO_get_policy_id(information),
      let serial = unsafe TS_TST_INFO_get_serial(information),
      let time = unsafe TS_TST_INFO_get_time(information)
    else { throw .malformed }
    guard unsafe OBJ_obj2nid(algorithm.pointee.algorithm) == NID_sha256,
      let imprint = unsafe Digest(TimestampResponse.bytes(hash))
    else { throw .imprint }
    guard let (seconds, nanoseconds) = Self.time(unsafe TimestampResponse.bytes(time)) else {
      throw .malformed
    }
    self.imprint = imprint
    self.serial = unsafe TimestampResponse.bytes(serial)
    (self.seconds, self.nanoseconds) = (seconds, nanoseconds)
    policy = try unsafe Self.text(of: object)
    nonce = unsafe TS_TST_INFO_get_nonce(information).map {
      unsafe Array(TimestampResponse.bytes($0).drop { $0 == 0 })
    }
    accuracyMicroseconds = try unsafe TS_TST_INFO_get_accuracy(information).map {
      (accuracy) throws(TimestampError) in try unsafe Self.microseconds(accuracy)
    }
  }

  static func text(of object: OpaquePointer) throws(TimestampError) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    // Safety: the buffer has the size that is named.
    let count = unsafe OBJ_obj2txt(&buffer, Int32(buffer.count), object, 1)
    guard count > 0, count < buffer.count else { throw .malformed }
    return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func microseconds(_ accuracy: OpaquePointer) throws(TimestampError) -> Int64 {
    var sum: Int64 = 0
    // Safety: the parts live as long as the accuracy.
    let parts = unsafe [
      (TS_ACCURACY_get_seconds(accuracy), Int64(1_000_000)),
      (TS_ACCURACY_get_millis(accuracy), 1_000), (TS_ACCURACY_get_micros(accuracy), 1),
    ]
    for unsafe(part, unit) in unsafe parts {
      guard let part = unsafe part else { continue }
      guard let value = unsafe TimestampResponse.number(part), 0...(1 << 40) ~= value else {
        throw .malformed
      }
      sum += value * unit
    }
    return sum
  }

  /// The time in `YYYYMMDDhhmmss`, a fraction if there is one, and `Z`; `nil` for any other text.
  static func time(_ text: [UInt8]) -> (seconds: Int64, nanoseconds: Int32)? {
    guard text.count >= 15, text.last == 0x5a, text[..<14].allSatisfy({ 0x30...0x39 ~= $0 }) else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int64 {
      text[range].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }
    let (year, month, day) = (number(0..<4), number(4..<6), number(6..<8))
    let (hour, minute, second) = (number(8..<10), number(10..<12), number(12..<14))
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as [Int64]
    guard year >= 1, 1...12 ~= month, 1...lengths[Int(month) - 1] ~= day, hour < 24, minute < 60,
      second < 60
    else { return nil }
    let before = year - 1
    let days =
      before * 365 + before / 4 - before / 100 + before / 400
      + lengths[..<(Int(month) - 1)].reduce(0, +) + day - 1 - 719_162
    let fraction = text[14..<(text.count - 1)]
    var nanoseconds: Int32 = 0
    if !fraction.isEmpty {
      let digits = fraction.dropFirst()
      guard fraction.first == 0x2e, !digits.isEmpty, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else {
        return nil
      }
      var unit: Int32 = 100_000_000
      for digit in digits.prefix(9) {
        nanoseconds += Int32(digit - 0x30) * unit
        unit /= 10
      }
    }
    return (((days * 24 + hour) * 60 + minute) * 60 + second, nanoseconds)
  }
}
