internal import ByteCoding
public import Cryptography

/// What a record's proof holds beside the path to a checkpoint: the `extra` bytes of a `.tlog-proof` file.
///
/// Where the checkpoint is of the record's own stream, that is the record's leaf alone. Where it is of the
/// store, the path proves a statement of heads (``StreamHeads``), and what follows leads from the record to the root that
/// stands in the statement. Nothing in it needs to be believed: all of it is hashed.
///
/// | position | size | field |
/// | ---: | ---: | --- |
/// | 0 | 1 | version, 1 |
/// | 1 | 1 | 0 for a checkpoint of the stream, 1 for one of the store |
/// | 2 | 2 | hashes in the record's path |
/// | 4 | 52 | the record's leaf |
/// | 56 | 32 n | the record's path in its stream, the neighbour of the leaf first |
/// | | 52 | the statement's leaf |
/// | | | the statement, to the end |
public struct RecordProof: Hashable, Sendable {
  /// The record's leaf.
  public var leaf: RecordLeaf
  /// How it is part of the root that a statement holds; `nil` where the checkpoint is of its stream.
  public var inner: Inner?

  /// The way from a record to a statement of the store.
  public struct Inner: Hashable, Sendable {
    /// The record's path in its stream.
    public var path: [Digest]
    /// The statement's leaf.
    public var statementLeaf: RecordLeaf
    /// The statement; it is one of heads.
    public var statement: Statement

    /// A way.
    public init(path: [Digest], statementLeaf: RecordLeaf, statement: Statement) {
      (self.path, self.statementLeaf, self.statement) = (path, statementLeaf, statement)
    }
  }

  /// A proof.
  public init(leaf: RecordLeaf, inner: Inner? = nil) { (self.leaf, self.inner) = (leaf, inner) }

  /// Most hashes of a path.
  private static let pathCountLimit = 63
  private static let headByteCount = 4 + RecordLeaf.byteCount

  /// The bytes.
  public var encoded: [UInt8] {
    let path = inner?.path ?? []
    var bytes: [UInt8] = [1, inner == nil ? 0 : 1]
    bytes.appendLittleEndian(UInt16(path.count))
    bytes += leaf.encoded
    for hash in path { bytes += hash.bytes }
    if let inner { bytes += inner.statementLeaf.encoded + inner.statement.encoded }
    return bytes
  }

  /// Reads the bytes; `nil` unless they are exactly what ``encoded`` gives.
  public init?(_ bytes: [UInt8]) {
    let span = bytes.rawSpan
    guard bytes.count >= Self.headByteCount, bytes[0] == 1, bytes[1] <= 1,
      let count = span.littleEndianUnsigned16(at: 2).map({ Int($0) }),
      count <= Self.pathCountLimit,
      let leaf = RecordLeaf(span.extracting(4..<Self.headByteCount))
    else { return nil }
    self.leaf = leaf
    guard bytes[1] == 1 else {
      guard count == 0, bytes.count == Self.headByteCount else { return nil }
      inner = nil
      return
    }
    let pathEnd = Self.headByteCount + count * Digest.byteCount
    let leafEnd = pathEnd + RecordLeaf.byteCount
    guard bytes.count >= leafEnd, let other = RecordLeaf(span.extracting(pathEnd..<leafEnd)) else {
      return nil
    }
    var path: [Digest] = []
    for place in 0..<count {
      let start = Self.headByteCount + place * Digest.byteCount
      guard let hash = Digest(span.extracting(start..<(start + Digest.byteCount))) else {
        return nil
      }
      path.append(hash)
    }
    do throws(StatementError) {
      let statement = try Statement(span.extracting(leafEnd..<bytes.count))
      inner = Inner(path: path, statementLeaf: other, statement: statement)
    } catch {
      return nil
    }
  }

  /// The hash of the leaf that the path of the file leads from.
  public var provenLeaf: Digest {
    MerkleTree.leafHash(inner?.statementLeaf.encoded ?? leaf.encoded)
  }

  /// Checks what is between the record and the leaf that the file's path leads from.
  ///
  /// - Parameter index: Index of that leaf, as the file has it.
  /// - Throws: ``Failure``.
  public func verify(index: UInt64) throws(Failure) {
    guard let inner else {
      guard leaf.offset == index else { throw .index }
      return
    }
    guard inner.statementLeaf.offset == index else { throw .index }
    guard case .heads(let heads) = inner.statement.content, heads.coverage == .tree else {
      throw .statement
    }
    let commitment = RecordContent.commitment(
      key: nil, type: Array(inner.statement.content.typeName.utf8), headers: [],
      value: inner.statement.encoded)
    guard inner.statementLeaf.kind == .record, inner.statementLeaf.commitment == commitment else {
      throw .statement
    }
    do throws(ProofError) {
      try InclusionProof(index: leaf.offset, size: heads.nextOffset, path: inner.path)
        .verify(leaf: MerkleTree.leafHash(leaf.encoded), root: heads.root)
    } catch {
      throw .proof(error)
    }
  }

  /// Why a proof does not prove its record.
  public enum Failure: Error, Hashable, Sendable {
    /// The leaf has another place than the file says.
    case index
    /// The statement is not what its leaf commits to, or says nothing about a tree.
    case statement
    /// The path does not lead from the record to the statement's root.
    case proof(ProofError)
  }
}
