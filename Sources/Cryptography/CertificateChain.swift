internal import COpenSSL

/// Trusted certificates, and the chains that lead to them from the certificates of timestamp authorities.
// Safety: the store is made in init, freed in deinit and used by the one thread that holds the object.
@safe final class CertificateChain {
  private let store: OpaquePointer

  /// Reads the certificates that are trusted.
  ///
  /// - Parameters:
  ///   - trusted: Certificates in PEM form.
  ///   - seconds: The time at which certificates must be valid, in seconds since 1970-01-01 UTC.
  /// - Throws: ``TimestampError``: `.noTrustedCertificate`, `.libraryFailed`.
  init(trusted: [UInt8], at seconds: Int64) throws(TimestampError) {
    guard let store = unsafe X509_STORE_new() else {
      throw TimestampRequest.failure("X509_STORE_new")
    }
    unsafe self.store = store
    guard let parameters = unsafe X509_STORE_get0_param(store) else {
      throw TimestampRequest.failure("X509_STORE_get0_param")
    }
    unsafe X509_VERIFY_PARAM_set_time(parameters, Int(seconds))
    try addCertificates(trusted)
  }

  deinit { unsafe X509_STORE_free(store) }

  private func addCertificates(_ pem: [UInt8]) throws(TimestampError) {
    guard let count = Int32(exactly: pem.count), count > 0 else { throw .noTrustedCertificate }
    // Safety: libcrypto reads the bytes inside the closure; each certificate is freed, the store has its own
    // reference.
    let addedCount = unsafe pem.withUnsafeBytes { bytes in
      var addedCount = 0
      let source = unsafe BIO_new_mem_buf(bytes.baseAddress, count)
      defer { unsafe BIO_free(source) }
      // An encrypted block would have libcrypto ask for a password on the terminal.
      while unsafe source != nil,
        let certificate = unsafe PEM_read_bio_X509(source, nil, { _, _, _, _ in -1 }, nil)
      {
        if unsafe X509_STORE_add_cert(store, certificate) == 1 { addedCount += 1 }
        unsafe X509_free(certificate)
      }
      return addedCount
    }
    ERR_clear_error()
    guard addedCount > 0 else { throw .noTrustedCertificate }
  }

  /// Verifies the chain of the certificate that signed a token.
  ///
  /// - Returns: The name in the certificate.
  /// - Throws: ``TimestampError``: `.signerMissing`, `.wrongPurpose`, `.untrusted`, `.malformed`,
  ///   `.libraryFailed`.
  func verify(_ token: UnsafeMutablePointer<PKCS7>) throws(TimestampError) -> String {
    // Safety: the union holds signed data where the type says so; the list of signers is ours, the
    // certificates in it are the token's.
    guard unsafe OBJ_obj2nid(token.pointee.type) == NID_pkcs7_signed,
      let signed = unsafe token.pointee.d.sign
    else { throw .malformed }
    defer { ERR_clear_error() }
    guard let signers = unsafe PKCS7_get0_signers(token, nil, 0) else { throw .signerMissing }
    defer { unsafe OPENSSL_sk_free(signers) }
    guard unsafe OPENSSL_sk_num(signers) == 1, let first = unsafe OPENSSL_sk_value(signers, 0)
    else {
      throw .malformed
    }
    let signer = OpaquePointer(first)
    guard let context = unsafe X509_STORE_CTX_new() else {
      throw .libraryFailed(call: "X509_STORE_CTX_new")
    }
    defer { unsafe X509_STORE_CTX_free(context) }
    guard unsafe X509_STORE_CTX_init(context, store, signer, signed.pointee.cert) == 1,
      unsafe X509_STORE_CTX_set_purpose(context, X509_PURPOSE_TIMESTAMP_SIGN) == 1
    else { throw .libraryFailed(call: "X509_STORE_CTX_init") }
    if unsafe X509_verify_cert(context) != 1 {
      let code = unsafe X509_STORE_CTX_get_error(context)
      if code == X509_V_ERR_INVALID_PURPOSE { throw .wrongPurpose }
      throw .untrusted(
        reason: unsafe String(cString: X509_verify_cert_error_string(Int(code))))
    }
    return try unsafe Self.name(of: signer)
  }

  /// Lets libcrypto verify a whole response.
  ///
  /// - Throws: ``TimestampError``: `.changed`, `.libraryFailed`.
  func verify(_ response: OpaquePointer, for request: TimestampRequest) throws(TimestampError) {
    let request = try unsafe request.makeRequest()
    defer { unsafe TS_REQ_free(request) }
    defer { ERR_clear_error() }
    // Safety: the context copies what it takes from the request, and gives up the reference to the store that
    // was taken for it.
    guard let context = unsafe TS_REQ_to_TS_VERIFY_CTX(request, nil) else {
      throw .libraryFailed(call: "TS_REQ_to_TS_VERIFY_CTX")
    }
    defer { unsafe TS_VERIFY_CTX_free(context) }
    guard unsafe X509_STORE_up_ref(store) == 1 else {
      throw .libraryFailed(call: "X509_STORE_up_ref")
    }
    _ = unsafe TS_VERIFY_CTX_set_store(context, store)
    _ = unsafe TS_VERIFY_CTX_add_flags(context, Int32(TS_VFY_SIGNATURE))
    guard unsafe TS_RESP_verify_response(context, response) == 1 else { throw .changed }
  }

  private static func name(of certificate: OpaquePointer) throws(TimestampError) -> String {
    // Safety: the name is the certificate's; the memory is freed here, and as many bytes are read as there
    // is room for.
    guard let memory = unsafe BIO_new(BIO_s_mem()) else { throw .libraryFailed(call: "BIO_new") }
    defer { unsafe BIO_free(memory) }
    // The form of RFC 2253, with letters that are not ASCII left as they are.
    let form =
      UInt(XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_DN_REV | XN_FLAG_FN_SN)
      | UInt(ASN1_STRFLGS_ESC_2253 | ASN1_STRFLGS_ESC_CTRL | ASN1_STRFLGS_UTF8_CONVERT)
    guard
      unsafe X509_NAME_print_ex(memory, X509_get_subject_name(certificate), 0, form) >= 0
    else { throw .libraryFailed(call: "X509_NAME_print_ex") }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = unsafe BIO_read(memory, &bytes, Int32(bytes.count))
    return String(decoding: bytes.prefix(max(0, Int(count))), as: UTF8.self)
  }
}
