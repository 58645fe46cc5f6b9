import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct ConsistencyProofTests {
  private struct Probe: Decodable {
    let size1: UInt64?
    let size2: UInt64?
    let start: UInt64?
    let end: UInt64?
    let size: UInt64?
    let root1: String
    let root2: String
    let proof: [String]?
    let wantErr: Bool
  }

  private static func digest(_ text: String) -> Digest? {
    Base64.decoded(Array(text.utf8)).flatMap { Digest($0) }
  }

  private func accepts(_ probe: Probe) -> Bool {
    let path = (probe.proof ?? []).map(Self.digest)
    guard let part = Self.digest(probe.root1), let root = Self.digest(probe.root2),
      !path.contains(nil)
    else { return false }
    let hashes = path.compactMap { $0 }
    let proof: ConsistencyProof
    if let start = probe.start, let end = probe.end, let size = probe.size {
      guard start <= end else { return false }
      proof = ConsistencyProof(subtree: start..<end, size: size, path: hashes)
    } else {
      proof = ConsistencyProof(oldSize: probe.size1 ?? 0, size: probe.size2 ?? 0, path: hashes)
    }
    return (try? proof.verify(part: part, root: root)) != nil
  }

  @Test(
    .enabled(if: Vectors.areThere),
    arguments: [("consistency", 98, 1), ("subtreeconsistency", 118, 3)])
  func `consistency probes of other implementations`(_ name: String, _ count: Int, _ oddCount: Int)
    throws
  {
    let names = Vectors.jsonNames(below: "rfc6962-merkle/testdata/\(name)")
    #expect(names.count == count)
    var odd = 0
    for name in names {
      let probe = try Vectors.json(name, as: Probe.self)
      // Roots that are no digests are refused, whatever the probe says.
      if !probe.wantErr, Self.digest(probe.root1) == nil || Self.digest(probe.root2) == nil {
        #expect(!accepts(probe))
        odd += 1
      } else {
        #expect(accepts(probe) == !probe.wantErr, "\(name)")
      }
    }
    #expect(odd == oddCount)
  }

  @Test func `every earlier tree of every small tree is proven, by the path of the text`() throws {
    let tree = SlowTree.counting(70)
    for size in 1...70 {
      let root = tree.root(of: 0..<size)
      for oldSize in 0...size {
        let proof = tree.consistencyProof(oldSize: UInt64(oldSize), size: UInt64(size))
        if oldSize > 0 { #expect(proof.path == tree.proof(oldSize, 0..<size)) }
        try proof.verify(part: tree.root(of: 0..<oldSize), root: root)
        if oldSize < size, oldSize > 0 {
          #expect(throws: ProofError.self) { try proof.verify(part: root, root: root) }
          #expect(throws: ProofError.self) {
            try proof.verify(part: tree.root(of: 0..<oldSize), root: tree.leaves[0])
          }
        }
      }
    }
  }

  @Test(.enabled(if: Vectors.areThere))
  func `every subtree of 130 leaves, against the rolling digests`() throws {
    let known = try MerkleTreeTests.knownAnswers().rolling
    let tree = SlowTree.counting(130)
    let hashes = (0...130).flatMap { end in
      (0...end).filter { isSubtree($0, end) }.map { start in
        "[\(start), \(end)) \(tree.root(of: start..<end))\n"
      }
    }
    #expect(rolled(hashes) == known.subtree_hash.sha256)
    let inclusion = (0...130).flatMap { end in
      (0..<end).filter { isSubtree($0, end) }.flatMap { start in
        (start..<end).map { index in
          let path = SlowTree(leaves: Array(tree.leaves[start..<end]))
            .inclusionProof(index: UInt64(index - start), size: UInt64(end - start)).path
          return "\(index) [\(start), \(end))\(listed(path))\n"
        }
      }
    }
    #expect(rolled(inclusion) == known.subtree_inclusion.sha256)
    let consistency = try (0...130).flatMap { size in
      let root = tree.root(of: 0..<size)
      return try (0...size).flatMap { end in
        try (0...end).filter { isSubtree($0, end) }.map { start in
          guard start < end else { return "[\(start), \(end)) \(size)\n" }
          let proof = tree.subtreeProof(UInt64(start)..<UInt64(end), size: UInt64(size))
          try proof.verify(part: tree.root(of: start..<end), root: root)
          return "[\(start), \(end)) \(size)\(listed(proof.path))\n"
        }
      }
    }
    #expect(rolled(consistency) == known.subtree_consistency.sha256)
  }

  private func isSubtree(_ start: Int, _ end: Int) -> Bool {
    start == end || ConsistencyProof.isSubtree(UInt64(start)..<UInt64(end))
  }

  private func listed(_ path: [Digest]) -> String { path.map { " \($0)" }.joined() }

  private func rolled(_ lines: [String]) -> String {
    SHA256.digest(lines.flatMap { Array($0.utf8) }).description
  }

  @Test func `sizes in the wrong order, and paths of the wrong length, are told`() {
    let any = Digest()
    #expect(throws: ProofError.range) {
      try ConsistencyProof(oldSize: 6, size: 5, path: []).verify(part: any, root: any)
    }
    #expect(throws: ProofError.range) {
      try ConsistencyProof(subtree: 1..<3, size: 5, path: []).verify(part: any, root: any)
    }
    #expect(throws: ProofError.pathLength(expected: 0, found: 1)) {
      try ConsistencyProof(oldSize: 0, size: 5, path: [any]).verify(part: any, root: any)
    }
    #expect(throws: ProofError.pathLength(expected: 64, found: 0)) {
      try ConsistencyProof(oldSize: 1, size: .max, path: []).verify(part: any, root: any)
    }
    #expect(throws: ProofError.rootMismatch(expected: any, found: MerkleTree.emptyRoot)) {
      try ConsistencyProof(oldSize: 0, size: 5, path: []).verify(part: any, root: any)
    }
  }
}
