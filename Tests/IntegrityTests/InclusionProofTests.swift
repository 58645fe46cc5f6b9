import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct InclusionProofTests {
  private struct Probe: Decodable {
    let leafIdx: UInt64
    let treeSize: UInt64?
    let start: UInt64?
    let end: UInt64?
    let root: String
    let leafHash: String
    let proof: [String]?
    let wantErr: Bool
  }

  /// Whether a probe is accepted: what is not 32 bytes cannot even be said.
  private func accepts(_ probe: Probe) -> Bool {
    func digest(_ text: String) -> Digest? {
      Base64.decoded(Array(text.utf8)).flatMap { Digest($0) }
    }
    let path = (probe.proof ?? []).map(digest)
    guard let leaf = digest(probe.leafHash), let root = digest(probe.root), !path.contains(nil)
    else { return false }
    var (index, size) = (probe.leafIdx, probe.treeSize ?? 0)
    if let start = probe.start, let end = probe.end {
      guard start < end, ConsistencyProof.isSubtree(start..<end), index >= start else {
        return false
      }
      (index, size) = (index - start, end - start)
    }
    let proof = InclusionProof(index: index, size: size, path: path.compactMap { $0 })
    return (try? proof.verify(leaf: leaf, root: root)) != nil
  }

  @Test(
    .enabled(if: Vectors.areThere),
    arguments: [("inclusion", 98, 6), ("subtreeinclusion", 204, 12)])
  func `inclusion probes of other implementations`(_ name: String, _ count: Int, _ accepted: Int)
    throws
  {
    let names = Vectors.jsonNames(below: "rfc6962-merkle/testdata/\(name)")
    #expect(names.count == count)
    var acceptedCount = 0
    for name in names {
      let probe = try Vectors.json(name, as: Probe.self)
      let isAccepted = accepts(probe)
      #expect(isAccepted == !probe.wantErr, "\(name)")
      if isAccepted { acceptedCount += 1 }
    }
    #expect(acceptedCount == accepted)
  }

  @Test func `every leaf of every small tree is proven, by the path of the text`() throws {
    let tree = SlowTree.counting(70)
    for size in 1...70 {
      let root = tree.root(of: 0..<size)
      for index in 0..<size {
        let proof = tree.inclusionProof(index: UInt64(index), size: UInt64(size))
        #expect(proof.path == tree.path(index, 0..<size))
        try proof.verify(leaf: tree.leaves[index], root: root)
      }
    }
  }

  @Test func `nothing but the proof is a proof`() throws {
    let tree = SlowTree.counting(100)
    var random = SeededGenerator()
    for _ in 0..<2_000 {
      let size = 2 + random.below(98)
      let index = random.below(size)
      let proof = tree.inclusionProof(index: UInt64(index), size: UInt64(size))
      let (leaf, root) = (tree.leaves[index], tree.root(of: 0..<size))
      var path = proof.path
      switch random.below(4) {
      case 0: path.remove(at: random.below(path.count))
      case 1: path.append(root)
      case 2: path.swapAt(0, path.count - 1)
      default:
        var bytes = path[0].bytes
        bytes[random.below(32)] ^= 1 << UInt8(random.below(8))
        path[0] = try #require(Digest(bytes))
      }
      guard path != proof.path else { continue }
      let other = InclusionProof(index: proof.index, size: proof.size, path: path)
      #expect(throws: ProofError.self) { try other.verify(leaf: leaf, root: root) }
      let elsewhere = InclusionProof(
        index: UInt64((index + 1 + random.below(size - 1)) % size), size: proof.size,
        path: proof.path)
      #expect(throws: ProofError.self) { try elsewhere.verify(leaf: leaf, root: root) }
    }
  }

  @Test func `places outside the tree and the largest sizes are told`() {
    let leaf = Digest()
    for size in [0, 1, 5] as [UInt64] {
      let proof = InclusionProof(index: size, size: size, path: [])
      #expect(throws: ProofError.range) { try proof.verify(leaf: leaf, root: leaf) }
    }
    let last = InclusionProof(index: .max - 1, size: .max, path: [])
    #expect(throws: ProofError.pathLength(expected: 63, found: 0)) {
      try last.verify(leaf: leaf, root: leaf)
    }
    let first = InclusionProof(index: 0, size: .max, path: [])
    #expect(throws: ProofError.pathLength(expected: 64, found: 0)) {
      try first.verify(leaf: leaf, root: leaf)
    }
  }
}
