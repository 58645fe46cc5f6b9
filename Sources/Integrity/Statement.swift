internal import ByteCoding
internal import Cryptography

/// What a store says of itself in its evidence stream: the value of one record there. The tree of that
/// stream is the store's, so a signature over its root vouches for every statement.
///
/// All begin with the same 32 bytes; numbers are little-endian.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | kind |
/// | 2 | 6 | zero |
/// | 8 | 16 | store |
/// | 24 | 8 | stream that it speaks of; 0 for the whole store |
public struct Statement: Hashable, Sendable {
  /// Name of the stream that statements are records of.
  public static let streamName = "piperoll.evidence"
  /// Bytes that all kinds begin with.
  public static let headByteCount = 32
  /// Most bytes of a reason.
  public static let reasonByteCountLimit = 1_024

  /// The store's identity, 16 bytes.
  public var storeID: [UInt8]
  /// Number of the stream that it speaks of; 0 for the whole store.
  public var streamID: UInt64
  /// What is said.
  public var content: Content

  /// What is said.
  public enum Content: Hashable, Sendable {
    /// How far chain and tree of a stream have come.
    case heads(StreamHeads)
    /// Records are gone, and by whose will.
    case removal(RecordRemoval)
    /// A subject's key was destroyed.
    case erasure(SubjectErasure)
    /// A record's content was taken out, its leaf kept.
    case redaction(RecordRedaction)
    /// What the chain of the evidence stream was at a time, under the key of an epoch.
    case seal(EpochSeal)

    /// The number that stands for the kind.
    var kind: UInt8 {
      switch self {
      case .heads: 1
      case .removal: 2
      case .erasure: 3
      case .redaction: 4
      case .seal: 5
      }
    }

    /// What records of the kind have as their type.
    public var typeName: String {
      switch self {
      case .heads: "heads"
      case .removal: "removal"
      case .erasure: "erasure"
      case .redaction: "redaction"
      case .seal: "seal"
      }
    }
  }

  /// A statement.
  public init(storeID: [UInt8], streamID: UInt64, content: Content) {
    precondition(storeID.count == 16)
    (self.storeID, self.streamID, self.content) = (storeID, streamID, content)
  }

  /// The record's value.
  public var encoded: [UInt8] {
    var bytes: [UInt8] = [1, content.kind, 0, 0, 0, 0, 0, 0] + storeID
    bytes.appendLittleEndian(streamID)
    switch content {
    case .heads(let heads): heads.append(to: &bytes)
    case .removal(let removal): removal.append(to: &bytes)
    case .erasure(let erasure): erasure.append(to: &bytes)
    case .redaction(let redaction): redaction.append(to: &bytes)
    case .seal(let seal): bytes += seal.encoded
    }
    return bytes
  }

  /// Reads a record's value.
  ///
  /// - Throws: ``StatementError`` unless it is exactly what ``encoded`` gives.
  public init(_ bytes: RawSpan) throws(StatementError) {
    guard bytes.byteCount >= Self.headByteCount else { throw .tooShort }
    guard bytes.unsigned8(at: 0) == 1 else { throw .newer }
    var fields = StatementFields(bytes.extracting(8..<bytes.byteCount))
    for position in 2..<8 where bytes.unsigned8(at: position) != 0 { throw .newer }
    storeID = try fields.bytes(16)
    streamID = try fields.unsigned64()
    switch bytes.unsigned8(at: 1) {
    case 1: content = .heads(try StreamHeads(&fields))
    case 2: content = .removal(try RecordRemoval(&fields))
    case 3: content = .erasure(try SubjectErasure(&fields))
    case 4: content = .redaction(try RecordRedaction(&fields))
    case 5: content = .seal(try fields.seal())
    default: throw .newer
    }
    guard fields.isAtEnd else { throw .tooLong }
  }
}

/// Why a record's value is no statement.
public enum StatementError: Error, Hashable, Sendable, CustomStringConvertible {
  /// It ends before all of its fields.
  case tooShort
  /// There are bytes behind the last field.
  case tooLong
  /// A version or a kind that this program does not know.
  case newer
  /// A field that no writer would give.
  case contradiction(String)

  public var description: String {
    switch self {
    case .tooShort: "the statement ends before all of its fields"
    case .tooLong: "the statement has bytes behind its last field"
    case .newer: "the statement has a version or kind that this program does not know"
    case .contradiction(let what): "the statement contradicts itself: \(what)"
    }
  }
}

/// Reads the fields of a statement one after the other.
struct StatementFields: ~Copyable, ~Escapable {
  private let bytes: RawSpan
  private var position = 0

  @_lifetime(copy bytes)
  init(_ bytes: RawSpan) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.byteCount }

  @_lifetime(self: copy self)
  mutating func bytes(_ count: Int) throws(StatementError) -> [UInt8] {
    guard count >= 0, count <= bytes.byteCount - position else { throw .tooShort }
    defer { position += count }
    var copy: [UInt8] = []
    copy.reserveCapacity(count)
    for index in position..<(position + count) { copy.append(bytes.unsigned8(at: index) ?? 0) }
    return copy
  }

  @_lifetime(self: copy self)
  mutating func digest() throws(StatementError) -> Digest {
    guard position <= bytes.byteCount - Digest.byteCount,
      let digest = Digest(bytes.extracting(position..<(position + Digest.byteCount)))
    else { throw .tooShort }
    position += Digest.byteCount
    return digest
  }

  @_lifetime(self: copy self)
  mutating func leaf() throws(StatementError) -> RecordLeaf {
    guard position <= bytes.byteCount - RecordLeaf.byteCount else { throw .tooShort }
    guard let leaf = RecordLeaf(bytes.extracting(position..<(position + RecordLeaf.byteCount)))
    else { throw .contradiction("its leaf is none") }
    position += RecordLeaf.byteCount
    return leaf
  }

  @_lifetime(self: copy self)
  mutating func seal() throws(StatementError) -> EpochSeal {
    guard position <= bytes.byteCount - EpochSeal.byteCount else { throw .tooShort }
    guard let seal = EpochSeal(bytes.extracting(position..<(position + EpochSeal.byteCount))) else {
      throw .contradiction("its seal is none")
    }
    position += EpochSeal.byteCount
    return seal
  }

  @_lifetime(self: copy self)
  mutating func unsigned64() throws(StatementError) -> UInt64 {
    guard let value = bytes.littleEndianUnsigned64(at: position) else { throw .tooShort }
    position += 8
    return value
  }

  @_lifetime(self: copy self)
  mutating func signed64() throws(StatementError) -> Int64 {
    Int64(bitPattern: try unsigned64())
  }

  @_lifetime(self: copy self)
  mutating func unsigned16() throws(StatementError) -> UInt16 {
    guard let value = bytes.littleEndianUnsigned16(at: position) else { throw .tooShort }
    position += 2
    return value
  }

  @_lifetime(self: copy self)
  mutating func unsigned8() throws(StatementError) -> UInt8 {
    guard let value = bytes.unsigned8(at: position) else { throw .tooShort }
    position += 1
    return value
  }

  @_lifetime(self: copy self)
  mutating func text(byteCountLimit: Int) throws(StatementError) -> String {
    let count = Int(try unsigned16())
    guard count <= byteCountLimit else { throw .contradiction("a text is too long") }
    guard let text = String(validating: try bytes(count), as: UTF8.self) else {
      throw .contradiction("a text is not UTF-8")
    }
    return text
  }
}
