import CommandLineInterface
import Foundation
import Testing

@Suite struct ImportTests {
  @Test func `imported files come back byte for byte`() throws {
    let rig = try Rig().initialise()
    try rig.write("in", awkward)
    #expect(rig.run("import", rig.store, "s", rig.path("in")).code == .success)
    let exported = rig.run("export", rig.store, "s", "--output", rig.path("out"))
    #expect(exported.code == .success && exported.output.isEmpty)
    #expect(try rig.read("out") == awkward)
    #expect(rig.run("verify", rig.store).code == .success)
  }

  @Test func `a second run adds nothing and a grown file adds its new lines`() throws {
    let rig = try Rig().initialise()
    try rig.write("in", Array("a\nb\n".utf8))
    _ = rig.run("import", rig.store, "s", rig.path("in"))
    let again = rig.run("import", rig.store, "s", rig.path("in"), "--json")
    #expect(again.text.contains(#""records":0,"skipped":2"#))
    try rig.write("in", Array("a\nb\nc\n".utf8))
    let grown = rig.run("import", rig.store, "s", rig.path("in"), "--json")
    #expect(grown.text.contains(#""records":1,"skipped":2"#))
    #expect(rig.run("export", rig.store, "s").text == "a\nb\nc\n")
  }

  @Test(arguments: ["a\nX\n", "a\n", "a\nb"])
  func `a file that changed since is refused`(_ text: String) throws {
    let rig = try Rig().initialise()
    try rig.write("in", Array("a\nb\n".utf8))
    _ = rig.run("import", rig.store, "s", rig.path("in"))
    try rig.write("in", Array(text.utf8))
    #expect(rig.run("import", rig.store, "s", rig.path("in")).isClearError)
    #expect(rig.run("export", rig.store, "s").text == "a\nb\n")
  }

  @Test func `an import that was cut short goes on where it stopped`() throws {
    let rig = try Rig().initialise()
    let lines = (0..<5_000).map { "line \($0)\n" }.joined()
    try rig.write("in", Array(lines.utf8))
    for round in 1... {
      var looks = 0
      let outcome = rig.run(
        ["import", rig.store, "s", rig.path("in")], input: PieceSource([]),
        interruption: {
          looks += 1
          return looks == 2
        })
      if outcome.code == .success { break }
      #expect(outcome.code == .interrupted)
      try #require(round < 20)
    }
    #expect(rig.run("export", rig.store, "s").text == lines)
  }

  @Test func `fields become keys, types and times`() throws {
    let rig = try Rig().initialise()
    let lines = [
      #"{"id":{"n":7},"kind":"x","at":"2024-02-29T12:00:00Z"}"#, "", #"{"kind":null}"#,
    ]
    try rig.write("in", Array(lines.joined(separator: "\n").utf8))
    let words = [
      "import", rig.store, "s", rig.path("in"), "--key", "id.n", "--type", "kind", "--time", "at",
    ]
    #expect(rig.run(words, input: PieceSource([])).code == .success)
    let records = rig.run("read", rig.store, "s", "--json").lines
    #expect(records.count == 3)
    #expect(
      records[0].contains(
        #""eventTime":"2024-02-29T12:00:00.000000000Z","key":"7","type":"x""#))
    #expect(records[1].contains(#""eventTime":null,"key":null,"type":null"#))
    #expect(rig.run("export", rig.store, "s").text == lines.joined(separator: "\n"))
    #expect(rig.run("verify", rig.store).code == .success)
  }

  @Test func `a line that is no JSON is named and can be mended`() throws {
    let rig = try Rig().initialise()
    try rig.write("in", Array("{\"k\":1}\n{\n".utf8))
    let outcome = rig.run("import", rig.store, "s", rig.path("in"), "--key", "k")
    #expect(outcome.isClearError && outcome.errors.contains("line 2"))
    try rig.write("in", Array("{\"k\":1}\n{\"k\":2}\n".utf8))
    #expect(rig.run("import", rig.store, "s", rig.path("in"), "--key", "k").code == .success)
    #expect(rig.run("export", rig.store, "s").text == "{\"k\":1}\n{\"k\":2}\n")
  }

  @Test func `real transcripts come back byte for byte`() throws {
    let path = "../shared/data/agent-transcripts.jsonl"
    guard let data = FileManager.default.contents(atPath: path) else {
      print("skipped: no transcripts beside the repository")
      return
    }
    let rig = try Rig().initialise()
    let words = ["import", rig.store, "chat", path, "--key", "session", "--type", "role"]
    #expect(rig.run(words, input: PieceSource([])).code == .success)
    #expect(rig.run("export", rig.store, "chat").output == Array(data))
    #expect(rig.run("read", rig.store, "chat").output == Array(data))
  }
}
