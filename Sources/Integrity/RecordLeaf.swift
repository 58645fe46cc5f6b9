internal import ByteCoding
public import Cryptography

/// What a leaf of a stream's tree says of a record: 52 bytes, little-endian, whose index in the tree is the
/// record's offset. All else that the record has is in it as a commitment only, so a leaf can be shown
/// without it, and outlives it.
///
/// With the prefix of the tree and the padding of SHA-256 a leaf is one block of 64 bytes. That is why it
/// names neither stream nor store: the statement that holds the root of its tree does.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | kind |
/// | 2 | 2 | flags |
/// | 4 | 8 | offset |
/// | 12 | 8 | append time, nanoseconds; zero where there is no record |
/// | 20 | 32 | commitment to the content; zeros where there is no record |
public struct RecordLeaf: Hashable, Sendable {
  /// Bytes of a leaf's data.
  public static let byteCount = 52

  /// What stands at an offset.
  public enum Kind: UInt8, Hashable, Sendable {
    /// A record.
    case record = 1
    /// Nothing: a reservation that was given up.
    case gap = 2
    /// A record whose bytes were damaged before they became part of the tree: nobody knows what it was.
    case lost = 3
  }

  /// What a record is besides its bytes.
  public struct Flags: OptionSet, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// Its key is removed.
    public static let tombstone = Flags(rawValue: 1)
    /// The commitment has a salt, without which it tells nothing about the content.
    public static let salted = Flags(rawValue: 2)

    static let known: Flags = [.tombstone, .salted]
  }

  /// What stands there.
  public var kind: Kind
  /// What it is besides.
  public var flags: Flags
  /// The offset, and index of the leaf.
  public var offset: UInt64
  /// When it was appended, in nanoseconds since 1970-01-01 UTC by the engine's clock.
  public var appendTime: Int64
  /// The commitment to everything else: ``RecordContent``.
  public var commitment: Digest

  /// A leaf.
  public init(
    kind: Kind, flags: Flags = [], offset: UInt64, appendTime: Int64,
    commitment: Digest = Digest()
  ) {
    (self.kind, self.flags, self.offset) = (kind, flags, offset)
    (self.appendTime, self.commitment) = (appendTime, commitment)
  }

  /// Where the commitment stands in a leaf's data.
  static let commitmentPosition = byteCount - Digest.byteCount

  /// Writes the leaf's data to a place in some memory that has room for them.
  @inline(__always)
  func store(in bytes: UnsafeMutableRawBufferPointer, at position: Int) {
    // Safety: the caller has room for 52 bytes; so far go the fields.
    unsafe bytes.storeBytes(of: 1, toByteOffset: position, as: UInt8.self)
    unsafe bytes.storeBytes(of: kind.rawValue, toByteOffset: position + 1, as: UInt8.self)
    unsafe bytes.storeLittleEndian(flags.rawValue, at: position + 2)
    unsafe bytes.storeLittleEndian(offset, at: position + 4)
    unsafe bytes.storeLittleEndian(appendTime, at: position + 12)
    unsafe bytes.storeBytes(
      of: commitment, toByteOffset: position + Self.commitmentPosition, as: Digest.self)
  }

  /// The leaf's data.
  public var encoded: [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    // Safety: the array has as many bytes as a leaf.
    unsafe bytes.withUnsafeMutableBytes { unsafe store(in: $0, at: 0) }
    return bytes
  }

  /// Reads a leaf's data; `nil` unless they are exactly what ``encoded`` gives.
  public init?(_ bytes: RawSpan) {
    guard bytes.byteCount == Self.byteCount, bytes.unsigned8(at: 0) == 1,
      let kind = bytes.unsigned8(at: 1).flatMap({ Kind(rawValue: $0) }),
      let flags = bytes.littleEndianUnsigned16(at: 2).map({ Flags(rawValue: $0) }),
      flags.isSubset(of: .known), let offset = bytes.littleEndianUnsigned64(at: 4),
      let appendTime = bytes.littleEndianSigned64(at: 12),
      let commitment = Digest(bytes.extracting(20..<Self.byteCount))
    else { return nil }
    if kind != .record {
      guard flags.isEmpty, appendTime == 0, commitment == Digest() else { return nil }
    }
    self.init(
      kind: kind, flags: flags, offset: offset, appendTime: appendTime, commitment: commitment)
  }
}

/// How the content of a record is committed to: SHA-256 over a context, a salt if there is one, a head, and
/// then key, type, headers and value as they stand one behind the other.
///
/// The head is a byte that is 1 with an event time and else 0, the event time in 8 bytes if there is one,
/// and the sizes of key, type and headers as LEB128 numbers, those of key and type increased by one, with 0
/// for none. So the parts are unambiguous, and a key of no bytes is not the same as none.
public enum RecordContent {
  /// Bytes of a salt.
  public static let saltByteCount = 32

  private static let plainContext = Array("PRC1".utf8)
  private static let saltedContext = Array("PRS1".utf8)

  /// What stands in front of the parts of a record.
  ///
  /// - Parameters:
  ///   - eventTime: When the fact happened, in nanoseconds since 1970-01-01 UTC; `nil` for none.
  ///   - keyByteCount: Bytes of the key; `nil` for none.
  ///   - typeByteCount: Bytes of the type; `nil` for none.
  ///   - headersByteCount: Bytes of the block of headers.
  ///   - salt: 32 bytes, or `nil`.
  public static func prefix(
    eventTime: Int64? = nil, keyByteCount: Int?, typeByteCount: Int?, headersByteCount: Int,
    salt: [UInt8]? = nil
  ) -> [UInt8] {
    var bytes = salt == nil ? plainContext : saltedContext
    if let salt {
      precondition(salt.count == saltByteCount)
      bytes += salt
    }
    bytes.append(eventTime == nil ? 0 : 1)
    if let eventTime { bytes.appendLittleEndian(eventTime) }
    append(keyByteCount.map { UInt64($0) + 1 } ?? 0, to: &bytes)
    append(typeByteCount.map { UInt64($0) + 1 } ?? 0, to: &bytes)
    append(UInt64(headersByteCount), to: &bytes)
    return bytes
  }

  /// Seven bits a byte, the lowest first; all bytes but the last have their top bit set.
  private static func append(_ value: UInt64, to bytes: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// The commitment to a record's parts.
  ///
  /// - Parameters:
  ///   - eventTime: When the fact happened, in nanoseconds since 1970-01-01 UTC; `nil` for none.
  ///   - key: The key, or `nil`.
  ///   - type: The type, or `nil`.
  ///   - headers: The block of headers as it is stored; empty for none.
  ///   - value: The payload.
  ///   - salt: 32 bytes, or `nil`.
  public static func commitment(
    eventTime: Int64? = nil, key: [UInt8]?, type: [UInt8]?, headers: [UInt8], value: [UInt8],
    salt: [UInt8]? = nil
  ) -> Digest {
    let prefix = prefix(
      eventTime: eventTime, keyByteCount: key?.count, typeByteCount: type?.count,
      headersByteCount: headers.count, salt: salt)
    let parts = (key ?? []) + (type ?? []) + headers + value
    return SHA256.digest(prefix: prefix, parts.rawSpan)
  }
}
