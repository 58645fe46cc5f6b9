/// Why there is no timestamp, or why one proves nothing.
public enum TimestampError: Error, Hashable, Sendable {
  /// A nonce has 1 to 20 bytes, and not all are zero.
  case nonce(byteCount: Int)
  /// A policy is an object identifier in digits and dots.
  case policy(String)
  /// A response is larger than any should be.
  case tooLarge(byteCount: Int, limit: Int)
  /// The bytes are no response of RFC 3161, or one in which something is missing.
  case malformed
  /// The authority did not stamp.
  case refused(status: Int, texts: [String], failures: [Failure])
  /// What was stamped is something else.
  case imprint
  /// The response answers another request.
  case otherNonce
  /// The authority stamped under another policy.
  case otherPolicy(expected: String, found: String)
  /// Among what is trusted is no certificate that can be read.
  case noTrustedCertificate
  /// The certificate that signed is not in the response.
  case signerMissing
  /// No chain leads from the authority's certificate to a trusted one; the reason is libcrypto's.
  case untrusted(reason: String)
  /// The certificate that signed may not sign timestamps.
  case wrongPurpose
  /// The signature does not verify, or is of another certificate than the token says.
  case changed
  /// libcrypto failed.
  case libraryFailed(call: String)

  /// What an authority says of a refusal (RFC 3161, PKIFailureInfo).
  public enum Failure: Int32, CaseIterable, Hashable, Sendable {
    /// The hash is not supported.
    case badAlgorithm = 0
    /// The request is not permitted or supported.
    case badRequest = 2
    /// The request is malformed.
    case badDataFormat = 5
    /// The authority's clock is not available.
    case timeNotAvailable = 14
    /// The policy is not supported.
    case unacceptedPolicy = 15
    /// An extension is not supported.
    case unacceptedExtension = 16
    /// What was asked for besides is not available.
    case additionalInformationNotAvailable = 17
    /// The authority failed.
    case systemFailure = 25
  }
}

extension TimestampError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .nonce(let byteCount):
      "a nonce of \(byteCount) bytes; give 1 to \(TimestampRequest.nonceByteCountLimit), not all zero"
    case .policy(let text):
      "a policy of \(text.utf8.count) bytes that is no object identifier; give digits and dots"
    case .tooLarge(let byteCount, let limit):
      "a response of \(byteCount) bytes; none has more than \(limit)"
    case .malformed: "not a response of RFC 3161; ask the authority again"
    case .refused(let status, let texts, let failures):
      "the authority refused with status \(status)"
        + (failures.isEmpty ? "" : " (\(failures.map { "\($0)" }.joined(separator: ", ")))")
        + (texts.isEmpty ? "" : ": \(texts.joined(separator: "; "))")
    case .imprint: "the timestamp is of something else; give what was stamped"
    case .otherNonce: "the response answers another request; ask the authority again"
    case .otherPolicy(let expected, let found):
      "stamped under policy \(found) where \(expected) is wanted; ask for that one"
    case .noTrustedCertificate:
      "no certificate in what is trusted; give the authority's root in PEM form"
    case .signerMissing:
      "the certificate that signed is not in the response; ask with certificates"
    case .untrusted(let reason):
      "the authority's certificate is not trusted (\(reason)); give its root, if it is"
    case .wrongPurpose:
      "the certificate that signed may not sign timestamps; the stamp is not an authority's"
    case .changed: "the timestamp's signature does not verify: it was changed"
    case .libraryFailed(let call):
      "libcrypto's \(call) failed; check the memory and the configuration of OpenSSL"
    }
  }
}
