internal import ByteCoding
internal import COpenSSL

/// AES in Galois/counter mode (NIST SP 800-38D), through libcrypto: encryption that notices every change.
///
/// A pair of key and nonce must never be used for two messages.
public enum AESGCM {
  /// Bytes of a tag.
  public static let tagByteCount = 16
  /// Bytes of the nonce that is best used.
  public static let nonceByteCount = 12
  /// Most bytes of a nonce that libcrypto takes.
  public static let nonceByteCountLimit = 128

  /// Encrypts and authenticates.
  ///
  /// - Parameters:
  ///   - message: What is encrypted.
  ///   - data: What is authenticated beside it.
  ///   - key: 16, 24 or 32 bytes.
  ///   - nonce: 1 to 128 bytes, 12 for choice; never used with this key before.
  /// - Returns: The ciphertext, as long as the message, and behind it a tag of 16 bytes.
  /// - Throws: ``CryptographyError``: `.keyLength`, `.libraryFailed`.
  public static func seal(
    _ message: [UInt8], authenticating data: [UInt8] = [], key: [UInt8], nonce: [UInt8]
  ) throws(CryptographyError) -> [UInt8] {
    try seal(message.rawSpan, data, key.rawSpan, nonce)
  }

  /// Encrypts and authenticates under a key that is kept out of arrays.
  ///
  /// - Parameters:
  ///   - message: What is encrypted.
  ///   - data: What is authenticated beside it.
  ///   - key: The key; AES-256.
  ///   - nonce: 1 to 128 bytes, 12 for choice; never used with this key before.
  /// - Returns: The ciphertext, as long as the message, and behind it a tag of 16 bytes.
  /// - Throws: ``CryptographyError``.
  public static func seal(
    _ message: RawSpan, authenticating data: [UInt8] = [], key: SecretKey, nonce: [UInt8]
  ) throws(CryptographyError) -> [UInt8] {
    try key.withBytes { (key) throws(CryptographyError) in
      try seal(message, data, key, nonce)
    }
  }

  private static func seal(
    _ message: RawSpan, _ data: [UInt8], _ key: RawSpan, _ nonce: [UInt8]
  ) throws(CryptographyError) -> [UInt8] {
    let context = try unsafe makeContext(key, nonce, encrypting: true)
    defer { unsafe EVP_CIPHER_CTX_free(context) }
    var result = try unsafe process(message, data, context)
    var tag = [UInt8](repeating: 0, count: tagByteCount)
    var count: Int32 = 0
    // Safety: the context lives; GCM writes nothing at the end, and the tag has the size that is named.
    guard
      unsafe EVP_EncryptFinal_ex(context, &tag, &count) == 1, count == 0,
      unsafe EVP_CIPHER_CTX_ctrl(
        context, EVP_CTRL_AEAD_GET_TAG, Int32(tagByteCount), &tag) == 1
    else { throw .libraryFailed(call: "EVP_EncryptFinal_ex") }
    result += tag
    return result
  }

  /// Checks and decrypts.
  ///
  /// - Parameters:
  ///   - sealed: A ciphertext and its tag, as sealing gives them.
  ///   - data: What was authenticated beside it.
  ///   - key: The key.
  ///   - nonce: The nonce.
  /// - Returns: The message; `nil` when anything is not as it was.
  /// - Throws: ``CryptographyError``: `.keyLength`, `.libraryFailed`.
  public static func open(
    _ sealed: [UInt8], authenticating data: [UInt8] = [], key: [UInt8], nonce: [UInt8]
  ) throws(CryptographyError) -> [UInt8]? {
    try open(sealed, data, key.rawSpan, nonce)
  }

  /// Checks and decrypts under a key that is kept out of arrays.
  ///
  /// - Parameters:
  ///   - sealed: A ciphertext and its tag.
  ///   - data: What was authenticated beside it.
  ///   - key: The key; AES-256.
  ///   - nonce: The nonce.
  /// - Returns: The message; `nil` when anything is not as it was.
  /// - Throws: ``CryptographyError``.
  public static func open(
    _ sealed: [UInt8], authenticating data: [UInt8] = [], key: SecretKey, nonce: [UInt8]
  ) throws(CryptographyError) -> [UInt8]? {
    try key.withBytes { (key) throws(CryptographyError) in
      try open(sealed, data, key, nonce)
    }
  }

