import CommandLineInterface
import CommitLog
import Foundation
import Integrity
import Testing

@Suite struct EvidenceCommandAggregateTests {
  private let rig: Rig

  init() throws {
    rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "logs", "--evidence", "tree").code == .success)
  }

  /// A store beside the parent, with its key.
  private struct Child {
    let rig: Rig
    let name: String
    let key: String

    init(_ rig: Rig, _ name: String, seedRecords count: Int = 300) {
      (self.rig, self.name) = (rig, name)
      _ = rig.run("init", rig.path(name))
      _ = rig.run("create", rig.path(name), "orders", "--evidence", "tree")
      key =
        rig.run(
          "key", "generate", "child.example/\(name)", "--kind", "log", "--out",
          rig.path("\(name).key")
        ).lines.first ?? ""
      append(count)
    }

    func append(_ count: Int) {
      let lines = (0..<count).map { "\(name) \($0)\n" }.joined()
      _ = rig.run("append", rig.path(name), "orders", input: Array(lines.utf8))
    }

    /// Signs the stream, and writes it as static files when wanted.
    func sign(_ out: String, tiles: Bool = true) {
      let words = [
        "evidence", "checkpoint", rig.path(name), "--key", rig.path("\(name).key"), "--last",
        rig.path("\(name).last"), "--stream", "orders", "--out", rig.path(out),
      ]
      #expect(rig.run(words, input: PieceSource([])).code == .success)
      guard tiles else { return }
      let export = [
        "evidence", "export-tiles", rig.path(name), "--stream", "orders", "--checkpoint",
        rig.path(out), "--out", rig.path("\(name).tiles"),
      ]
      #expect(rig.run(export, input: PieceSource([])).code == .success)
    }
  }

  private func aggregate(_ words: [String]) -> Outcome {
    rig.run(
      ["evidence", "aggregate", rig.store, "--stream", "logs"] + words, input: PieceSource([]))
  }

  @Test func `checkpoints of two stores are taken, and one of them grows with its tiles`() throws {
    let (a, b) = (Child(rig, "a"), Child(rig, "b", seedRecords: 20))
    a.sign("a1")
    b.sign("b1", tiles: false)
    let keys = ["--log", a.key, "--log", b.key]
    let first = aggregate(
      keys + ["--checkpoint", rig.path("a1"), "--checkpoint", rig.path("b1")])
    #expect(first.code == .success, "\(first.errors)")
    #expect(
      first.lines == [
        "child.example/a/streams/orders, size 300: appended as record 0",
        "child.example/b/streams/orders, size 20: appended as record 1",
      ])
    let again = aggregate(keys + ["--tiles", rig.path("a.tiles"), "--json"])
    #expect(again.code == .success && again.text.contains("\"offset\":0,\"appended\":false}"))
    a.append(300)
    a.sign("a2")
    // Without the tiles nothing proves it; the other one is known all the same.
    let alone = aggregate(
      keys + ["--checkpoint", rig.path("a2"), "--checkpoint", rig.path("b1")])
    #expect(alone.code == .usage && alone.errors.contains("nothing proves that size 600"))
    #expect(alone.lines.count == 1 && alone.lines[0].hasSuffix("known, record 1"))
    let grown = aggregate(keys + ["--tiles", rig.path("a.tiles")])
    #expect(grown.lines == ["child.example/a/streams/orders, size 600: appended as record 2"])
    let read = rig.run("read", rig.store, "logs", "--from", "2")
    #expect(try read.output == rig.read("a2") + [0x0a])
    let back = aggregate(keys + ["--checkpoint", rig.path("a1")])
    #expect(back.code == .damaged && back.errors.contains("ROLLBACK: 'child.example/a/streams"))
  }

  @Test func `a request to cosign brings its proof, from the size that is held`() throws {
    let a = Child(rig, "a")
    a.sign("a1")
    #expect(aggregate(["--log", a.key, "--checkpoint", rig.path("a1")]).code == .success)
    a.append(100)
    a.sign("a2")
    let note = try SignedNote(rig.read("a2"))
    // What the tiles of the log prove, made by hand: the first 300 leaves and the rest.
    var tree = StoredTree()
    for name in ["tile/entries/000", "tile/entries/001.p/144"] {
      let width = name.hasSuffix("144") ? 144 : 256
      let entries = try #require(
        TileSet.entries(ofBundle: rig.read("a.tiles/\(name)"), width: width))
      tree.append(entries.map { MerkleTree.leafHash($0) })
    }
    for (old, code) in [(299, ExitCode.usage), (300, .success)] as [(UInt64, ExitCode)] {
      let path = tree.consistencyProof(oldSize: old, size: 400).path
      try rig.write("request", WitnessRequest(oldSize: old, path: path, note: note).encoded)
      let outcome = aggregate(["--log", a.key, "--checkpoint", rig.path("request")])
      #expect(outcome.code == code, "\(outcome.errors)")
    }
    #expect(rig.run("read", rig.store, "logs").lines.count == 8)
  }

  @Test func `a log that shows another history is named and the others are taken`() throws {
    let (a, b) = (Child(rig, "a"), Child(rig, "b"))
    a.sign("a1")
    b.sign("b1", tiles: false)
    #expect(aggregate(["--log", a.key, "--checkpoint", rig.path("a1")]).code == .success)
    // A second store that signs with the same key.
    let twin = Child(rig, "twin", seedRecords: 300)
    let words = [
      "evidence", "checkpoint", rig.path("twin"), "--key", rig.path("a.key"), "--last",
      rig.path("twin.last"), "--stream", "orders", "--out", rig.path("forked"),
    ]
    #expect(rig.run(words, input: PieceSource([])).code == .success)
    let outcome = aggregate(
      [
        "--log", a.key, "--log", b.key, "--checkpoint", rig.path("forked"), "--checkpoint",
        rig.path("b1"),
      ])
    #expect(outcome.code == .damaged && outcome.errors.contains("': FORK: 'child.example/a"))
    #expect(outcome.lines.count == 1 && outcome.lines[0].hasSuffix("appended as record 1"))
    #expect(twin.key != a.key)
  }

  @Test func `what is no checkpoint of a known log is refused with the reason`() throws {
    let a = Child(rig, "a", seedRecords: 5)
    a.sign("a1", tiles: false)
    let good = String(decoding: try rig.read("a1"), as: UTF8.self)
    let lines = good.split(separator: "\n", omittingEmptySubsequences: false)
    let bad: [(String, String, String)] = [
      ("garbage", "garbage", "not a signed note"), ("empty", "", "not a signed note"),
      ("CR LF", good.replacingOccurrences(of: "\n", with: "\r\n"), "ends of lines of Windows"),
      ("2^63", good.replacingOccurrences(of: "\n5\n", with: "\n9223372036854775808\n"), "2^63"),
      ("zero", good.replacingOccurrences(of: "\n5\n", with: "\n05\n"), "zeros in front"),
      ("changed", good.replacingOccurrences(of: "\n5\n", with: "\n6\n"), "does not verify"),
      (
        "twice", good + String(lines[4]) + "\n", "has signed it twice"
      ),
      (
        "root", good.replacingOccurrences(of: String(lines[2]), with: String(lines[2].dropLast())),
        "canonical Base64"
      ),
    ]
    for (name, text, reason) in bad {
      try rig.write("bad", Array(text.utf8))
      let outcome = aggregate(["--log", a.key, "--checkpoint", rig.path("bad")])
      #expect(outcome.code == .usage && outcome.output.isEmpty, "\(name)")
      #expect(outcome.errors.contains(reason), "\(name): \(outcome.errors)")
      #expect(outcome.errors.split(separator: "\n").count == 1)
    }
    let unknown = aggregate(["--checkpoint", rig.path("a1")])
    #expect(unknown.code == .usage && unknown.errors.contains("no key of 'child.example/a"))
    #expect(aggregate([]).isClearError)
    #expect(aggregate(["--tiles", rig.path("nowhere")]).code == .usage)
    #expect(
      rig.run("evidence", "aggregate", rig.store, "--checkpoint", rig.path("a1")).isClearError)
    #expect(
      aggregate(["--log", "not+a+key", "--checkpoint", rig.path("a1")]).isClearError)
    #expect(rig.run("create", rig.store, "plain", "--evidence", "none").code == .success)
    let plain = rig.run(
      "evidence", "aggregate", rig.store, "--stream", "plain", "--checkpoint", rig.path("a1"))
    #expect(plain.isClearError)
    #expect(rig.run("read", rig.store, "logs").output.isEmpty)
  }
}
