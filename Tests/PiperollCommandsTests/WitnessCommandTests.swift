#if HTTP
  import CommandLineInterface
  import EvidenceHTTP
  import Foundation
  import Integrity
  import Testing

  @Suite struct WitnessCommandTests {
    /// Makes a key file, and says its public key.
    private func key(_ rig: Rig, _ name: String, _ kind: String) -> String {
      let result = rig.run(
        "key", "generate", "example.com/\(name)", "--kind", kind, "--out", rig.path(name))
      return result.lines.first ?? ""
    }

    private func signer(_ rig: Rig, _ name: String) throws -> NoteSignerKey {
      try NoteSignerKey(String(decoding: try rig.read(name).dropLast(), as: UTF8.self))
    }

    private func tree(_ count: UInt8) -> StoredTree {
      var tree = StoredTree()
      tree.append((0..<count).map { MerkleTree.leafHash([$0]) })
      return tree
    }

    private func note(_ tree: StoredTree, by log: NoteSignerKey) throws -> SignedNote {
      var note = try SignedNote(
        text: Checkpoint(
          origin: log.verifier.name.description, size: tree.size, root: tree.root
        ).text)
      try note.sign(with: log)
      return note
    }

    @Test func `a witness cosigns until it is interrupted, and remembers when it serves again`()
      throws
    {
      let rig = try Rig()
      let vkey = try NoteVerifierKey(key(rig, "witness", "witness"))
      let logs = [key(rig, "log", "log"), key(rig, "other", "log")]
      let log = try signer(rig, "log")
      let words = [
        "witness", "serve", "--key", rig.path("witness"), "--log", logs[0], "--log", logs[1],
        "--state", rig.path("seen"), "--listen", "127.0.0.1:0", "--prefix", "w", "--json",
      ]
      for size in 5...7 as ClosedRange<UInt8> {
        let sink = MemorySink()
        var lines: [SignedNote.Line] = []
        // It listens when it looks for an interruption first.
        let result = rig.run(words, input: PieceSource([]), sink: sink) {
          let text = String(decoding: sink.flushed, as: UTF8.self)
          let url = text.split(separator: "\"").first { $0.hasPrefix("http:") } ?? ""
          let client = try? WitnessClient(
            url: String(url), key: vkey, timeoutMilliseconds: 60_000)
          let tree = tree(size)
          // From nothing, for another key: the witness knows better.
          lines = (try? client?.cosign(note(tree, by: log), tree: tree)) ?? []
          return true
        }
        #expect(result.code == .success && result.errors.isEmpty && lines.count == 1)
        #expect(result.text.contains("\"vkey\":\"\(vkey.text)\""))
      }
      #expect(try FileManager.default.contentsOfDirectory(atPath: rig.path("seen")).count == 3)
    }

    @Test func `what a witness cannot serve with is a clear error`() throws {
      let rig = try Rig()
      let witness = key(rig, "witness", "witness")
      let log = key(rig, "log", "log")
      try rig.write("large", [UInt8](repeating: 0x61, count: 5_000))
      try rig.write("empty", [])
      func serve(_ name: String, _ more: String...) -> Outcome {
        let words = ["witness", "serve", "--key", rig.path(name), "--state", rig.path("seen")]
        return rig.run(words + more, input: PieceSource([])) { true }
      }
      let outcomes = [
        serve("witness"), serve("log", "--log", log), serve("missing", "--log", log),
        serve("large", "--log", log), serve("empty", "--log", log),
        serve("witness", "--log", witness), serve("witness", "--log", "nonsense"),
        serve("witness", "--log", log, "--listen", "localhost:0"),
        serve("witness", "--log", log, "--listen", "192.0.2.1:0"),
      ]
      for (number, outcome) in outcomes.enumerated() {
        #expect(outcome.isClearError, "\(number): \(outcome.errors)")
        #expect(!outcome.errors.contains("PRIVATE"))
      }
      try rig.write("file", [])
      let state = rig.run(
        ["witness", "serve", "--key", rig.path("witness"), "--log", log, "--state"]
          + [rig.path("file")], input: PieceSource([])
      ) { true }
      #expect(state.isClearError)
    }

    @Test(.timeLimit(.minutes(15)))
    func `the program of a witness ends in order when it is told to`() throws {
      guard BinaryTests.program != nil else { return }
      for signal in ["INT", "TERM"] {
        let rig = try Rig()
        let result = try BinaryTests.shell(
          rig,
          """
          set -m  # Else the shell starts it with the signal ignored.
          log=$($P key generate example.com/log --kind log --out log)
          $P key generate example.com/witness --kind witness --out witness >/dev/null
          serve() { exec $P witness serve --key witness --log $log --state seen --listen 127.0.0.1:0; }
          serve 2>err & pid=$!
          until grep -q listens err; do sleep 0.01; done
          # One at a time.
          (serve) 2>other; echo $?
          url=$(grep -o '[0-9.]*:[0-9]*$' err)
          exec 5<>/dev/tcp/${url/:/\\/}
          printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&5; head -1 <&5
          kill -\(signal) $pid; wait $pid; echo $?
          grep -c 'in another process' other
          """)
        #expect(result.output == "2\nHTTP/1.1 404 Not Found\r\n0\n1\n", "\(result)")
      }
    }
  }
#endif
