internal import ByteCoding
internal import CSodium

/// Ed25519 signatures (RFC 8032), through libsodium, which checks one in half the time that libcrypto takes.
public enum Ed25519 {
  /// Bytes of a public key.
  public static let publicKeyByteCount = 32
  /// Bytes of the seed that a private key is.
  public static let seedByteCount = 32
  /// Bytes of a signature.
  public static let signatureByteCount = 64

  /// Whether a signature over a message is that of a key.
  ///
  /// The rule, for single signatures and many: the equation without the cofactor, as libsodium 1.0.18 has it (a
  /// test tells if another has not), and refused whatever the message is a key that is not in the subgroup of prime order, a commitment of small order, under which signatures prove
  /// nothing, and every number that is not written the one way there is. So there are no two signatures of a message
  /// under a key but from its owner, and no two verifiers that are stricter or laxer disagree about one of ours.
  ///
  /// - Parameters:
  ///   - signature: The signature; of another size it is none.
  ///   - message: What is signed.
  ///   - publicKey: The key.
  ///   - isKeySound: Whether ``isSound(_:)`` holds for it: to find that takes nearly as long as the rest.
  /// - Throws: ``CryptographyError/libraryFailed(call:)`` when it cannot be told.
  public static func isValid(
    _ signature: [UInt8], of message: [UInt8], publicKey: [UInt8], isKeySound: Bool = false
  ) throws(CryptographyError) -> Bool {
    guard signature.count == signatureByteCount, publicKey.count == publicKeyByteCount else {
      return false
    }
    if !isKeySound { guard try isSound(publicKey) else { return false } }
    try requireLibrary()
    // Safety: the sizes were checked above; the message has the size it is said to have.
    return unsafe crypto_sign_ed25519_verify_detached(
      signature, message, UInt64(message.count), publicKey) == 0
  }

  /// Whether a public key is a point of the subgroup of prime order, written the one way there is, and not the
  /// identity: no other can come from a seed.
  ///
  /// - Throws: ``CryptographyError/libraryFailed(call:)`` when it cannot be told.
  public static func isSound(_ publicKey: [UInt8]) throws(CryptographyError) -> Bool {
    guard publicKey.count == publicKeyByteCount else { return false }
    try requireLibrary()
    // Safety: the size was checked above.
    return unsafe crypto_core_ed25519_is_valid_point(publicKey) == 1
  }

  /// The signature of a message; the same one each time.
  ///
  /// - Throws: ``CryptographyError``: `.keyLength`, `.libraryFailed`.
  public static func signature(of message: [UInt8], seed: [UInt8]) throws(CryptographyError)
    -> [UInt8]
  {
    var pair = try keyPair(seed)
    defer { SecretKey.wipe(&pair.secret) }
    var signature = [UInt8](repeating: 0, count: signatureByteCount)
    // Safety: the arrays have the sizes that libsodium asks for; it may be told to say no length.
    guard
      unsafe crypto_sign_ed25519_detached(
        &signature, nil, message, UInt64(message.count), pair.secret) == 0
    else { throw .libraryFailed(call: "crypto_sign_ed25519_detached") }
    return signature
  }

  /// The public key that belongs to a seed.
  ///
  /// - Throws: ``CryptographyError``: `.keyLength`, `.libraryFailed`.
  public static func publicKey(seed: [UInt8]) throws(CryptographyError) -> [UInt8] {
    var pair = try keyPair(seed)
    SecretKey.wipe(&pair.secret)
    return pair.publicKey
  }

  private static func keyPair(_ seed: [UInt8]) throws(CryptographyError) -> (
    publicKey: [UInt8], secret: [UInt8]
  ) {
    guard seed.count == seedByteCount else {
      throw .keyLength(expected: seedByteCount, found: seed.count)
    }
    try requireLibrary()
    var publicKey = [UInt8](repeating: 0, count: publicKeyByteCount)
    // libsodium keeps the seed and the public key together.
    var secret = [UInt8](repeating: 0, count: seedByteCount + publicKeyByteCount)
    // Safety: the arrays have the sizes that libsodium asks for.
    guard unsafe crypto_sign_ed25519_seed_keypair(&publicKey, &secret, seed) == 0 else {
      SecretKey.wipe(&secret)
      throw .libraryFailed(call: "crypto_sign_ed25519_seed_keypair")
    }
    return (publicKey, secret)
  }

  /// It can be called from any thread, again and again, and answers 1 from the second time on.
  private static let libraryState = sodium_init()

  private static func requireLibrary() throws(CryptographyError) {
    guard libraryState >= 0 else { throw .libraryFailed(call: "sodium_init") }
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
