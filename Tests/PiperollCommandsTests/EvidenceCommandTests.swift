import CommandLineInterface
import CommitLog
import Foundation
import Integrity
import Testing

@Suite struct EvidenceCommandTests {
  /// A store with a stream of a thousand records, and a key.
  private func rig() throws -> (Rig, NoteVerifierKey) {
    let rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "a", "--evidence", "tree").code == .success)
    append(rig, 0..<1_000)
    let result = rig.run(
      "key", "generate", "log.example/x", "--kind", "log", "--out", rig.path("key"))
    return (rig, try NoteVerifierKey(result.lines.first ?? ""))
  }

  private func append(_ rig: Rig, _ range: Range<Int>) {
    let lines = range.map { "record \($0)\n" }.joined()
    #expect(rig.run("append", rig.store, "a", input: Array(lines.utf8)).code == .success)
  }

  private func checkpoint(_ rig: Rig, _ out: String, stream: String? = nil) -> Outcome {
    var words = [
      "evidence", "checkpoint", rig.store, "--key", rig.path("key"), "--last",
      rig.path("last-\(stream ?? "")"), "--out", rig.path(out),
    ]
    if let stream { words += ["--stream", stream] }
    return rig.run(words, input: PieceSource([]))
  }

  @Test func `a checkpoint and a proof are what any program of the standard reads`() throws {
    let (rig, key) = try rig()
    for (stream, origin) in [(nil, "log.example/x"), ("a", "log.example/x/streams/a")] {
      #expect(checkpoint(rig, "cp", stream: stream).code == .success)
      let note = try SignedNote(rig.read("cp"))
      _ = try Checkpoint.verified(note, origin: origin, keys: [key])
      for offset in ["0", "999"] {
        let result = rig.run(
          "evidence", "prove", rig.store, "--stream", "a", "--offset", offset, "--checkpoint",
          rig.path("cp"))
        #expect(result.code == .success, "\(result.errors)")
        let file = try ProofFile(result.output)
        let extra = try #require(file.extra)
        let proof = try #require(RecordProof(extra))
        try file.verify(leaf: proof.provenLeaf, origin: origin, keys: [key])
        try proof.verify(index: file.index)
        #expect(proof.leaf.offset == UInt64(offset))
        let commitment = RecordContent.commitment(
          key: nil, type: nil, headers: [], value: Array("record \(offset)".utf8))
        #expect(proof.leaf.commitment == commitment)
      }
    }
  }

  @Test func `tiles are written, and a second time only what is new`() throws {
    let (rig, _) = try rig()
    #expect(checkpoint(rig, "cp", stream: "a").code == .success)
    let words = [
      "evidence", "export-tiles", rig.store, "--stream", "a", "--checkpoint", rig.path("cp"),
      "--out", rig.path("tiles"), "--json",
    ]
    let first = rig.run(words, input: PieceSource([]))
    #expect(first.code == .success && first.lines == ["{\"written\":9,\"skipped\":0}"])
    #expect(try rig.read("tiles/checkpoint") == rig.read("cp"))
    append(rig, 1_000..<1_100)
    #expect(checkpoint(rig, "cp", stream: "a").code == .success)
    let second = rig.run(words, input: PieceSource([]))
    #expect(second.lines == ["{\"written\":5,\"skipped\":6}"])
  }

  @Test func `a store that was put back is not signed, and says so by its exit code`() throws {
    let (rig, _) = try rig()
    let copy = rig.path("copy")
    try FileManager.default.copyItem(atPath: rig.store, toPath: copy)
    #expect(checkpoint(rig, "cp", stream: "a").code == .success)
    append(rig, 0..<10)
    #expect(checkpoint(rig, "cp", stream: "a").code == .success)
    let result = rig.run(
      "evidence", "checkpoint", copy, "--adopt", "--key", rig.path("key"), "--last",
      rig.path("last-a"), "--stream", "a")
    #expect(result.code == .damaged && result.output.isEmpty)
    #expect(result.errors.contains("older copy"))
  }

  @Test func `what is missing or wrong is said in one line`() throws {
    let (rig, _) = try rig()
    try rig.write("junk", Array("junk".utf8))
    let bad: [[String]] = [
      ["checkpoint", rig.store], ["checkpoint", rig.store, "--key", rig.path("key")],
      ["checkpoint", rig.store, "--key", rig.path("junk"), "--last", rig.path("l")],
      ["checkpoint", rig.store, "--key", rig.path("key"), "--last", rig.path("junk")],
      [
        "checkpoint", rig.store, "--key", rig.path("key"), "--last", rig.path("l"), "--stream",
        "no",
      ],
      ["prove", rig.store], ["prove", rig.store, "--stream", "a"],
      ["prove", rig.store, "--stream", "a", "--offset", "1"],
      ["prove", rig.store, "--stream", "a", "--offset", "1", "--checkpoint", rig.path("junk")],
      ["export-tiles", rig.store, "--checkpoint", rig.path("junk"), "--out", rig.path("t")],
    ]
    for words in bad {
      let result = rig.run(["evidence"] + words, input: PieceSource([]))
      #expect(result.code == .usage, "\(words)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }
    #expect(rig.run("create", rig.store, "plain", "--evidence", "none").code == .success)
    #expect(checkpoint(rig, "cp").code == .success)
    let result = rig.run(
      "evidence", "prove", rig.store, "--stream", "plain", "--offset", "0", "--checkpoint",
      rig.path("cp"))
    #expect(result.code == .usage && result.output.isEmpty)
  }
}
