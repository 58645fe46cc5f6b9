internal import COpenSSL

/// What a timestamp authority answered (RFC 3161), through libcrypto: a stamp that is yet to be verified.
public struct TimestampResponse: Hashable, Sendable {
  /// Largest response that is read, in bytes.
  public static let byteCountLimit = 1 << 16

  /// The response in DER, as it was received (`application/timestamp-reply`).
  public let encoded: [UInt8]

  /// Reads a response.
  ///
  /// - Parameter bytes: The response in DER.
  /// - Throws: ``TimestampError``: `.tooLarge`, `.malformed`, `.refused` when the authority did not stamp.
  public init(_ bytes: [UInt8]) throws(TimestampError) {
    let response = try unsafe Self.parse(bytes)
    defer { unsafe TS_RESP_free(response) }
    // Safety: what the response gives lives as long as it.
    guard let information = unsafe TS_RESP_get_status_info(response),
      let number = unsafe TS_STATUS_INFO_get0_status(information),
      let status = unsafe Self.number(number)
    else { throw .malformed }
    guard [TS_STATUS_GRANTED, TS_STATUS_GRANTED_WITH_MODS].contains(Int32(clamping: status)) else {
      throw .refused(
        status: Int(clamping: status), texts: unsafe Self.texts(information),
        failures: unsafe Self.failures(information))
    }
    guard unsafe TS_RESP_get_token(response) != nil, unsafe TS_RESP_get_tst_info(response) != nil
    else { throw .malformed }
    encoded = bytes
  }

  /// The response as libcrypto has it; the caller frees it.
  static func parse(_ bytes: [UInt8]) throws(TimestampError) -> OpaquePointer {
    guard bytes.count <= byteCountLimit else {
      throw .tooLarge(byteCount: bytes.count, limit: byteCountLimit)
    }
    // Safety: libcrypto reads inside the buffer, which lives for the closure, and copies what it keeps.
    let (response, readCount) = unsafe bytes.withUnsafeBufferPointer { buffer in
      var place = buffer.baseAddress
      let response = unsafe d2i_TS_RESP(nil, &place, buffer.count)
      let count = unsafe place.map { unsafe $0 - (buffer.baseAddress ?? $0) }
      return unsafe (response, count)
    }
    guard let response = unsafe response else {
      ERR_clear_error()
      throw .malformed
    }
    guard readCount == bytes.count else {
      unsafe TS_RESP_free(response)
      throw .malformed
    }
    return unsafe response
  }

  /// A number that fits; `nil` for others.
  static func number(_ integer: UnsafePointer<ASN1_INTEGER>) -> Int64? {
    var value: Int64 = 0
    // Safety: both live through the call.
    guard unsafe ASN1_INTEGER_get_int64(&value, integer) == 1 else {
      ERR_clear_error()
      return nil
    }
    return value
  }

  /// The bytes of a string or number, without its head.
  static func bytes(_ string: UnsafePointer<ASN1_STRING>) -> [UInt8] {
    // Safety: the string says how many bytes there are; they are copied.
    unsafe Array(
      UnsafeBufferPointer(
        start: ASN1_STRING_get0_data(string), count: max(0, Int(ASN1_STRING_length(string)))))
  }

  /// What the authority says in words: a few lines at most, without anything that could steer a terminal.
  private static func texts(_ information: OpaquePointer) -> [String] {
    // Safety: the list and its strings live as long as the response.
    let list = unsafe TS_STATUS_INFO_get0_text(information)
    let count = unsafe list == nil ? 0 : OPENSSL_sk_num(list)
    return (0..<min(max(0, count), 8)).compactMap { place in
      guard let value = unsafe OPENSSL_sk_value(list, place) else { return nil }
      let bytes = unsafe bytes(value.assumingMemoryBound(to: ASN1_STRING.self))
      let text = String(decoding: bytes.prefix(400), as: UTF8.self)
      return String(
        String.UnicodeScalarView(
          text.unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: "\u{fffd}"
            default: scalar
            }
          }))
    }
  }

  private static func failures(_ information: OpaquePointer) -> [TimestampError.Failure] {
    // Safety: the bits live as long as the response.
    guard let bits = unsafe TS_STATUS_INFO_get0_failure_info(information) else { return [] }
    return TimestampError.Failure.allCases.filter {
      unsafe ASN1_BIT_STRING_get_bit(bits, $0.rawValue) == 1
    }
  }
}
