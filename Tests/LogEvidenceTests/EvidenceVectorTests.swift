import ByteCoding
import Cryptography
import Foundation
import Integrity
import TestSupport
import Testing

@Suite struct EvidenceVectorTests {
  private struct Leaf: Decodable {
    let key, type, headers, value, eventTime, salt: String?
    let isTombstone: Bool?
    let kind, offset, appendTime, commitment, leaf, hash: String
  }

  private struct Group: Decodable {
    let evidence, number, firstOffset, nextOffset, root, header, headBefore, head: String
    let frontier, nodes: [String]
  }

  private struct Told: Decodable {
    let kind, storeID, streamID, statement: String
    let reason: String?
  }

  private static func entries<Entry: Decodable>(_ name: String) throws -> [Entry] {
    let bytes = try RepositoryFile("Fixtures/evidence-v1/\(name).json").read()
    return try JSONDecoder().decode([Entry].self, from: Data(bytes))
  }

  private static func bytes(_ text: String?) -> [UInt8]? {
    text.flatMap { Hexadecimal.bytes($0) }
  }

  @Test func `the vectors of evidence are what the code writes, byte for byte`() throws {
    for (path, bytes) in try EvidenceVectors.files() {
      let stored = try RepositoryFile("Fixtures/evidence-v1/" + path).read()
      #expect(stored == bytes, "\(path) differs; a version that was released never changes")
    }
  }

  @Test func `leaves of the vectors are made again from their records`() throws {
    let leaves: [Leaf] = try Self.entries("leaves")
    #expect(Set(leaves.map(\.kind)) == ["record", "gap", "lost"])
    for entry in leaves {
      let data = try #require(Self.bytes(entry.leaf))
      let read = RecordLeaf(data.rawSpan)
      let leaf = try #require(read)
      #expect(MerkleTree.leafHash(data).description == entry.hash)
      #expect("\(leaf.offset)" == entry.offset && "\(leaf.appendTime)" == entry.appendTime)
      guard entry.kind == "record" else {
        #expect(leaf.commitment == Digest() && "\(leaf.kind)" == entry.kind)
        continue
      }
      let commitment = RecordContent.commitment(
        eventTime: entry.eventTime.flatMap { Int64($0) }, key: Self.bytes(entry.key),
        type: Self.bytes(entry.type), headers: try #require(Self.bytes(entry.headers)),
        value: try #require(Self.bytes(entry.value)), salt: Self.bytes(entry.salt))
      #expect(commitment == leaf.commitment && commitment.description == entry.commitment)
      #expect(leaf.flags.contains(.tombstone) == entry.isTombstone)
      #expect(leaf.flags.contains(.salted) == (entry.salt != nil))
    }
  }

  @Test func `groups of the vectors link to each other, and have the roots of a slow tree`() throws
  {
    let groups: [Group] = try Self.entries("groups")
    #expect(groups.count == 6)
    for evidence in ["tree", "chain"] {
      var before = [UInt8](repeating: 0, count: Digest.byteCount)
      for group in groups where group.evidence == evidence {
        #expect(Self.bytes(group.headBefore) == before)
        let header = try #require(Self.bytes(group.header))
        before = SHA256.digest(Array("piperoll group chain v1\n".utf8) + before + header).bytes
        #expect(Self.bytes(group.head) == before)
        let first = try #require(UInt64(group.firstOffset))
        let next = try #require(UInt64(group.nextOffset))
        let leaves = ((evidence == "tree" ? 0 : first)..<next).map {
          MerkleTree.leafHash(RecordLeaf(kind: .gap, offset: $0, appendTime: 0).encoded)
        }
        #expect(Self.root(leaves[...]).description == group.root)
        #expect(Array(header.suffix(Digest.byteCount)) == Self.bytes(group.root))
        #expect(group.frontier.count == (evidence == "tree" ? next.nonzeroBitCount : 0))
      }
    }
  }

  /// RFC 6962, 2.1, word by word.
  private static func root(_ leaves: ArraySlice<Digest>) -> Digest {
    guard leaves.count > 1 else { return leaves.first ?? MerkleTree.emptyRoot }
    var left = 1
    while left * 2 < leaves.count { left *= 2 }
    let split = leaves.startIndex + left
    return SHA256.digest([1] + root(leaves[..<split]).bytes + root(leaves[split...]).bytes)
  }

  @Test func `statements of the vectors are read, and written the same`() throws {
    let entries: [Told] = try Self.entries("statements")
    #expect(Set(entries.map(\.kind)) == ["heads", "removal", "erasure", "redaction"])
    for entry in entries {
      let bytes = try #require(Self.bytes(entry.statement))
      let statement = try Statement(bytes.rawSpan)
      #expect(statement.encoded == bytes && statement.content.typeName == entry.kind)
      #expect(Hexadecimal.text(statement.storeID) == entry.storeID)
      #expect("\(statement.streamID)" == entry.streamID)
    }
  }
}
