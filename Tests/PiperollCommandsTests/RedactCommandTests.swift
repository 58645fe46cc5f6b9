import CommandLineInterface
import CommitLog
import Testing

@Suite struct RedactCommandTests {
  private func rig() throws -> Rig {
    let rig = try Rig().initialise()
    let lines = (0..<100).map { "record \($0)\n" }.joined()
    #expect(rig.run("append", rig.store, "s", input: Array(lines.utf8)).code == .success)
    return rig
  }

  @Test func `a record is taken out and the others are read`() throws {
    let rig = try rig()
    let result = rig.run(
      "redact", rig.store, "s", "--offset", "41", "--reason", "a password", "--json")
    #expect(result.code == .success, "\(result.errors)")
    #expect(result.text == "{\"offset\":41,\"statement\":0}\n")
    let expected = (0..<100).filter { $0 != 41 }.map { "record \($0)\n" }.joined()
    #expect(rig.run("read", rig.store, "s").text == expected)
    #expect(rig.run("verify", rig.store).code == .success)
    // Once more changes nothing.
    let again = rig.run("redact", rig.store, "s", "--offset", "41")
    #expect(again.code == .success)
    #expect(again.text == "record 41 is taken out; stated as record 0 of the evidence stream\n")
    #expect(rig.run("append", rig.store, "s", input: Array("more\n".utf8)).code == .success)
    #expect(rig.run("read", rig.store, "s").text == expected + "more\n")
  }

  @Test(arguments: [
    (["s", "--offset", "100"], "there is no record at offset 100"),
    (["s", "--offset", "18446744073709551615"], "--offset"),
    (["s", "--offset", "-1"], "--offset"),
    (["s"], "--offset"),
    (["t", "--offset", "1"], "no stream 't'"),
    (["piperoll.evidence", "--offset", "0"], "engine's own"),
    (["s", "--offset", "1", "--reason", String(repeating: "x", count: 1_025)], "fewer words"),
  ])
  func `what cannot be redacted is said and left alone`(_ words: [String], _ reason: String) throws
  {
    let rig = try rig()
    let result = rig.run(["redact", rig.store] + words, input: PieceSource([]))
    #expect(result.code == .usage)
    #expect(result.errors.contains(reason), "\(result.errors)")
    #expect(rig.run("read", rig.store, "s").lines.count == 100)
  }
}
