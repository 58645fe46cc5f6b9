import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct MerkleTreeTests {
  struct KnownAnswers: Decodable {
    struct Rolling: Decodable {
      struct Answer: Decodable { let sha256: String }
      let subtree_hash: Answer
      let subtree_inclusion: Answer
      let subtree_consistency: Answer
    }
    let leaf_inputs: [String]
    let leaf_hashes: [String]
    let roots_by_size: [String]
    let rolling: Rolling
  }

  static func knownAnswers() throws -> KnownAnswers {
    try Vectors.json("rfc6962-merkle/known-answers.json")
  }

  @Test(.enabled(if: Vectors.areThere)) func `the tree of eight known leaves`() throws {
    let known = try Self.knownAnswers()
    var frontier = TreeFrontier()
    #expect(frontier.root.description == known.roots_by_size[0])
    for (index, input) in known.leaf_inputs.enumerated() {
      let leaf = MerkleTree.leafHash(try #require(Hexadecimal.bytes(input)))
      #expect(leaf.description == known.leaf_hashes[index])
      frontier.append(leaf)
      #expect(frontier.root.description == known.roots_by_size[index + 1])
    }
  }

  @Test(arguments: SHA256.Kernel.allCases.filter(\.isSupported))
  func `leaves and nodes hashed side by side are those hashed alone`(_ kernel: SHA256.Kernel) {
    var random = SeededGenerator(seed: 4)
    for count in [0, 1, 2, 15, 16, 17, 100] {
      let bytes = random.bytes(count * 90)
      let ranges = (0..<count).map { ($0 * 90)..<(($0 + 1) * 90) }
      let alone = ranges.map { MerkleTree.leafHash(Array(bytes[$0])) }
      #expect(MerkleTree.leafHashes(of: bytes.rawSpan, byteCount: 90, kernel: kernel) == alone)
      #expect(MerkleTree.leafHashes(of: ranges, in: bytes.rawSpan, kernel: kernel) == alone)
      let pairs = Array(alone.prefix(count / 2 * 2))
      let nodes = stride(from: 0, to: pairs.count, by: 2).map {
        SHA256.digest([1] + pairs[$0].bytes + pairs[$0 + 1].bytes)
      }
      #expect(MerkleTree.nodeHashes(of: pairs.span, kernel: kernel) == nodes)
    }
  }
}
