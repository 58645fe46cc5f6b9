import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct CheckpointTests {
  static let tesseraKey =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

  /// The data of the leaves of a bundle: each behind its length.
  private func entries(_ bytes: [UInt8]) throws -> [[UInt8]] {
    var entries: [[UInt8]] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = try #require(rest.count >= 2 ? Int(rest.removeFirst()) << 8 : nil)
      let length = count + Int(rest.removeFirst())
      try #require(rest.count >= length)
      entries.append(Array(rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return entries
  }

  @Test(.enabled(if: Vectors.areThere)) func `a whole log written by Tessera`() throws {
    let folder = "tessera-log/testdata/log"
    let key = try NoteVerifierKey(Self.tesseraKey)
    var roots: [Digest] = []
    let all = try entries(Vectors.bytes("\(folder)/tile/entries/000.p/15"))
    let leaves = all.map { MerkleTree.leafHash($0) }
    var frontier = TreeFrontier()
    for size in 0...15 {
      let note = try SignedNote(Vectors.bytes("\(folder)/checkpoint.\(size)"))
      let checkpoint = try Checkpoint.verified(
        note, origin: "example.com/log/testdata", keys: [key])
      #expect(checkpoint.size == UInt64(size) && checkpoint.root == frontier.root)
      #expect(checkpoint.text == note.text)
      roots.append(checkpoint.root)
      if size > 0 {
        let path = try #require(TilePath(.hashes(level: 0), index: 0, width: size))
        let tile = try Vectors.bytes("\(folder)/\(path.text)")
        #expect(tile == leaves[..<size].flatMap(\.bytes))
        let bundle = try #require(TilePath(.entries, index: 0, width: size))
        #expect(try entries(Vectors.bytes("\(folder)/\(bundle.text)")) == Array(all[..<size]))
      }
      if size < 15 { frontier.append(leaves[size]) }
    }
    let tree = SlowTree(leaves: leaves)
    for size in 1...15 {
      for oldSize in 0..<size {
        try tree.consistencyProof(oldSize: UInt64(oldSize), size: UInt64(size))
          .verify(part: roots[oldSize], root: roots[size])
      }
    }
  }

  @Test func `origin and key come from the caller`() throws {
    let signer = try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 5, count: 32))
    let checkpoint = try Checkpoint(
      origin: "example.com/log", size: 3, root: Digest(), extensions: [Array("more".utf8)])
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: signer)
    let keys = [signer.verifier]
    #expect(
      try Checkpoint.verified(note, origin: "example.com/log", keys: keys) == checkpoint)
    #expect(throws: NoteError.origin(expected: "example.com/other", found: "example.com/log")) {
      try Checkpoint.verified(note, origin: "example.com/other", keys: keys)
    }
    #expect(throws: NoteError.unverified) {
      try Checkpoint.verified(note, origin: "example.com/log", keys: [])
    }
  }

  @Test func `texts that are no checkpoints are refused`() throws {
    let root = Base64.text(Digest().bytes)
    let good = "origin\n12\n\(root)\n"
    #expect(try Checkpoint(text: Array(good.utf8)).size == 12)
    #expect(
      try Checkpoint(text: Array("o\n9223372036854775807\n\(root)\n".utf8)).size == 1 << 63 - 1)
    for text in [
      "", "\n", "origin\n12\n", "\n12\n\(root)\n", "origin\n012\n\(root)\n",
      "origin\n-1\n\(root)\n",
      "origin\n+1\n\(root)\n", "origin\n1 \n\(root)\n", "origin\n\n\(root)\n",
      "origin\n0x1\n\(root)\n",
      "origin\n9223372036854775808\n\(root)\n", "origin\n18446744073709551616\n\(root)\n",
      "origin\n12\n\(root.dropLast(4))\n", "origin\n12\n\(root)AAAA\n", "origin\n12\n\(root)\n\n",
      "origin\n12\n\(root.dropLast())\n", "origin\n12\n\(root)\nmore\n\nmore\n",
      "origin\n12\n\(root)",
      "origin\n١\n\(root)\n", "origin\r\n12\r\n\(root)\r\n",
    ] {
      #expect(throws: NoteError.self, "\(text)") { try Checkpoint(text: Array(text.utf8)) }
    }
    for origin in ["", "two\nlines", "return\r"] {
      #expect(throws: NoteError.self) { try Checkpoint(origin: origin, size: 0, root: Digest()) }
    }
  }
}
