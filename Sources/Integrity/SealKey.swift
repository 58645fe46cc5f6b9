internal import ByteCoding
public import Cryptography

/// The key that seals are made with in one epoch, from which those of later epochs follow and those of
/// earlier ones do not.
///
/// `K(e+1) = SHA-256("piperoll next seal key v1\n" || K(e))`; codes are made with a key of their own,
/// the HMAC-SHA-256 under K(e) of `piperoll seal code key v1` and a newline. The writer forgets K(e) when it
/// goes on to K(e+1); the verifier holds K(0), away from the machine that writes.
public struct SealKey: Sendable {
  private static let nextContext = Array("piperoll next seal key v1\n".utf8)
  private static let codeContext = Array("piperoll seal code key v1\n".utf8)

  /// Number of the epoch.
  public let epoch: UInt64
  /// The key K(e); overwritten when nobody holds it any more.
  package let secret: SecretKey

  /// The key of an epoch.
  ///
  /// - Parameters:
  ///   - secret: 32 random bytes, or for a later epoch those that followed from them.
  ///   - epoch: Number of the epoch; 0 for random bytes.
  public init(_ secret: SecretKey, epoch: UInt64 = 0) {
    (self.secret, self.epoch) = (secret, epoch)
  }

  /// The key of the next epoch.
  public var next: SealKey {
    SealKey(secret.hashed(Self.nextContext), epoch: epoch &+ 1)
  }

  /// The key of a later epoch, or this one; one digest an epoch.
  ///
  /// - Precondition: The epoch is not an earlier one.
  public func advanced(to epoch: UInt64) -> SealKey {
    precondition(epoch >= self.epoch)
    var key = self
    while key.epoch < epoch { key = key.next }
    return key
  }

  /// Seals a chain.
  ///
  /// - Parameters:
  ///   - chain: The chain as it is now.
  ///   - logID: Which log.
  ///   - time: Now, in nanoseconds since 1970-01-01 UTC; in this key's epoch, or no verifier takes it.
  public func seal(_ chain: HashChain, of logID: Digest, at time: Int64) -> EpochSeal {
    EpochSeal(logID: logID, epoch: epoch, time: time, chain: chain, codeKey: codeKey)
  }

  /// Whether a seal was made with this key.
  public func isValid(_ seal: EpochSeal) -> Bool {
    seal.epoch == epoch && seal.isValid(under: codeKey)
  }

  /// The key in hexadecimal digits, for the file that the verifier is given.
  var hexadecimal: String {
    secret.withBytes { bytes in
      (0..<bytes.byteCount).map {
        Hexadecimal.digits(UInt64(bytes.unsigned8(at: $0) ?? 0), count: 2)
      }
      .joined()
    }
  }

  private var codeKey: SecretKey { secret.derived(Self.codeContext) }
}

extension SealKey: CustomStringConvertible, CustomReflectable {
  public var description: String { "seal key of epoch \(epoch)" }
  /// Shows nothing of the key.
  public var customMirror: Mirror { Mirror(self, children: ["epoch": epoch]) }
}
