internal import ByteCoding
public import Cryptography

/// How far chain and tree of a stream have come: both heads, in one leaf of the store's tree, so that
/// neither can be changed alone.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 32 | 8 | groups so far |
/// | 40 | 8 | offset behind the last group |
/// | 48 | 1 | coverage: 1 chain, 2 tree |
/// | 49 | 7 | zero |
/// | 56 | 32 | head of the chain |
/// | 88 | 32 | root of the tree over all offsets before it; zeros for a chain |
/// | 120 | 2 | bytes of the stream's name |
/// | 122 | | the stream's name, UTF-8 |
public struct StreamHeads: Hashable, Sendable {
  /// Groups so far.
  public var groupCount: UInt64
  /// Offset behind the last group.
  public var nextOffset: UInt64
  /// What evidence the stream has.
  public var coverage: EvidenceCoverage
  /// Head of the chain.
  public var head: Digest
  /// Root of the tree; zeros where there is none.
  public var root: Digest
  /// The stream's name.
  public var name: String

  /// Most bytes of a stream's name.
  static let nameByteCountLimit = 255

  /// Heads.
  public init(
    groupCount: UInt64, nextOffset: UInt64, coverage: EvidenceCoverage, head: Digest, root: Digest,
    name: String
  ) {
    (self.groupCount, self.nextOffset, self.coverage) = (groupCount, nextOffset, coverage)
    (self.head, self.root, self.name) = (head, coverage == .tree ? root : Digest(), name)
  }

  func append(to bytes: inout [UInt8]) {
    bytes.appendLittleEndian(groupCount)
    bytes.appendLittleEndian(nextOffset)
    bytes += [coverage.rawValue, 0, 0, 0, 0, 0, 0, 0]
    bytes += head.bytes + root.bytes
    bytes.appendLittleEndian(UInt16(name.utf8.count))
    bytes += Array(name.utf8)
  }

  init(_ fields: inout StatementFields) throws(StatementError) {
    groupCount = try fields.unsigned64()
    nextOffset = try fields.unsigned64()
    guard let coverage = EvidenceCoverage(rawValue: try fields.unsigned8()) else { throw .newer }
    self.coverage = coverage
    guard try fields.bytes(7).allSatisfy({ $0 == 0 }) else { throw .newer }
    head = try fields.digest()
    root = try fields.digest()
    guard coverage == .tree || root == Digest() else {
      throw .contradiction("a chain has no root")
    }
    guard groupCount <= nextOffset else { throw .contradiction("more groups than offsets") }
    name = try fields.text(byteCountLimit: Self.nameByteCountLimit)
  }
}
