internal import ByteCoding
internal import COpenSSL

/// Ed25519 signatures (RFC 8032), through libcrypto.
public enum Ed25519 {
  /// Bytes of a public key.
  public static let publicKeyByteCount = 32
  /// Bytes of the seed that a private key is.
  public static let seedByteCount = 32
  /// Bytes of a signature.
  public static let signatureByteCount = 64

  /// Whether a signature over a message is that of a key.
  ///
  /// Keys of small order are refused whatever the signature: under them it proves nothing.
  ///
  /// - Throws: ``CryptographyError/libraryFailed(call:)`` when it cannot be told.
  public static func isValid(
    _ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]
  ) throws(CryptographyError) -> Bool {
    guard signature.count == signatureByteCount, publicKey.count == publicKeyByteCount,
      !hasSmallOrder(publicKey)
    else { return false }
    // Safety: the size was checked above; libcrypto copies the bytes.
    guard
      let key = unsafe EVP_PKEY_new_raw_public_key(
        EVP_PKEY_ED25519, nil, publicKey, publicKeyByteCount)
    else { throw .libraryFailed(call: "EVP_PKEY_new_raw_public_key") }
    defer { unsafe EVP_PKEY_free(key) }
    guard let context = unsafe EVP_MD_CTX_new() else {
      throw .libraryFailed(call: "EVP_MD_CTX_new")
    }
    defer { unsafe EVP_MD_CTX_free(context) }
    // Safety: key and context live until the deferred calls; sizes are those of the arrays.
    guard unsafe EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 else {
      throw .libraryFailed(call: "EVP_DigestVerifyInit")
    }
    return unsafe EVP_DigestVerify(
      context, signature, signature.count, message, message.count) == 1
  }

  /// The signature of a message; the same one each time.
  ///
  /// - Throws: ``CryptographyError``: `.keyLength`, `.libraryFailed`.
  public static func signature(of message: [UInt8], seed: [UInt8]) throws(CryptographyError)
    -> [UInt8]
  {
    let key = try unsafe makePrivateKey(seed)
    defer { unsafe EVP_PKEY_free(key) }
    guard let context = unsafe EVP_MD_CTX_new() else {
      throw .libraryFailed(call: "EVP_MD_CTX_new")
    }
    defer { unsafe EVP_MD_CTX_free(context) }
    // Safety: key and context live until the deferred calls; the signature has the room it is said to.
    guard unsafe EVP_DigestSignInit(context, nil, nil, nil, key) == 1 else {
      throw .libraryFailed(call: "EVP_DigestSignInit")
    }
    var signature = [UInt8](repeating: 0, count: signatureByteCount)
    var count = signature.count
    guard
      unsafe EVP_DigestSign(context, &signature, &count, message, message.count) == 1,
      count == signatureByteCount
    else { throw .libraryFailed(call: "EVP_DigestSign") }
    return signature
  }

  /// The public key that belongs to a seed.
  ///
  /// - Throws: ``CryptographyError``: `.keyLength`, `.libraryFailed`.
  public static func publicKey(seed: [UInt8]) throws(CryptographyError) -> [UInt8] {
    let key = try unsafe makePrivateKey(seed)
    defer { unsafe EVP_PKEY_free(key) }
    var bytes = [UInt8](repeating: 0, count: publicKeyByteCount)
    var count = bytes.count
    // Safety: the array has the room it is said to have.
    guard unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1,
      count == publicKeyByteCount
    else { throw .libraryFailed(call: "EVP_PKEY_get_raw_public_key") }
    return bytes
  }

  private static func makePrivateKey(_ seed: [UInt8]) throws(CryptographyError) -> OpaquePointer {
    guard seed.count == seedByteCount else {
      throw .keyLength(expected: seedByteCount, found: seed.count)
    }
    // Safety: the size was checked above; libcrypto copies the bytes.
    guard
      let key = unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seedByteCount)
    else { throw .libraryFailed(call: "EVP_PKEY_new_raw_private_key") }
    return unsafe key
  }

  // MARK: Keys that prove nothing

  /// Whether a public key is a point of small order, in any encoding a decoder might take: with such a
  /// key anybody can make signatures that verify.
  public static func hasSmallOrder(_ publicKey: [UInt8]) -> Bool {
    guard publicKey.count == publicKeyByteCount else { return false }
    // The sign of x is the top bit, and does not change the order.
    var y = publicKey
    y[31] &= 0x7f
    return smallOrderY.contains(y)
  }

  /// The y coordinates of the eight points of small order, little-endian, each also with p = 2^255 - 19
  /// added where that still fits 255 bits.
  private static let smallOrderY: Set<[UInt8]> = {
    let zeros = String(repeating: "0", count: 62)
    let ones = String(repeating: "f", count: 60)
    let texts = [
      "00\(zeros)", "01\(zeros)",
      "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
      // p - 1, p and p + 1.
      "ec\(ones)7f", "ed\(ones)7f", "ee\(ones)7f",
    ]
    return Set(texts.compactMap { Hexadecimal.bytes($0) })
  }()
}
