internal import ByteCoding
public import Cryptography

/// What an audit came to, for a later one to go on from: 4,096 bytes at most, whatever the size of the store.
///
/// It vouches for nothing by itself: whoever keeps it keeps it where the store's owner cannot reach it.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 8 | `PRASTATE` |
/// | 8 | 1 | version, 1 |
/// | 9 | 5 | zero |
/// | 14 | 2 | streams |
/// | 16 | 16 | store |
/// | 32 | 56 n | streams: number, groups, next offset, head of the chain |
/// | | 32 | SHA-256 of all before |
public struct AuditState: Hashable, Sendable {
  /// Most bytes.
  public static let byteCountLimit = 4_096
  private static let magic = Array("PRASTATE".utf8)
  private static let headByteCount = 32
  private static let streamByteCount = 56
  /// Most streams.
  public static let streamCountLimit =
    (byteCountLimit - headByteCount - Digest.byteCount) / streamByteCount

  /// How far a stream was found to hold.
  public struct Stream: Hashable, Sendable {
    /// The stream's number.
    public var streamID: UInt64
    /// Number of the last group.
    public var groupCount: UInt64
    /// Offset behind it.
    public var nextOffset: UInt64
    /// Head of the chain with it.
    public var head: Digest

    /// A stream.
    public init(streamID: UInt64, groupCount: UInt64, nextOffset: UInt64, head: Digest) {
      (self.streamID, self.groupCount) = (streamID, groupCount)
      (self.nextOffset, self.head) = (nextOffset, head)
    }
  }

  /// The store's identity, 16 bytes.
  public var storeID: [UInt8]
  /// Streams, those with most records first.
  public var streams: [Stream]

  /// A state of as many streams as fit.
  public init(storeID: [UInt8], streams: [Stream]) {
    precondition(storeID.count == 16)
    self.storeID = storeID
    self.streams = Array(streams.prefix(Self.streamCountLimit))
  }

  /// The state's bytes.
  public var encoded: [UInt8] {
    var bytes = Self.magic + [1, 0, 0, 0, 0, 0]
    bytes.appendLittleEndian(UInt16(streams.count))
    bytes += storeID
    for stream in streams {
      for word in [stream.streamID, stream.groupCount, stream.nextOffset] {
        bytes.appendLittleEndian(word)
      }
      bytes += stream.head.bytes
    }
    return bytes + SHA256.digest(bytes).bytes
  }

  /// Reads a state; `nil` unless it is exactly what ``encoded`` gives.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count <= Self.byteCountLimit,
      bytes.count >= Self.headByteCount + Digest.byteCount, bytes.starts(with: Self.magic),
      bytes[8] == 1, bytes[9..<14].allSatisfy({ $0 == 0 })
    else { return nil }
    let body = Array(bytes.dropLast(Digest.byteCount))
    guard SHA256.digest(body).bytes.elementsEqual(bytes.suffix(Digest.byteCount)),
      let count = bytes.rawSpan.littleEndianUnsigned16(at: 14),
      body.count == Self.headByteCount + Int(count) * Self.streamByteCount
    else { return nil }
    storeID = Array(body[16..<32])
    streams = []
    for index in 0..<Int(count) {
      let start = Self.headByteCount + index * Self.streamByteCount
      guard let id = body.rawSpan.littleEndianUnsigned64(at: start),
        let groups = body.rawSpan.littleEndianUnsigned64(at: start + 8),
        let next = body.rawSpan.littleEndianUnsigned64(at: start + 16),
        let head = Digest(Array(body[(start + 24)..<(start + Self.streamByteCount)]))
      else { return nil }
      streams.append(Stream(streamID: id, groupCount: groups, nextOffset: next, head: head))
    }
  }
}
