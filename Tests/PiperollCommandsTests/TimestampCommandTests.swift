import ByteCoding
import CommandLineInterface
import Cryptography
import Foundation
import Integrity
import Testing

@Suite struct TimestampCommandTests {
  private let rig: Rig
  private let key: String

  /// A store whose checkpoint stands in the file `cp`.
  init() throws {
    rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "a", "--evidence", "tree").code == .success)
    #expect(rig.run("append", rig.store, "a", input: Array("one\n".utf8)).code == .success)
    let made = rig.run(
      "key", "generate", "log.example/x", "--kind", "log", "--out", rig.path("key"))
    key = made.lines.first ?? ""
    let signed = rig.run(
      "evidence", "checkpoint", rig.store, "--key", rig.path("key"), "--last", rig.path("last"),
      "--out", rig.path("cp"))
    #expect(signed.code == .success, "\(signed.errors)")
  }

  private func request(_ words: String..., checkpoint: String = "cp") -> Outcome {
    rig.run(
      [
        "timestamp", "request", "--checkpoint", rig.path(checkpoint), "--key", key, "--out",
        rig.path("q"),
      ] + words, input: PieceSource([]))
  }

  private func verify(_ words: String..., response: String = "r", ca: String = "root.pem")
    -> Outcome
  {
    rig.run(
      [
        "timestamp", "verify", "--checkpoint", rig.path("cp"), "--key", key, "--response",
        rig.path(response), "--ca", rig.path(ca),
      ] + words, input: PieceSource([]))
  }

  private struct Failed: Error { let words: [String] }

  private func openssl(_ words: String...) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["openssl"] + words
    process.currentDirectoryURL = URL(fileURLWithPath: rig.folder)
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw Failed(words: words) }
  }

  /// Answers the request as a time authority does that has certificates of this run.
  private func answer() throws {
    try rig.write(
      "ts.cnf",
      Array(
        """
        [tsa]
        serial = \(rig.path("serial"))
        crypto_device = builtin
        default_policy = 1.2.3.4.1
        digests = sha256
        signer_digest = sha256
        accuracy = secs:1
        """.utf8))
    try rig.write("serial", Array("01\n".utf8))
    try rig.write(
      "tsa.ext",
      Array("extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n".utf8))
    for name in ["root", "other"] {
      try openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "\(name).key", "-out", "\(name).pem", "-days", "3650", "-subj", "/CN=\(name)")
    }
    try openssl(
      "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
      "tsa.key", "-out", "tsa.csr", "-subj", "/CN=tsa")
    try openssl(
      "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key",
      "-CAcreateserial", "-days", "3650", "-extfile", "tsa.ext", "-out", "tsa.pem")
    try openssl(
      "ts", "-reply", "-config", "ts.cnf", "-section", "tsa", "-queryfile", "q", "-signer",
      "tsa.pem", "-inkey", "tsa.key", "-out", "r")
  }

  @Test func `an answer to a request verifies with its nonce and its root alone`() throws {
    let asked = request()
    #expect(asked.code == .success && asked.lines.count == 1, "\(asked.errors)")
    let nonce = try #require(asked.lines.first)
    #expect(Hexadecimal.bytes(nonce)?.count == 8)
    try answer()
    for result in [verify(), verify("--nonce", nonce)] {
      #expect(result.code == .success, "\(result.errors)")
      #expect(result.text.hasPrefix("stamped ") && result.text.contains("tsa"))
    }
    let json = verify("--json")
    #expect(json.lines.count == 1 && json.text.hasPrefix("{\"time\":\""))
    #expect(json.text.contains("\"policy\":\"1.2.3.4.1\""))
    for result in [verify("--nonce", "0102030405060708"), verify(ca: "other.pem")] {
      #expect(result.code == .damaged && result.output.isEmpty)
      #expect(result.errors.hasPrefix("piperoll timestamp: ") && result.errors.hasSuffix("\n"))
    }
    // The answer is of another checkpoint, is cut, or is none.
    let bytes = try rig.read("r")
    try rig.write("cut", Array(bytes.dropLast(9)))
    try rig.write("empty", [])
    var changed = bytes
    changed[changed.count / 2] ^= 1
    try rig.write("changed", changed)
    for name in ["cut", "empty", "changed", "cp"] {
      let result = verify(response: name)
      #expect(result.code == .damaged && result.output.isEmpty, "\(name)")
    }
    try rig.write("large", [UInt8](repeating: 0, count: 2 << 20))
    #expect(verify(response: "large").isClearError && verify(ca: "large").isClearError)
    #expect(verify(response: "absent").isClearError && verify(ca: "absent").isClearError)
    #expect(verify("--nonce", "xy").isClearError)
  }

  @Test func `a request tells programs what it is of`() throws {
    let result = request("--json")
    #expect(result.code == .success && result.lines.count == 1)
    #expect(result.text.contains("\"nonce\":\"") && result.text.contains("\"imprint\":\""))
    let first = try rig.read("q")
    #expect(request().code == .success)
    // Another nonce each time.
    #expect(try rig.read("q") != first)
  }

  @Test func `a request about what is no checkpoint of the key is refused in one line`() throws {
    try rig.write("junk", Array("junk".utf8))
    try rig.write("empty", [])
    try rig.write("cut", Array(try rig.read("cp").dropLast(5)))
    for name in ["junk", "empty", "cut", "absent"] {
      #expect(request(checkpoint: name).isClearError, "\(name)")
    }
    let other = rig.run(
      "key", "generate", "log.example/x", "--kind", "log", "--out", rig.path("other"))
    let vkey = try #require(other.lines.first)
    let wrong = rig.run(
      "timestamp", "request", "--checkpoint", rig.path("cp"), "--key", vkey, "--out", rig.path("q"))
    #expect(wrong.isClearError && !FileManager.default.fileExists(atPath: rig.path("q")))
    let bad: [[String]] = [
      ["request", "--checkpoint", rig.path("cp"), "--key", key],
      ["verify", "--checkpoint", rig.path("cp"), "--key", key],
      ["request", "--checkpoint", rig.path("cp"), "--out", rig.path("q")],
      ["request", "--checkpoint", rig.path("cp"), "--key", "x", "--out", rig.path("q")],
      ["stamp", "--checkpoint", rig.path("cp"), "--key", key],
    ]
    for words in bad {
      #expect(rig.run(["timestamp"] + words, input: PieceSource([])).isClearError, "\(words)")
    }
    let nowhere = rig.run(
      "timestamp", "request", "--checkpoint", rig.path("cp"), "--key", key, "--out",
      rig.path("no/q"))
    #expect(nowhere.isClearError)
  }
}
