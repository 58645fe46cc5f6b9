#if HTTP
  import Cryptography
  import EvidenceHTTP
  import Integrity
  import Testing

  @Suite struct WitnessClientTests {
    /// What a call ends with; the reason's case by name, so that it can be compared.
    private func failure(_ body: () throws(WitnessError) -> Void) -> WitnessError? {
      do throws(WitnessError) {
        try body()
        return nil
      } catch { return error }
    }

    /// The case of a reason.
    private static func name(of reason: WitnessError.Reason) -> String {
      switch reason {
      case .transport(let failure): "\(failure.kind)"
      case .malformed: "malformed"
      case .unsigned: "unsigned"
      case .unknownLog: "unknownLog"
      case .conflict(let size): "conflict \(size)"
      case .tooLarge: "tooLarge"
      case .inconsistent: "inconsistent"
      case .tooManyRequests: "tooManyRequests"
      case .unavailable(let status): "unavailable \(status)"
      case .status(let status): "status \(status)"
      case .answer: "answer"
      case .noCosignature: "noCosignature"
      case .signature: "signature"
      default: "another"
      }
    }

    private func reason(
      of moves: [FakeWitness.Move], size: UInt64 = 50, timeoutMilliseconds: UInt32 = 60_000
    ) throws -> String {
      let rig = try WitnessRig()
      let fake = try FakeWitness(moves)
      let client = try rig.client(fake.url, timeoutMilliseconds: timeoutMilliseconds)
      let note = try rig.note(size)
      let error = failure { () throws(WitnessError) in
        _ = try client.cosign(note, tree: rig.tree)
      }
      let found = try #require(error)
      #expect(found.description.contains(fake.url))
      return Self.name(of: found.reason)
    }

    @Test func `a witness that has seen another size is asked once more with the proof`() throws {
      let rig = try WitnessRig()
      let server = try rig.server(prefix: "/a/b/")
      let client = try rig.client(server.url + "//")
      for size in [0, 1, 7, 7, 64, 100] as [UInt64] {
        let note = try rig.note(size)
        let lines = try client.cosign(note, tree: rig.tree)
        var cosigned = note
        cosigned.lines += lines
        #expect(lines.count == 1)
        #expect(try Cosignature.verified(cosigned, by: [rig.key.verifier]).count == 1)
        #expect(try client.latestCheckpoint(of: WitnessRig.origin)?.lines == cosigned.lines)
        // Whoever knows what was seen asks once, and the answer is the same.
        #expect(try client.cosign(note, after: size, tree: rig.tree) == lines)
      }
      #expect(try client.latestCheckpoint(of: "example.com/other") == nil)
    }

    @Test func `a checkpoint smaller than what was seen is a conflict that names the size`() throws
    {
      let rig = try WitnessRig()
      let server = try rig.server()
      let client = try rig.client(server.url)
      _ = try client.cosign(rig.note(60), tree: rig.tree)
      let note = try rig.note(59)
      for old in [0, 59, 60, 70] as [UInt64] {
        let error = failure { () throws(WitnessError) in
          _ = try client.cosign(note, after: old, tree: rig.tree)
        }
        guard case .conflict(size: 60) = error?.reason else {
          Issue.record("from \(old): \(String(describing: error))")
          continue
        }
      }
    }

    @Test func `every refusal of a witness has its own error`() throws {
      let expected: [(Int, String)] = [
        (400, "malformed"), (403, "unsigned"), (404, "unknownLog"), (413, "tooLarge"),
        (422, "inconsistent"), (429, "tooManyRequests"), (500, "unavailable 500"),
        (503, "unavailable 503"), (201, "status 201"), (302, "status 302"),
        (418, "status 418"),
      ]
      for (status, name) in expected {
        #expect(try reason(of: [.answer(status, [])]) == name)
      }
    }

    @Test func `a second conflict is an error, and what is no size is one at once`() throws {
      func conflict(_ text: String) -> FakeWitness.Move { .answer(409, Array(text.utf8)) }
      #expect(try reason(of: [conflict("7\n"), conflict("8\n")]) == "conflict 8")
      // The size that was thought of: another proof would be the same.
      #expect(try reason(of: [conflict("0\n")]) == "conflict 0")
      #expect(try reason(of: [conflict("51\n")]) == "conflict 51")
      for text in [
        "", "\n", "7", "07\n", "-7\n", "+7\n", "7\n\n", " 7\n", "7 \n", "x\n", "7\r\n",
        "9223372036854775808\n", "99999999999999999999\n", "184467440737095516150\n",
      ] {
        #expect(try reason(of: [conflict(text)]) == "answer", "\(text)")
      }
    }

    @Test func `nobody there, no answer, no HTTP and no end are told apart`() throws {
      let rig = try WitnessRig()
      let note = try rig.note(5)
      func kind(_ url: String) throws -> TransportFailure.Kind? {
        let client = try rig.client(url)
        let error = failure { () throws(WitnessError) in
          _ = try client.cosign(note, tree: rig.tree)
        }
        guard case .transport(let found) = error?.reason else { return nil }
        return found.kind
      }
      // A port that was just given back.
      let url = try FakeWitness([]).url
      #expect(try kind(url) == .unreachable)
      #expect(try kind("http://no-such-host.invalid") == .unknownHost)
      #expect(try kind("http://127.0.0.1:99999") == .url)
      let garbage = try FakeWitness([.bytes(Array("SSH-2.0-x\r\n".utf8)), .bytes([])])
      #expect(try kind(garbage.url) == .notHTTP)
      #expect(try kind(garbage.url) == .notHTTP)
      let short = try FakeWitness([
        .bytes(Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".utf8))
      ])
      #expect(try kind(short.url) == .notHTTP)
      var limits = WitnessServer.Limits()
      limits.connectionMilliseconds = 500
      let server = try rig.server(limits: limits)
      #expect(try kind("https" + server.url.dropFirst(4)) == .encryption)
    }

    @Test func `a witness that never answers ends with the time`() throws {
      let rig = try WitnessRig()
      let fake = try FakeWitness([.silence])
      let client = try rig.client(fake.url, timeoutMilliseconds: 50)
      let note = try rig.note(5)
      let error = failure { () throws(WitnessError) in
        _ = try client.cosign(note, tree: rig.tree)
      }
      guard case .transport(let found) = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(found.kind == .timeout && fake.bodies.count == 1)
    }

    @Test func `an answer without end is not read to its end`() throws {
      let limit = WitnessClient.answerByteCountLimit
      let large = [UInt8](repeating: 0x61, count: limit + 1)
      let header = Array("X: \(String(repeating: "y", count: 70_000))\r\n".utf8)
      let moves: [FakeWitness.Move] = [
        .answer(200, large),
        .bytes(Array("HTTP/1.1 200 OK\r\n\r\n".utf8) + large),
        .bytes(Array("HTTP/1.1 200 OK\r\n".utf8) + header + Array("\r\n".utf8)),
      ]
      for move in moves {
        #expect(try reason(of: [move]) == "tooLarge(limit: \(limit))")
      }
    }

    @Test func `only a cosignature of this checkpoint by this witness is taken`() throws {
      let rig = try WitnessRig()
      let note = try rig.note(50)
      let line = try Cosignature.line(over: note.text, time: 7, key: rig.key)
      func answer(_ bytes: [UInt8]) throws -> String {
        try reason(of: [.answer(200, bytes)])
      }
      let broken = SignedNote.Line(
        name: line.name, keyID: line.keyID, signature: line.signature.dropLast() + [1])
      #expect(try answer(broken.encoded) == "signature")
      // One that holds beside one that does not.
      #expect(try answer(line.encoded + broken.encoded) == "signature")
      let other = try Cosignature.line(over: rig.note(49).text, time: 7, key: rig.key)
      #expect(try answer(other.encoded) == "signature")
      let stranger = try Cosignature.line(
        over: note.text, time: 7, key: WitnessRig.witnessKey(9))
      #expect(try answer(stranger.encoded) == "noCosignature")
      let timeless = try Cosignature.line(over: note.text, time: 0, key: rig.key)
      #expect(try answer(timeless.encoded) == "noCosignature")
      for text in ["", "\n", "ok\n", "— \n", "\n\n", "— a b\n"] {
        #expect(try answer(Array(text.utf8)) == "answer", "\(text)")
      }
      #expect(try answer(line.encoded.dropLast()) == "answer")
      // A whole note in the place of lines: its text is not what was sent.
      #expect(try answer(Array("x\n\n".utf8) + line.encoded) == "answer")
      let fake = try FakeWitness([.answer(200, stranger.encoded + line.encoded + line.encoded)])
      #expect(try rig.client(fake.url).cosign(note, tree: rig.tree) == [line])
    }

    @Test func `a shown checkpoint counts only with the witness's cosignature and of its log`()
      throws
    {
      let rig = try WitnessRig()
      let note = try rig.note(5)
      var cosigned = note
      cosigned.lines.append(try Cosignature.line(over: note.text, time: 7, key: rig.key))
      var foreign = try rig.note(5, origin: "example.com/other")
      foreign.lines.append(try Cosignature.line(over: foreign.text, time: 7, key: rig.key))
      let fake = try FakeWitness([
        .answer(200, cosigned.encoded), .answer(200, note.encoded),
        .answer(200, foreign.encoded), .answer(200, []),
      ])
      let client = try rig.client(fake.url)
      #expect(try client.latestCheckpoint(of: WitnessRig.origin) == cosigned)
      for _ in 0..<3 {
        #expect(throws: WitnessError.self) { try client.latestCheckpoint(of: WitnessRig.origin) }
      }
    }

    @Test func `a proof that cannot be made is an error, and from nothing none is asked for`()
      throws
    {
      struct Gone: Error {}
      let rig = try WitnessRig()
      let server = try rig.server()
      let client = try rig.client(server.url)
      #expect(try client.cosign(rig.note(5)) { _, _ in throw Gone() }.count == 1)
      #expect(try client.cosign(rig.note(5)) { _, _ in throw Gone() }.count == 1)
      let note = try rig.note(9)
      let error = failure { () throws(WitnessError) in
        _ = try client.cosign(note) { _, _ in throw Gone() }
      }
      guard case .proof(oldSize: 5, is Gone) = error?.reason else {
        Issue.record("\(String(describing: error))")
        return
      }
      let short = failure { () throws(WitnessError) in
        _ = try client.cosign(note, tree: StoredTree())
      }
      guard case .proof(oldSize: 5, is ProofError) = short?.reason else {
        Issue.record("\(String(describing: short))")
        return
      }
    }

    @Test(arguments: [
      "", "http://", "http:///x", "ftp://example.com", "example.com", "http://a b", "http://a?b",
      "http://a#b", "http://user@a", "http://user:word@a", "http://a\n", "http://caf\u{e9}.example",
      "HTTP://a", "http://a\\b", "file:///etc/passwd",
    ])
    func `what is no base URL is refused`(_ url: String) throws {
      let rig = try WitnessRig()
      #expect(throws: WitnessError.self) { try rig.client(url) }
    }

    @Test func `a key that signs notes is no witness's`() throws {
      let log = try WitnessRig.logKey().verifier
      #expect(throws: WitnessError.self) {
        try WitnessClient(url: "http://127.0.0.1", key: log)
      }
    }
  }
#endif
