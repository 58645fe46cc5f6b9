import CommandLineInterface
import CommitLog
import LogFormat
import Testing

@Suite struct AppendAndReadTests {
  @Test(arguments: ["disk", "async", "memory"])
  func `what append takes in export gives back byte for byte`(_ durability: String) throws {
    let rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "s", "--durability", durability).code == .success)
    let appended = rig.run("append", rig.store, "s", input: awkward)
    #expect(appended.code == .success && appended.output.isEmpty && appended.errors.isEmpty)
    #expect(rig.run("export", rig.store, "s").output == awkward)
    #expect(rig.run("read", rig.store, "s").output == awkward + [0x0a])
    #expect(rig.run("verify", rig.store).code == .success)
  }

  @Test func `input arriving in any pieces gives the same records`() throws {
    let rig = try Rig().initialise()
    let input = Array("one\ntwo\r\n\n\nthree".utf8)
    for cut in 0...input.count {
      let pieces = [Array(input[..<cut]), Array(input[cut...])].filter { !$0.isEmpty }
      let name = "s\(cut)"
      #expect(rig.run(["append", rig.store, name], input: PieceSource(pieces)).code == .success)
      #expect(rig.run("export", rig.store, name).output == input)
    }
  }

  @Test func `no input makes no record`() throws {
    let rig = try Rig().initialise()
    #expect(rig.run("append", rig.store, "s").code == .success)
    #expect(rig.run("export", rig.store, "s").output.isEmpty)
  }

  @Test func `acknowledgements are offsets in order and come before more input is asked for`()
    throws
  {
    let rig = try Rig().initialise()
    let sink = MemorySink()
    var seen: [String] = []
    let pieces = ["a\nb\n", "c\n", "d"].map { Array($0.utf8) }
    let source = PieceSource(pieces) { _ throws(InputError) in
      seen.append(String(decoding: sink.flushed, as: UTF8.self))
    }
    let outcome = rig.run(["append", rig.store, "s", "--ack"], input: source, sink: sink)
    #expect(outcome.code == .success)
    #expect(outcome.text == "0\n1\n2\n3\n")
    #expect(seen.prefix(3) == ["", "0\n1\n", "0\n1\n2\n"])
  }

  @Test func `length-prefixed records come back as they went in`() throws {
    let rig = try Rig().initialise()
    let input: [UInt8] = [0, 0, 0, 0, 3, 0, 0, 0, 1, 0x0a, 3, 1, 0, 0, 0, 0xff]
    let words = ["append", rig.store, "s", "--length-prefixed"]
    #expect(rig.run(words, input: PieceSource([input])).code == .success)
    #expect(rig.run("read", rig.store, "s", "--format", "length-prefixed").output == input)
    let cut = rig.run(words, input: PieceSource([Array(input.dropLast())]))
    #expect(cut.isClearError && cut.errors.contains("byte 11"))
    #expect(rig.run("info", rig.store, "s", "--json").text.contains("\"visibleOffset\":5"))
  }

  @Test func `key and type go to every record`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", "--key", "k", "--type", "t", input: Array("v\nw".utf8))
    let lines = rig.run("read", rig.store, "s", "--format", "json").lines
    #expect(lines.count == 2)
    #expect(lines.allSatisfy { $0.contains(#""key":"k","type":"t""#) })
    #expect(lines[1].contains(#""headers":[{"name":"piperoll-no-newline","value":""}]"#))
  }

  @Test func `bytes that are not UTF-8 are base64 in JSON`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: [0xff, 0x0a])
    #expect(
      rig.run("read", rig.store, "s", "--json").text.contains(#""value":{"base64":"/w=="}"#))
  }

  @Test func `a terminal is not steered by what a log holds`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("\u{1b}[2J\n".utf8))
    let sink = MemorySink(isTerminal: true)
    let words = ["read", rig.store, "s"]
    #expect(!rig.run(words, input: PieceSource([]), sink: sink).output.contains(0x1b))
  }

  @Test func `from, to and max choose records`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("0\n1\n2\n3\n4\n".utf8))
    func lines(_ words: String...) -> [String] {
      rig.run(["read", rig.store, "s"] + words, input: PieceSource([])).lines
    }
    #expect(lines("--from", "1", "--to", "3") == ["1", "2"])
    #expect(lines("--from", "3", "--max", "1") == ["3"])
    #expect(lines("--from", "latest").isEmpty)
    #expect(lines("--from", "5").isEmpty)
    #expect(lines("--from", "@1999-01-01T00:00:00Z") == ["0", "1", "2", "3", "4"])
    #expect(lines("--from", "@2200-01-01T00:00:00Z").isEmpty)
    #expect(lines("--max", "0").isEmpty)
  }

  @Test func `a closed pipe ends reading and acknowledging without an error`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array(String(repeating: "line\n", count: 50).utf8))
    let sink = MemorySink()
    sink.limit = 20
    for words in [
      ["read", rig.store, "s"], ["export", rig.store, "s"], ["append", rig.store, "s", "--ack"],
    ] {
      let outcome = rig.run(words, input: PieceSource([Array("x\n".utf8)]), sink: sink)
      #expect(outcome.code == .success && outcome.errors.isEmpty)
      sink.limit = 0
    }
    // What was read before the pipe was found closed is kept.
    #expect(rig.run("read", rig.store, "s", "--from", "50").text == "x\n")
  }

  @Test func `a full output is an error with one line`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\nb\n".utf8))
    let sink = MemorySink()
    (sink.limit, sink.failure) = (0, .noSpace)
    let outcome = rig.run(["read", rig.store, "s"], input: PieceSource([]), sink: sink)
    #expect(outcome.isClearError && outcome.errors.contains("no space"))
  }

  @Test func `an interruption commits the whole lines that were read`() throws {
    let rig = try Rig().initialise()
    let source = PieceSource([Array("a\nb\nhal".utf8)]) { turn throws(InputError) in
      if turn == 1 { throw .interrupted }
    }
    let outcome = rig.run(["append", rig.store, "s"], input: source)
    #expect(outcome.code == .interrupted && outcome.errors.isEmpty)
    #expect(rig.run("read", rig.store, "s").text == "a\nb\n")
  }

  @Test func `tail prints what is there and ends after the timeout or the limit`() throws {
    let rig = try Rig().initialise()
    _ = rig.run("append", rig.store, "s", input: Array("a\nb\nc\n".utf8))
    let all = rig.run("tail", rig.store, "s", "--from", "earliest", "--timeout", "10ms")
    #expect(all.text == "a\nb\nc\n" && all.code == .success)
    #expect(rig.run("tail", rig.store, "s", "--from", "1", "--max", "1").text == "b\n")
    let stopped = rig.run(
      ["tail", rig.store, "s"], input: PieceSource([]), interruption: { true })
    #expect(stopped.code == .interrupted && stopped.output.isEmpty)
  }

  @Test func `damage is named, the records behind it are printed and the exit code says so`()
    throws
  {
    let rig = try Rig().initialise()
    for line in ["first\n", "second\n", "third\n"] {
      _ = rig.run("append", rig.store, "s", input: Array(line.utf8))
    }
    let segment = try rig.segments()[0]
    var bytes = try rig.read(segment)
    let place = try #require(bytes.firstRange(of: Array("second".utf8)))
    bytes[place.lowerBound] ^= 1
    try rig.write(segment, bytes)
    let outcome = rig.run("read", rig.store, "s")
    #expect(outcome.code == .damaged)
    #expect(outcome.text == "first\nthird\n")
    #expect(outcome.errors.contains("offsets 1 to 1 lost"))
    let verified = rig.run("verify", rig.store)
    #expect(verified.code == .damaged && verified.text.contains("offsets 1 to 1 lost"))
  }
}
