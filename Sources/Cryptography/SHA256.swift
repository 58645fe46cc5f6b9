internal import ByteCoding
internal import CSHA256

/// SHA-256 (FIPS 180-4), many messages at a time.
///
/// One compression waits for the one before it; those of other messages do not. Whoever has many messages
/// hands them over together.
public enum SHA256 {
  /// A way to hash; all give the same digests.
  public enum Kernel: Int32, CaseIterable, Sendable {
    /// One message after the other, without libcrypto; what is left when that has no memory.
    case plain = -1
    /// One message after the other, through libcrypto.
    case portable = 0
    /// Four side by side, with the SHA extensions of x86-64.
    case shaExtensions = 1
    /// Sixteen side by side, with AVX-512.
    case avx512 = 2

    /// Whether this machine can do it.
    public var isSupported: Bool { piperoll_sha256_is_supported(rawValue) }

    /// The quickest that this machine can do.
    public static let best = Kernel.allCases.last { $0.isSupported } ?? .portable
  }

  /// Longest message of ``digests(prefix:of:byteCount:kernel:)`` without its prefix, in bytes.
  public static let shortByteCountLimit = Int(PIPEROLL_SHA256_SHORT_LIMIT)

  /// The digest of one message.
  public static func digest(_ bytes: RawSpan) -> Digest { digest(prefix: [], bytes) }

  /// The digest of one message.
  public static func digest(_ bytes: [UInt8]) -> Digest { digest(prefix: [], bytes.rawSpan) }

  /// The digest of one message in two parts.
  public static func digest(prefix: [UInt8], _ bytes: RawSpan) -> Digest {
    // Safety: the pointer lives for the closure.
    unsafe prefix.withUnsafeBytes { unsafe digest(prefix: $0, bytes) }
  }

  /// The digest of one message in two parts.
  static func digest(prefix: UnsafeRawBufferPointer, _ bytes: RawSpan) -> Digest {
    var digest = Digest()
    // Safety: the pointers live for the closures; the callee writes 32 bytes, which a digest has.
    unsafe bytes.withUnsafeBytes { bytes in
      unsafe withUnsafeMutableBytes(of: &digest) { out in
        var message = piperoll_sha256_message(
          prefix_start: 0, prefix_count: prefix.count, start: 0, count: bytes.count)
        unsafe piperoll_sha256_messages(
          Kernel.portable.rawValue, &message, 1,
          prefix.baseAddress?.assumingMemoryBound(to: UInt8.self),
          bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
          out.baseAddress?.assumingMemoryBound(to: UInt8.self))
      }
    }
    return digest
  }

  /// The digests of messages that are ranges of some bytes, each behind the same prefix.
  ///
  /// - Parameters:
  ///   - ranges: Where the messages are, in `0..<bytes.byteCount`; they may overlap.
  ///   - bytes: Memory with all messages.
  ///   - prefix: What stands in front of each.
  ///   - kernel: How to do it; must be supported.
  /// - Returns: One digest a range, in order.
  public static func digests(
    of ranges: [Range<Int>], in bytes: RawSpan, prefix: [UInt8] = [], kernel: Kernel = .best
  ) -> [Digest] {
    digests(
      of: ranges.map { Message(prefix: 0..<prefix.count, content: $0) }, in: bytes,
      prefixes: prefix.rawSpan, kernel: kernel)
  }

  /// A message in two parts: a prefix of its own, and a range of some bytes.
  public struct Message: Sendable {
    fileprivate let parts: piperoll_sha256_message

    /// A message.
    ///
    /// - Parameters:
    ///   - prefix: Where its prefix is in the memory with all prefixes.
    ///   - content: Where the rest is; from 0 on, as the prefix.
    @inline(__always)
    public init(prefix: Range<Int>, content: Range<Int>) {
      precondition(prefix.lowerBound >= 0 && content.lowerBound >= 0)
      parts = piperoll_sha256_message(
        prefix_start: prefix.lowerBound, prefix_count: prefix.count, start: content.lowerBound,
        count: content.count)
    }
  }

  /// The digests of messages in two parts.
  ///
  /// - Parameters:
  ///   - messages: Where they are; they may overlap.
  ///   - bytes: Memory with all contents.
  ///   - prefixes: Memory with all prefixes.
  ///   - kernel: How to do it; must be supported.
  /// - Returns: One digest a message, in order.
  public static func digests(
    of messages: [Message], in bytes: RawSpan, prefixes: RawSpan, kernel: Kernel = .best
  ) -> [Digest] {
    var (end, prefixEnd) = (0, 0)
    for message in messages {
      end = max(end, message.parts.start + message.parts.count)
      prefixEnd = max(prefixEnd, message.parts.prefix_start + message.parts.prefix_count)
    }
    precondition(end <= bytes.byteCount && prefixEnd <= prefixes.byteCount)
    // An array of no capacity is one that all threads share, and making it stores into it.
    if messages.isEmpty { return [] }
    return unsafe [Digest](unsafeUninitializedCapacity: messages.count) { buffer, count in
      // Safety: the ranges were checked above; the pointers live for the closures, and the buffer has
      // room for a digest a message, all of which are written. A message is its parts.
      unsafe prefixes.withUnsafeBytes { prefixes in
        unsafe bytes.withUnsafeBytes { bytes in
          unsafe messages.withUnsafeBytes { messages in
            unsafe piperoll_sha256_messages(
              kernel.rawValue,
              messages.baseAddress?.assumingMemoryBound(to: piperoll_sha256_message.self),
              messages.count / MemoryLayout<piperoll_sha256_message>.stride,
              prefixes.baseAddress?.assumingMemoryBound(to: UInt8.self),
              bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
              UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: UInt8.self))
          }
        }
      }
      count = messages.count
    }
  }

  /// The digests of short messages of equal length that stand one behind the other.
  ///
  /// - Parameters:
  ///   - prefix: The byte in front of each message.
  ///   - bytes: The messages; a whole number of them.
  ///   - byteCount: Bytes of a message without its prefix, in `1...shortByteCountLimit`.
  ///   - kernel: How to do it; must be supported.
  /// - Returns: One digest a message, in order.
  public static func digests(
    prefix: UInt8, of bytes: RawSpan, byteCount: Int, kernel: Kernel = .best
  ) -> [Digest] {
    precondition(
      byteCount > 0 && byteCount <= shortByteCountLimit && bytes.byteCount % byteCount == 0)
    let messageCount = bytes.byteCount / byteCount
    if messageCount == 0 { return [] }
    return unsafe [Digest](unsafeUninitializedCapacity: messageCount) { buffer, count in
      // Safety: the sizes were checked above; the buffer has room for all digests, and all are written.
      unsafe bytes.withUnsafeBytes { bytes in
        unsafe piperoll_sha256_equal(
          kernel.rawValue, prefix, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
          messageCount, byteCount,
          UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: UInt8.self))
      }
      count = messageCount
    }
  }
}
