internal import ByteCoding
public import Cryptography

/// What a leaf of a stream's tree says of a record: 80 bytes, little-endian, whose index in the tree is the
/// record's offset. The record's own bytes are in it as a commitment only, so a leaf can be shown without
/// them, and outlives them.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | kind |
/// | 2 | 2 | flags |
/// | 4 | 4 | zero |
/// | 8 | 8 | stream |
/// | 16 | 8 | offset |
/// | 24 | 8 | append time, nanoseconds |
/// | 32 | 8 | event time, nanoseconds; 0 without one |
/// | 40 | 8 | bytes of the content |
/// | 48 | 32 | commitment to the content; zeros for a gap |
public struct RecordLeaf: Hashable, Sendable {
  /// Bytes of a leaf's data: with the prefix of the tree two blocks of SHA-256.
  public static let byteCount = 80

  /// What stands at an offset.
  public enum Kind: UInt8, Hashable, Sendable {
    /// A record.
    case record = 1
    /// Nothing: a reservation that was given up.
    case gap = 2
  }

  /// What a record is besides its bytes.
  public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// Its key is removed.
    public static let tombstone = Flags(rawValue: 1)
    /// It has an event time.
    public static let eventTime = Flags(rawValue: 2)
    /// The commitment has a salt, without which it tells nothing about the content.
    public static let salted = Flags(rawValue: 4)

    static let known: Flags = [.tombstone, .eventTime, .salted]
  }

  /// What stands there.
  public var kind: Kind
  /// What it is besides.
  public var flags: Flags
  /// The stream's number in its store.
  public var streamID: UInt64
  /// The offset, and index of the leaf.
  public var offset: UInt64
  /// When it was appended, in nanoseconds since 1970-01-01 UTC by the engine's clock.
  public var appendTime: Int64
  /// When the fact happened, in nanoseconds since 1970-01-01 UTC; 0 without ``Flags/eventTime``.
  public var eventTime: Int64
  /// Bytes of key, type, headers and value together.
  public var contentByteCount: UInt64
  /// The commitment to them: ``RecordContent``.
  public var commitment: Digest

  /// A leaf.
  public init(
    kind: Kind, flags: Flags = [], streamID: UInt64, offset: UInt64, appendTime: Int64,
    eventTime: Int64 = 0, contentByteCount: UInt64 = 0, commitment: Digest = Digest()
  ) {
    (self.kind, self.flags, self.streamID, self.offset) = (kind, flags, streamID, offset)
    (self.appendTime, self.eventTime) = (appendTime, eventTime)
    (self.contentByteCount, self.commitment) = (contentByteCount, commitment)
  }

  /// Appends the leaf's data.
  public func append(to bytes: inout [UInt8]) {
    bytes += [1, kind.rawValue]
    bytes.appendLittleEndian(flags.rawValue)
    bytes.appendLittleEndian(UInt32(0))
    bytes.appendLittleEndian(streamID)
    bytes.appendLittleEndian(offset)
    bytes.appendLittleEndian(appendTime)
    bytes.appendLittleEndian(eventTime)
    bytes.appendLittleEndian(contentByteCount)
    bytes += commitment.bytes
  }

  /// The leaf's data.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    append(to: &bytes)
    return bytes
  }

  /// Reads a leaf's data; `nil` unless they are exactly what ``encoded`` gives.
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount, bytes.unsigned8(at: 0) == 1,
      let kind = bytes.unsigned8(at: 1).flatMap({ Kind(rawValue: $0) }),
      let flags = bytes.littleEndianUnsigned16(at: 2).map({ Flags(rawValue: $0) }),
      bytes.littleEndianUnsigned32(at: 4) == 0, flags.isSubset(of: .known),
      let streamID = bytes.littleEndianUnsigned64(at: 8),
      let offset = bytes.littleEndianUnsigned64(at: 16),
      let appendTime = bytes.littleEndianSigned64(at: 24),
      let eventTime = bytes.littleEndianSigned64(at: 32),
      let contentByteCount = bytes.littleEndianUnsigned64(at: 40),
      let commitment = Digest(bytes.extracting(48..<80))
    else { return nil }
    guard eventTime == 0 || flags.contains(.eventTime) else { return nil }
    if kind == .gap {
      guard flags.isEmpty, contentByteCount == 0, commitment == Digest() else { return nil }
    }
    self.init(
      kind: kind, flags: flags, streamID: streamID, offset: offset, appendTime: appendTime,
      eventTime: eventTime, contentByteCount: contentByteCount, commitment: commitment)
  }
}

/// How the bytes of a record are committed to: SHA-256 over a context, the lengths of key, type and headers,
/// and then key, type, headers and value as they stand one behind the other.
///
/// The lengths make the parts unambiguous; a key or type of no bytes is not the same as none. With a salt of
/// 32 bytes behind the context, the commitment tells nothing to those who have not got the salt.
public enum RecordContent {
  /// Bytes in front of the parts, without a salt.
  public static let prefixByteCount = 16
  /// Bytes of a salt.
  public static let saltByteCount = 32

  private static let plainContext = Array("PRC1".utf8)
  private static let saltedContext = Array("PRS1".utf8)

  /// What stands in front of the parts of a record.
  ///
  /// - Parameters:
  ///   - keyByteCount: Bytes of the key; `nil` for none. Below 2^32 - 1, like the others.
  ///   - typeByteCount: Bytes of the type; `nil` for none.
  ///   - headersByteCount: Bytes of the block of headers.
  ///   - salt: 32 bytes, or `nil`.
  public static func prefix(
    keyByteCount: Int?, typeByteCount: Int?, headersByteCount: Int, salt: [UInt8]? = nil
  ) -> [UInt8] {
    var bytes = salt == nil ? plainContext : saltedContext
    if let salt {
      precondition(salt.count == saltByteCount)
      bytes += salt
    }
    for count in [keyByteCount, typeByteCount] {
      bytes.appendLittleEndian(count.map { UInt32(clamping: $0) + 1 } ?? 0)
    }
    bytes.appendLittleEndian(UInt32(clamping: headersByteCount))
    return bytes
  }

  /// The commitment to a record's parts.
  ///
  /// - Parameters:
  ///   - key: The key, or `nil`.
  ///   - type: The type, or `nil`.
  ///   - headers: The block of headers as it is stored; empty for none.
  ///   - value: The payload.
  ///   - salt: 32 bytes, or `nil`.
  public static func commitment(
    key: [UInt8]?, type: [UInt8]?, headers: [UInt8], value: [UInt8], salt: [UInt8]? = nil
  ) -> Digest {
    let prefix = prefix(
      keyByteCount: key?.count, typeByteCount: type?.count, headersByteCount: headers.count,
      salt: salt)
    let parts = (key ?? []) + (type ?? []) + headers + value
    return SHA256.digest(prefix: prefix, parts.rawSpan)
  }
}
