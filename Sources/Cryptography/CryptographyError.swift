/// What libcrypto could not do.
public enum CryptographyError: Error, Hashable, Sendable {
  /// A call into libcrypto failed: out of memory, or its default provider is not there.
  case libraryFailed(call: String)
  /// A key is not of the size its algorithm wants.
  case keyLength(expected: Int, found: Int)
}

extension CryptographyError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .libraryFailed(let call):
      "libcrypto's \(call) failed; check the memory and the configuration of OpenSSL"
    case .keyLength(let expected, let found):
      "a key of \(found) bytes where \(expected) belong"
    }
  }
}