  private static func open(
    _ sealed: [UInt8], _ data: [UInt8], _ key: RawSpan, _ nonce: [UInt8]
  ) throws(CryptographyError) -> [UInt8]? {
    guard sealed.count >= tagByteCount else { return nil }
    let context = try unsafe makeContext(key, nonce, encrypting: false)
    defer { unsafe EVP_CIPHER_CTX_free(context) }
    var message = try unsafe process(
      sealed.rawSpan.extracting(0..<sealed.count - tagByteCount), data, context)
    var tag = Array(sealed.suffix(tagByteCount))
    // Safety: the context lives; the tag has the size that is named.
    guard
      unsafe EVP_CIPHER_CTX_ctrl(
        context, EVP_CTRL_AEAD_SET_TAG, Int32(tagByteCount), &tag) == 1
    else { throw .libraryFailed(call: "EVP_CIPHER_CTX_ctrl") }
    var last = [UInt8](repeating: 0, count: 16)
    var count: Int32 = 0
    // Safety: GCM writes nothing at the end; there would be room for a block.
    if unsafe EVP_DecryptFinal_ex(context, &last, &count) == 1 { return message }
    // What does not verify is nobody's to see.
    SecretKey.wipe(&message)
    return nil
  }

  private static func makeContext(_ key: RawSpan, _ nonce: [UInt8], encrypting: Bool)
    throws(CryptographyError) -> OpaquePointer
  {
    let cipher: OpaquePointer?
    switch key.byteCount {
    case 16: unsafe cipher = EVP_aes_128_gcm()
    case 24: unsafe cipher = EVP_aes_192_gcm()
    case 32: unsafe cipher = EVP_aes_256_gcm()
    default: throw .keyLength(expected: 32, found: key.byteCount)
    }
    guard !nonce.isEmpty, nonce.count <= nonceByteCountLimit else {
      throw .keyLength(expected: nonceByteCount, found: nonce.count)
    }
    guard let context = unsafe EVP_CIPHER_CTX_new() else {
      throw .libraryFailed(call: "EVP_CIPHER_CTX_new")
    }
    // Safety: the context lives; key and nonce have the sizes that cipher and control were told.
    guard
      unsafe EVP_CipherInit_ex(context, cipher, nil, nil, nil, encrypting ? 1 : 0) == 1,
      unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, Int32(nonce.count), nil) == 1,
      unsafe key.withUnsafeBytes({ key in
        unsafe EVP_CipherInit_ex(
          context, nil, nil, key.baseAddress?.assumingMemoryBound(to: UInt8.self), nonce,
          encrypting ? 1 : 0)
      }) == 1
    else {
      unsafe EVP_CIPHER_CTX_free(context)
      throw .libraryFailed(call: "EVP_CipherInit_ex")
    }
    return unsafe context
  }

  /// Feeds what is authenticated, then what is encrypted or decrypted.
  private static func process(_ input: RawSpan, _ data: [UInt8], _ context: OpaquePointer)
    throws(CryptographyError) -> [UInt8]
  {
    guard let inputCount = Int32(exactly: input.byteCount),
      let dataCount = Int32(exactly: data.count)
    else { throw .libraryFailed(call: "EVP_CipherUpdate") }
    var count: Int32 = 0
    if !data.isEmpty {
      // Safety: without output, the bytes are only authenticated.
      guard unsafe EVP_CipherUpdate(context, nil, &count, data, dataCount) == 1 else {
        throw .libraryFailed(call: "EVP_CipherUpdate")
      }
    }
    if input.isEmpty { return [] }
    var output = [UInt8](repeating: 0, count: input.byteCount)
    // Safety: a stream mode writes as many bytes as it reads; the span lives for the closure.
    let isDone = unsafe input.withUnsafeBytes { input in
      unsafe EVP_CipherUpdate(
        context, &output, &count, input.baseAddress?.assumingMemoryBound(to: UInt8.self),
        inputCount) == 1
    }
    guard isDone, count == inputCount else { throw .libraryFailed(call: "EVP_CipherUpdate") }
    return output
  }
}
