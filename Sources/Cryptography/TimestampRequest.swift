internal import COpenSSL

/// A request to a timestamp authority (RFC 3161), through libcrypto.
public struct TimestampRequest: Hashable, Sendable {
  /// Most bytes of a nonce.
  public static let nonceByteCountLimit = 20

  /// SHA-256 of what is to be stamped.
  public let imprint: Digest
  /// A number that nobody can predict, most significant byte first, so that no old response is taken for a
  /// new one; `nil` for none.
  public let nonce: [UInt8]?
  /// Under which policy, an object identifier in digits and dots; `nil` for the authority's choice.
  public let policy: String?
  /// Whether the response is to hold the authority's certificates, without which it cannot be verified here.
  public let certificates: Bool

  /// A request.
  ///
  /// - Parameters:
  ///   - imprint: SHA-256 of what is to be stamped.
  ///   - nonce: 1 to 20 bytes, not all zero, or `nil`.
  ///   - policy: An object identifier in digits and dots, or `nil`.
  ///   - certificates: Whether the response is to hold the authority's certificates.
  /// - Throws: ``TimestampError``: `.nonce`, `.policy`.
  public init(
    imprint: Digest, nonce: [UInt8]?, policy: String? = nil, certificates: Bool = true
  ) throws(TimestampError) {
    if let nonce {
      guard (1...Self.nonceByteCountLimit).contains(nonce.count), nonce.contains(where: { $0 != 0 })
      else { throw .nonce(byteCount: nonce.count) }
    }
    if let policy, !Self.isIdentifier(policy) { throw .policy(policy) }
    (self.imprint, self.nonce, self.policy) = (imprint, nonce, policy)
    self.certificates = certificates
  }

  private static func isIdentifier(_ text: String) -> Bool {
    defer { ERR_clear_error() }
    // Safety: the text lives through the call; the object is freed here.
    guard text.utf8.count <= 200, text.utf8.allSatisfy({ $0 == 0x2e || 0x30...0x39 ~= $0 }),
      let object = unsafe OBJ_txt2obj(text, 1)
    else { return false }
    defer { unsafe ASN1_OBJECT_free(object) }
    // libcrypto reads more than it writes: points too many, zeros in front.
    return unsafe (try? StampContent.text(of: object)) == text
  }

  /// The request in DER, as it is sent (`application/timestamp-query`).
  ///
  /// - Throws: ``TimestampError/libraryFailed(call:)``.
  public func encoded() throws(TimestampError) -> [UInt8] {
    let request = try unsafe makeRequest()
    defer { unsafe TS_REQ_free(request) }
    // Safety: without a place to write to the size is told; the array then has that size.
    let count = unsafe i2d_TS_REQ(request, nil)
    guard count > 0 else { throw Self.failure("i2d_TS_REQ") }
    var bytes = [UInt8](repeating: 0, count: Int(count))
    let written = unsafe bytes.withUnsafeMutableBufferPointer { buffer in
      var place = buffer.baseAddress
      return unsafe i2d_TS_REQ(request, &place)
    }
    guard written == count else { throw Self.failure("i2d_TS_REQ") }
    return bytes
  }

  static func failure(_ call: String) -> TimestampError {
    ERR_clear_error()
    return .libraryFailed(call: call)
  }

  /// The request as libcrypto has it; the caller frees it.
  func makeRequest() throws(TimestampError) -> OpaquePointer {
    guard let request = unsafe TS_REQ_new() else { throw Self.failure("TS_REQ_new") }
    do throws(TimestampError) {
      // Safety: libcrypto copies what it is given; the request lives until the caller frees it.
      guard unsafe TS_REQ_set_version(request, 1) == 1,
        unsafe TS_REQ_set_cert_req(request, certificates ? 1 : 0) == 1
      else { throw Self.failure("TS_REQ_set_version") }
      try unsafe setImprint(of: request)
      if let nonce { try unsafe Self.setNonce(nonce, of: request) }
      if let policy {
        let object = unsafe OBJ_txt2obj(policy, 1)
        defer { unsafe ASN1_OBJECT_free(object) }
        guard unsafe object != nil, unsafe TS_REQ_set_policy_id(request, object) == 1 else {
          throw Self.failure("TS_REQ_set_policy_id")
        }
      }
    } catch {
      unsafe TS_REQ_free(request)
      throw error
    }
    return unsafe request
  }

  private func setImprint(of request: OpaquePointer) throws(TimestampError) {
    // Safety: both objects are freed here; the request takes copies. The digest has 32 bytes.
    let message = unsafe TS_MSG_IMPRINT_new()
    defer { unsafe TS_MSG_IMPRINT_free(message) }
    let algorithm = unsafe X509_ALGOR_new()
    defer { unsafe X509_ALGOR_free(algorithm) }
    var bytes = imprint.bytes
    guard unsafe message != nil, unsafe algorithm != nil,
      unsafe X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, nil) == 1,
      unsafe TS_MSG_IMPRINT_set_algo(message, algorithm) == 1,
      unsafe TS_MSG_IMPRINT_set_msg(message, &bytes, Int32(bytes.count)) == 1,
      unsafe TS_REQ_set_msg_imprint(request, message) == 1
    else { throw Self.failure("TS_REQ_set_msg_imprint") }
  }

  private static func setNonce(_ nonce: [UInt8], of request: OpaquePointer) throws(TimestampError) {
    // Safety: both numbers are freed here; the request takes a copy.
    let number = unsafe BN_bin2bn(nonce, Int32(nonce.count), nil)
    defer { unsafe BN_free(number) }
    let integer = unsafe BN_to_ASN1_INTEGER(number, nil)
    defer { unsafe ASN1_INTEGER_free(integer) }
    guard unsafe number != nil, unsafe integer != nil,
      unsafe TS_REQ_set_nonce(request, integer) == 1
    else { throw failure("TS_REQ_set_nonce") }
  }
}
