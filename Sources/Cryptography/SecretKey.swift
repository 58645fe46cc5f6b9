internal import ByteCoding
internal import COpenSSL

/// A key of 32 bytes that is overwritten when the last reference to it goes.
///
/// The bytes lie in memory of their own, which is never moved, and what this type computes from them leaves
/// none behind but its result; what libcrypto keeps while it works is libcrypto's to wipe. Copies that a
/// caller asked for are the caller's. Nothing of a key is part of a description.
// Safety: the memory is written before init returns and read only from then on; it is allocated in init and
// released in deinit.
@safe public final class SecretKey: @unchecked Sendable {
  /// Bytes of a key.
  public static let byteCount = 32

  private let memory: UnsafeMutableRawBufferPointer

  private init() {
    unsafe memory = .allocate(byteCount: Self.byteCount, alignment: 16)
  }

  /// A copy of a key; `nil` unless there are exactly 32 bytes.
  public convenience init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount else { return nil }
    self.init()
    unsafe bytes.withUnsafeBytes { unsafe memory.copyMemory(from: $0) }
  }

  /// A copy of a key; `nil` unless there are exactly 32 bytes. The array is the caller's to wipe.
  public convenience init?(_ bytes: [UInt8]) { self.init(bytes.rawSpan) }

  /// Takes a key out of an array, which is overwritten; `nil` unless there are exactly 32 bytes.
  public convenience init?(wiping bytes: inout [UInt8]) {
    defer { SecretKey.wipe(&bytes) }
    self.init(bytes.rawSpan)
  }

  /// A fresh key.
  ///
  /// - Parameter random: Gives 64 bits that nobody can predict; asked four times.
  public convenience init(from random: () -> UInt64) {
    self.init()
    for position in stride(from: 0, to: Self.byteCount, by: 8) {
      unsafe memory.storeBytes(of: random(), toByteOffset: position, as: UInt64.self)
    }
  }

  deinit {
    unsafe OPENSSL_cleanse(memory.baseAddress, memory.count)
    unsafe memory.deallocate()
  }

  /// Overwrites bytes so that no optimisation leaves it out, and empties the array.
  ///
  /// An array that shares its bytes with another is parted from it first, and the other keeps them.
  public static func wipe(_ bytes: inout [UInt8]) {
    // Safety: the buffer is used inside the closure only.
    unsafe bytes.withUnsafeMutableBytes { unsafe OPENSSL_cleanse($0.baseAddress, $0.count) }
    bytes.removeAll()
  }

  /// Lends the bytes of the key.
  public func withBytes<Result, Failure: Error>(
    _ body: (RawSpan) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // Safety: the memory lives as long as this object, which lives through the call.
    try unsafe body(UnsafeRawBufferPointer(memory).bytes)
  }

  // MARK: What a key is for

  /// HMAC with SHA-256 of a message under this key: what ``HMACSHA256`` gives, without copies of the key.
  public func code(of message: [UInt8]) -> Digest {
    // Safety: the pad has the size of a block and lives for the closure.
    unsafe withUnsafeTemporaryAllocation(byteCount: 64, alignment: 16) { pad in
      for place in 0..<64 {
        unsafe pad[place] = (place < Self.byteCount ? memory[place] : 0) ^ 0x36
      }
      let inner = unsafe SHA256.digest(prefix: UnsafeRawBufferPointer(pad), message.rawSpan)
      for place in 0..<64 { unsafe pad[place] ^= 0x36 ^ 0x5c }
      let outer = unsafe SHA256.digest(
        prefix: UnsafeRawBufferPointer(pad), inner.bytes.rawSpan)
      unsafe OPENSSL_cleanse(pad.baseAddress, pad.count)
      return outer
    }
  }

  /// Whether a code is that of a message; takes as long for a wrong one as for the right one.
  public func isValid(_ code: Digest, of message: [UInt8]) -> Bool {
    zip(code.bytes, self.code(of: message).bytes).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }

  /// Another key, that follows from this one and tells nothing about it: the code of a context.
  public func derived(_ context: [UInt8]) -> SecretKey { SecretKey(taking: code(of: context)) }

  /// Another key, that follows from this one and tells nothing about it: the digest of a context and the
  /// bytes of this one.
  public func hashed(_ context: [UInt8]) -> SecretKey {
    let digest = withBytes { SHA256.digest(prefix: context, $0) }
    return SecretKey(taking: digest)
  }

  private convenience init(taking digest: consuming Digest) {
    self.init()
    // Safety: a digest has 32 bytes without padding.
    unsafe withUnsafeMutableBytes(of: &digest) { bytes in
      unsafe memory.copyMemory(from: UnsafeRawBufferPointer(bytes))
      unsafe OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    }
  }
}

extension SecretKey: CustomStringConvertible, CustomReflectable {
  public var description: String { "secret key" }
  /// Shows nothing.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
