internal import ByteCoding
public import Cryptography

/// A subject's key is destroyed: its payloads are lost, and the commitments of its records tell nothing any
/// more.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 32 | 8 | when, nanoseconds since 1970-01-01 UTC |
/// | 40 | 32 | code of the subject: tells it only to whoever knows its name and holds the master key |
/// | 72 | 2 | bytes of the reason |
/// | 74 | | the reason, UTF-8; it must not name the subject |
public struct SubjectErasure: Hashable, Sendable {
  /// When, in nanoseconds since 1970-01-01 UTC.
  public var time: Int64
  /// Code of the subject.
  public var subjectCode: Digest
  /// Why, in words.
  public var reason: String

  /// An erasure.
  public init(time: Int64, subjectCode: Digest, reason: String) {
    (self.time, self.subjectCode, self.reason) = (time, subjectCode, reason)
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(time)
    bytes += subjectCode.bytes
    bytes.appendLittleEndian(UInt16(reason.utf8.count))
    bytes += Array(reason.utf8)
  }

  init(_ fields: inout StatementFields) throws(StatementError) {
    time = try fields.signed64()
    subjectCode = try fields.digest()
    reason = try fields.text(byteCountLimit: Statement.reasonByteCountLimit)
  }
}

/// A record's content was taken out of the store; its leaf stays, and with it every proof.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 32 | 8 | when, nanoseconds since 1970-01-01 UTC |
/// | 40 | 52 | the record's leaf (``RecordLeaf``) |
/// | 92 | 2 | bytes of the reason |
/// | 94 | | the reason, UTF-8 |
public struct RecordRedaction: Hashable, Sendable {
  /// When, in nanoseconds since 1970-01-01 UTC.
  public var time: Int64
  /// The record's leaf.
  public var leaf: RecordLeaf
  /// Why, in words.
  public var reason: String

  /// A redaction.
  public init(time: Int64, leaf: RecordLeaf, reason: String) {
    (self.time, self.leaf, self.reason) = (time, leaf, reason)
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(time)
    bytes += leaf.encoded
    bytes.appendLittleEndian(UInt16(reason.utf8.count))
    bytes += Array(reason.utf8)
  }

  init(_ fields: inout StatementFields) throws(StatementError) {
    time = try fields.signed64()
    leaf = try fields.leaf()
    reason = try fields.text(byteCountLimit: Statement.reasonByteCountLimit)
  }
}
