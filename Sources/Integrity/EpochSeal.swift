internal import ByteCoding
public import Cryptography

/// What was true of a log's chain at a time, with a code that whoever takes over the machine later cannot
/// make any more: 128 bytes, little-endian.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 4 | `PRES` |
/// | 4 | 1 | version, 1 |
/// | 5 | 3 | zeros |
/// | 8 | 32 | identity of the log |
/// | 40 | 8 | epoch |
/// | 48 | 8 | time, nanoseconds since 1970-01-01 UTC |
/// | 56 | 8 | links of the chain |
/// | 64 | 32 | last link of the chain |
/// | 96 | 32 | code |
///
/// The code is the HMAC-SHA-256 under the epoch's code key (``SealKey``) of `piperoll epoch seal v1`, a
/// newline and the first 96 bytes.
public struct EpochSeal: Hashable, Sendable {
  /// Bytes of a seal.
  public static let byteCount = 128

  private static let context = Array("piperoll epoch seal v1\n".utf8)
  private static let head = Array("PRES".utf8) + [1, 0, 0, 0]

  /// Which log, as writer and verifier agreed; the digest of its origin, for example.
  public let logID: Digest
  /// Number of the epoch.
  public let epoch: UInt64
  /// When it was made, in nanoseconds since 1970-01-01 UTC.
  public let time: Int64
  /// What is sealed.
  public let chain: HashChain
  /// The code.
  public let code: Digest

  init(logID: Digest, epoch: UInt64, time: Int64, chain: HashChain, codeKey: SecretKey) {
    (self.logID, self.epoch, self.time, self.chain) = (logID, epoch, time, chain)
    code = codeKey.code(of: Self.message(logID, epoch, time, chain))
  }

  /// Reads a seal, without verifying it; `nil` for bytes that are none, or one of a newer version.
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount,
      bytes.extracting(0..<8).copyBytes() == Self.head,
      let logID = Digest(bytes.extracting(8..<40)),
      let epoch = bytes.littleEndianUnsigned64(at: 40),
      let time = bytes.littleEndianSigned64(at: 48),
      let count = bytes.littleEndianUnsigned64(at: 56),
      let link = Digest(bytes.extracting(64..<96)),
      let code = Digest(bytes.extracting(96..<128))
    else { return nil }
    (self.logID, self.epoch, self.time, self.code) = (logID, epoch, time, code)
    chain = HashChain(count: count, head: link)
  }

  /// The 128 bytes.
  public var encoded: [UInt8] { Self.fields(logID, epoch, time, chain) + code.bytes }

  func isValid(under codeKey: SecretKey) -> Bool {
    codeKey.isValid(code, of: Self.message(logID, epoch, time, chain))
  }

  private static func message(_ logID: Digest, _ epoch: UInt64, _ time: Int64, _ chain: HashChain)
    -> [UInt8]
  {
    context + fields(logID, epoch, time, chain)
  }

  private static func fields(_ logID: Digest, _ epoch: UInt64, _ time: Int64, _ chain: HashChain)
    -> [UInt8]
  {
    var bytes = head + logID.bytes
    bytes.appendLittleEndian(epoch)
    bytes.appendLittleEndian(time)
    bytes.appendLittleEndian(chain.count)
    return bytes + chain.head.bytes
  }
}
