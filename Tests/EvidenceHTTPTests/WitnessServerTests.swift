#if HTTP
  import ByteCoding
  import EvidenceFiles
  import Integrity
  import PlatformIO
  import SimulatedIO
  import TestSupport
  import Testing

  @testable import EvidenceHTTP

  @Suite struct WitnessServerTests {
    private struct Session: Decodable {
      struct Request: Decodable {
        let request: String
        let c2sp_head_status: Int
        let c2sp_body: String?
      }
      let log_origin: String
      let log_public_key_hex: String
      let requests: [Request]
    }

    private func post(_ url: String, _ body: [UInt8]) throws -> HTTPRequest.Answer {
      try HTTPRequest(
        url: url, body: body, timeoutMilliseconds: 60_000, answerByteCountLimit: 1 << 20
      ).send()
    }

    private func head(_ request: WitnessRequest) -> String {
      "POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nContent-Length: \(request.encoded.count)\r\n\r\n"
    }

    /// Sends text, says that no more comes, and reads the answer.
    private func answer(_ server: WitnessServer, _ text: String) throws -> String {
      let connection = try RawConnection(port: server.address.port)
      connection.send(text)
      connection.endSending()
      return connection.readToEnd()
    }

    private func status(_ answer: String) -> Int? {
      answer.firstMatch(of: #/^HTTP/1\.[01] ([0-9]{3}) /#).flatMap { Int($0.1) }
    }

    @Test(.enabled(if: Vectors.areThere))
    func `a session with another witness's answers, over HTTP`() throws {
      let session = try Vectors.json("witness/add-checkpoint-session.json", as: Session.self)
      let rig = try WitnessRig()
      let log = try NoteVerifierKey(
        name: #require(KeyName(session.log_origin)), kind: .ed25519,
        publicKey: #require(Hexadecimal.bytes(session.log_public_key_hex)))
      try rig.disk.makeDirectory(path: "/session")
      let service = try WitnessService(
        key: rig.key, logs: [.init(origin: session.log_origin, keys: [log])], folder: "/session",
        fileSystem: rig.disk, time: ManualTime())
      let server = try WitnessServer(service)
      for (number, test) in session.requests.enumerated() {
        let answer = try post("\(server.url)/add-checkpoint", Array(test.request.utf8))
        // The second has a signature that is not in canonical Base64, which is refused as such.
        #expect(answer.status == (number == 1 ? 400 : test.c2sp_head_status))
        if let body = test.c2sp_body { #expect(answer.body == Array(body.utf8)) }
        if answer.status == 200 {
          let request = try WitnessRequest(Array(test.request.utf8))
          let note = try SignedNote(request.note.encoded + answer.body)
          #expect(try Cosignature.verified(note, by: [rig.key.verifier]).count == 1)
        }
      }
      #expect(session.requests.count == 9)
    }

    @Test func `paths and methods have their statuses`() throws {
      let rig = try WitnessRig()
      let server = try rig.server(prefix: "witness/one/")
      #expect(server.prefix == "/witness/one" && server.url.hasSuffix("/witness/one"))
      #expect(try rig.client(server.url).cosign(rig.note(9), tree: rig.tree).count == 1)
      let checkpoint = "/witness/one\(WitnessRig.path())"
      let add = "/witness/one/add-checkpoint"
      let expected: [(String, String, Int)] = [
        ("GET", checkpoint, 200), ("HEAD", checkpoint, 200), ("POST", checkpoint, 405),
        ("DELETE", checkpoint, 405), ("GET", add, 405), ("PUT", add, 405), ("HEAD", add, 405),
        ("OPTIONS", add, 405), ("POST", add, 400), ("POST", add + "?x=1", 400),
        ("POST", add + "/", 404), ("POST", "/add-checkpoint", 404), ("GET", "/", 404),
        ("GET", "/witness/one", 404), ("GET", "/witness/one/" + add, 404),
        ("POST", "/witness/one/%61dd-checkpoint", 404), ("POST", add + "%00", 404),
        ("GET", "/witness/one/../one" + WitnessRig.path(), 404),
        ("GET", "/witness/one\(WitnessRig.path(of: "example.com/other"))", 404),
        ("GET", checkpoint.uppercased(), 404), ("GET", "/witness/one/../../etc/passwd", 404),
      ]
      for (method, path, wanted) in expected {
        let found = try answer(
          server, "\(method) \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        #expect(status(found) == wanted, "\(method) \(path)")
        #expect(found.contains("Connection: close\r\n"))
        let allowed = path == checkpoint ? "GET, HEAD" : "POST"
        #expect(found.contains("Allow: \(allowed)\r\n") == (wanted == 405))
        // The body of a HEAD is only spoken of.
        if method == "HEAD" { #expect(found.hasSuffix("\r\n\r\n")) }
      }
      let shown = try answer(server, "GET \(checkpoint) HTTP/1.0\r\n\r\n")
      #expect(shown.contains("Content-Type: text/plain"))
      #expect(shown.hasSuffix("— \(rig.key.verifier.name) " + shown.suffix(105)))
      #expect(try status(answer(server, "GET \(checkpoint) HTTP/1.1\r\n\r\n")) == 400)
      #expect(try status(answer(server, "nonsense\r\n\r\n")) != 200)
    }

    @Test func `bodies over the limit are refused however they come`() throws {
      let rig = try WitnessRig()
      let server = try rig.server()
      let limit = WitnessRequest.byteCountLimit
      let post = "POST /add-checkpoint HTTP/1.1\r\nHost: a\r\n"
      func body(_ count: Int) -> String { String(repeating: "x", count: count) }
      // Just as large as it may be, and no request.
      let whole = post + "Content-Length: \(limit)\r\n\r\n" + body(limit)
      #expect(try status(answer(server, whole)) == 400)
      let over = post + "Content-Length: \(limit + 1)\r\n\r\n" + body(limit + 1)
      #expect(try status(answer(server, over)) == 413)
      let chunk = "\(String(limit, radix: 16))\r\n\(body(limit))\r\n"
      let chunks = post + "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk + "0\r\n\r\n"
      #expect(try status(answer(server, chunks)) == 413)
      // Answered before they come: the sender waits for leave, or is about to send far too much.
      for header in ["Expect: 100-continue\r\nContent-Length: 70000", "Content-Length: 9999999999"]
      {
        let connection = try RawConnection(port: server.address.port)
        connection.send(post + header + "\r\n\r\n")
        #expect(status(connection.readToEnd()) == 413)
      }
      // Nobody reads a body that has no end.
      let endless = try RawConnection(port: server.address.port)
      endless.send(post + "Transfer-Encoding: chunked\r\n\r\n")
      var sentCount = 0
      while sentCount < 1_000, endless.send(chunk) { sentCount += 1 }
      #expect(sentCount < 1_000)
      #expect(try rig.client(server.url).cosign(rig.note(9), tree: rig.tree).count == 1)
    }

    @Test func `a request may come in pieces, with leave asked for, and in chunks`() throws {
      let rig = try WitnessRig()
      let server = try rig.server()
      let first = try rig.request(from: 0, to: 10)
      let slow = try RawConnection(port: server.address.port)
      for byte in Array(head(first).utf8) + first.encoded { slow.send([byte]) }
      #expect(status(slow.readToEnd()) == 200)
      let second = try rig.request(from: 10, to: 20)
      let asking = try RawConnection(port: server.address.port)
      asking.send(head(second).replacing("Host: a", with: "Host: a\r\nExpect: 100-continue"))
      #expect(asking.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
      asking.send(second.encoded)
      #expect(status(asking.readToEnd()) == 200)
      let third = try rig.request(from: 20, to: 30)
      var text = Array(
        "POST /add-checkpoint HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
      for byte in third.encoded { text += Array("1\r\n".utf8) + [byte] + Array("\r\n".utf8) }
      let chunked = try RawConnection(port: server.address.port)
      chunked.send(text + Array("0\r\n\r\n".utf8))
      #expect(status(chunked.readToEnd()) == 200)
    }

    @Test func `one request a connection is answered, whatever stands behind it`() throws {
      let rig = try WitnessRig()
      let server = try rig.server()
      let requests = try [rig.request(from: 0, to: 10), rig.request(from: 10, to: 20)]
      let connection = try RawConnection(port: server.address.port)
      connection.send(requests.flatMap { Array(head($0).utf8) + $0.encoded })
      let found = connection.readToEnd()
      #expect(found.ranges(of: "HTTP/1.1 200 ").count == 1)
      let client = try rig.client(server.url)
      let seen = try client.latestCheckpoint(of: WitnessRig.origin)
      #expect(try Checkpoint(text: #require(seen).text).size == 10)
    }

    @Test func `stuck clients have their time, and others are answered meanwhile and after`() throws
    {
      let rig = try WitnessRig()
      var limits = WitnessServer.Limits()
      limits.workerCount = 2
      limits.connectionCount = 4
      limits.connectionMilliseconds = 200
      let server = try rig.server(limits: limits)
      let client = try rig.client(server.url)
      for round in 0..<3 as Range<UInt64> {
        let stuck = try (0..<8).map { _ in try RawConnection(port: server.address.port) }
        for (number, connection) in stuck.enumerated() {
          connection.send(number % 2 == 0 ? "POST /add-ch" : "POST /add-checkpoint HTTP/1.1\r\n")
        }
        #expect(try client.cosign(rig.note(round + 1), tree: rig.tree).count == 1)
        for connection in stuck { #expect(status(connection.readToEnd()) != 200) }
      }
    }

    @Test func `clients that die do not end the server`() throws {
      let rig = try WitnessRig()
      let server = try rig.server()
      for size in 1...40 as ClosedRange<UInt64> {
        let connection = try RawConnection(port: server.address.port)
        let request = try rig.request(from: size - 1, to: size)
        connection.send(head(request))
        if size % 4 != 0 { connection.send(request.encoded) }
        if size % 3 != 0 { connection.reset() }
      }
      #expect(try rig.client(server.url).cosign(rig.note(50), tree: rig.tree).count == 1)
    }

    @Test func `requests that came in full are answered before the end, and no others`() throws {
      let rig = try WitnessRig()
      let server = try rig.server()
      let idle = try RawConnection(port: server.address.port)
      let begun = try RawConnection(port: server.address.port)
      begun.send(try head(rig.request(from: 0, to: 10)))
      let gate = Gate()
      rig.disk.observeOperations { _ in gate.pass() }
      let connection = try RawConnection(port: server.address.port)
      let request = try rig.request(from: 0, to: 10)
      connection.send(Array(head(request).utf8) + request.encoded)
      gate.waitUntilReached()
      let stop = try DedicatedThread.start(name: "stop") { server.stop() }
      // It has been told to stop when it turns away the one who has asked nothing.
      #expect(idle.readToEnd().isEmpty && begun.readToEnd().isEmpty)
      gate.open()
      #expect(status(connection.readToEnd()) == 200)
      stop.join()
      server.stop()
      #expect(throws: WitnessError.self) {
        try rig.client(server.url).latestCheckpoint(of: WitnessRig.origin)
      }
    }

    @Test func `a server that is forgotten ends`() throws {
      let rig = try WitnessRig()
      var url = ""
      do {
        let server = try rig.server()
        url = server.url
        #expect(try rig.client(url).cosign(rig.note(5), tree: rig.tree).count == 1)
      }
      #expect(throws: WitnessError.self) {
        try rig.client(url).latestCheckpoint(of: WitnessRig.origin)
      }
    }

    @Test func `places where nobody can listen are errors that say why`() throws {
      let rig = try WitnessRig()
      let server = try rig.server()
      func error(_ address: ListenAddress) -> WitnessServerError? {
        do throws(WitnessServerError) {
          _ = try WitnessServer(rig.service, at: address)
          return nil
        } catch { return error }
      }
      #expect(error(server.address)?.description.contains("another program") == true)
      #expect(error(ListenAddress(host: "localhost", port: 0))?.errorNumber == 22)
      #expect(error(ListenAddress(host: "", port: 0))?.errorNumber == 22)
      #expect(error(ListenAddress(host: "192.0.2.1", port: 0))?.errorNumber == 99)
    }

    @Test func `clients that race with forks of one log get one history cosigned`() throws {
      for round in 0..<4 as Range<UInt8> {
        let rig = try WitnessRig()
        let server = try rig.server()
        // All the same up to the twelfth leaf.
        let trees = (0..<8 as Range<UInt8>).map { number in
          var tree = StoredTree()
          tree.append(Array(WitnessRig.leaves[..<12]))
          tree.append((0..<30).map { MerkleTree.leafHash([$0, number, round]) })
          return tree
        }
        let race = Race()
        let client = try rig.client(server.url)
        let threads = try trees.map { tree in
          try DedicatedThread.start(name: "racer") { [log = rig.log] in
            race.run(client, tree, log)
          }
        }
        for thread in threads { thread.join() }
        let states = race.states
        let histories = trees.filter { tree in
          states.allSatisfy { tree.root(atSize: $0.size) == $0.root }
        }
        #expect(histories.count == 1)
        #expect(states.map(\.size).max() == 42 && states.count > 10)
      }
    }

    /// What clients that race had cosigned.
    private final class Race: Sendable {
      private let signed = Guarded<[Witness.State]>([])
      var states: [Witness.State] { signed.withLock { $0 } }

      func run(_ client: WitnessClient, _ tree: StoredTree, _ log: NoteSignerKey) {
        for size in 1...42 as ClosedRange<UInt64> {
          guard let note = try? WitnessRig.note(size, of: tree, by: log),
            (try? client.cosign(note, after: size - 1, tree: tree)) != nil
          else { continue }
          let state = Witness.State(size: size, root: tree.root(atSize: size))
          signed.withLock { $0.append(state) }
        }
      }
    }

    /// A door in front of the disk.
    private final class Gate: Sendable {
      private let isReached = Guarded(false)
      private let isOpen = Guarded(false)

      func pass() {
        isReached.withLock { $0 = true }
        while !isOpen.withLock({ $0 }) { spinHint() }
      }

      func waitUntilReached() { while !isReached.withLock({ $0 }) { spinHint() } }
      func open() { isOpen.withLock { $0 = true } }
    }
  }
#endif
