import TestSupport
import Testing

@testable import CommandLineInterface

struct ParserTests {
  @Test(arguments: [
    ["append", "s", "t", "--key", "K"], ["append", "s", "t", "--key=K"],
    ["append", "--key", "K", "s", "t"], ["append", "s", "-k", "K", "t"],
    ["append", "s", "t", "-kK"], ["append", "s", "--key=K", "--", "t"],
    ["append", "s", "t", "-alkK"], ["append", "-alk", "K", "s", "t"],
  ])
  func `an option may be written in every usual way`(_ words: [String]) throws {
    let arguments = try Sample.parse(words)
    #expect(arguments[Sample.store] == "s")
    #expect(arguments[Sample.stream] == "t")
    #expect(arguments[Sample.key] == "K")
  }

  @Test func `bundled short options are flags up to an option with a value`() throws {
    let arguments = try Sample.parse(["append", "s", "t", "-alb64KiB"])
    #expect(arguments[Sample.ack])
    #expect(arguments[Sample.lines])
    #expect(arguments[Sample.maxBytes] == 65_536)
  }

  @Test func `what is not given reads as its default`() throws {
    let arguments = try Sample.parse(["append", "s", "t"])
    #expect(arguments[Sample.key] == nil)
    #expect(arguments[Sample.durability] == .disk)
    #expect(arguments[Sample.maxBytes] == 1 << 20)
    #expect(!arguments[Sample.ack])
    #expect(arguments[Sample.tags] == [])
    #expect(!arguments.isGiven(Sample.maxBytes))
    #expect(!arguments[Flag.json])
  }

  @Test func `every command accepts --json`() throws {
    for words in [["append", "s", "t"], ["import", "s", "t", "f"], ["info", "s"]] {
      #expect(try Sample.parse(words + ["--json"])[Flag.json])
    }
  }

  @Test func `a repeating argument takes all that is left`() throws {
    let arguments = try Sample.parse(["import", "s", "t", "a", "-k", "x", "b", "--", "-c"])
    #expect(arguments[Sample.files] == ["a", "b", "-c"])
  }

  @Test func `a repeating option keeps the order`() throws {
    #expect(
      try Sample.parse(["append", "s", "-tx", "t", "--tag=y"])[Sample.tags] == ["x", "y"])
  }

  @Test func `an optional argument may be left out`() throws {
    #expect(try Sample.parse(["info", "s"])[Sample.single] == nil)
    #expect(try Sample.parse(["info", "s", "t"])[Sample.single] == "t")
  }

  @Test func `a negative number is a value and not an option`() throws {
    #expect(try Sample.parse(["append", "s", "t", "--shift", "-5"])[Sample.shift] == -5)
    #expect(try Sample.parse(["append", "s", "-7"])[Sample.stream] == "-7")
    #expect(try Sample.parse(["append", "s", "-"])[Sample.stream] == "-")
  }

  @Test func `everything after two dashes is positional`() throws {
    #expect(try Sample.parse(["append", "--", "--key", "--"])[Sample.store] == "--key")
    #expect(try Sample.parse(["append", "--", "--key", "--"])[Sample.stream] == "--")
  }

  @Test(arguments: [
    ([], "piperoll: no command given; 'piperoll help' lists them"),
    (["apend"], "piperoll: 'apend' is not a command; did you mean 'append'?"),
    (["xyzzy"], "piperoll: 'xyzzy' is not a command; 'piperoll help' lists the commands"),
    (["-x"], "piperoll: '-x' stands before the command; write 'piperoll COMMAND' first"),
    (
      ["append", "s", "t", "--max-bytes", "12q"],
      "piperoll append: --max-bytes: '12q' is not a byte count; use a number with KiB, MiB or GiB"
    ),
    (
      ["append", "s", "t", "--max-byte=1"],
      "piperoll append: '--max-byte' is not an option; did you mean '--max-bytes'?"
    ),
    (
      ["append", "s", "t", "-x"],
      "piperoll append: '-x' is not an option; 'piperoll append --help' lists the options"
    ),
    (["append", "s", "t", "--ack=1"], "piperoll append: --ack: takes no value"),
    (["append", "s", "t", "--key"], "piperoll append: --key: needs a value; write --key K"),
    (
      ["append", "s", "t", "--key", "--ack"],
      "piperoll append: --key: needs a value before '--ack'; write --key=VALUE if the value begins "
        + "with a dash"
    ),
    (
      ["append", "s", "t", "-kx", "--key=y"],
      "piperoll append: --key: given twice; give it once"
    ),
    (
      ["append", "s", "t", "--lines", "--length-prefixed"],
      "piperoll append: --length-prefixed: cannot be used with --lines; choose one"
    ),
    (
      ["append", "s"],
      "piperoll append: STREAM: missing; usage: piperoll append [options] STORE STREAM"
    ),
    (
      ["append", "s", "t", "u"],
      "piperoll append: 'u' is one argument too many; expected STORE STREAM"
    ),
    (
      ["append", "s", "t", "--durability", "dsik"],
      "piperoll append: --durability: 'dsik' is not one of disk, async, memory; "
        + "did you mean 'disk'?"
    ),
    (
      ["append", "s", "t", "--shift", "-101"],
      "piperoll append: --shift: '-101' is out of range; use -100 to 100"
    ),
    (
      ["append", "s", "t", "--shift", "x"],
      "piperoll append: --shift: 'x' is not a whole number; use digits, -100 to 100"
    ),
    (
      ["append", "s", ""], "piperoll append: STREAM: '' is empty; write at least one character"
    ),
    (["help", "inf"], "piperoll help: 'inf' is not a command; did you mean 'info'?"),
    (
      ["help", "info", "--man"], "piperoll help: --man: cannot be used with COMMAND; choose one"
    ),
  ])
  func `a wrong command line gives one line that says what to do`(
    _ words: [String], _ expected: String
  ) {
    #expect(Sample.problem(words) == expected)
  }

  @Test func `hostile words are shown harmless, short and on one line`() throws {
    let problem = try #require(
      Sample.problem(["a\u{1b}[2J\n\u{202e}" + String(repeating: "x", count: 500)]))
    #expect(problem.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x202e })
    #expect(problem.count < 250)
  }

  @Test func `any words at all are parsed or refused, never a trap`() throws {
    var generator = SeededGenerator()
    let pieces = [
      "append", "import", "info", "help", "-", "--", "=", "-k", "--key", "--max-bytes", "12q", "-5",
      "-.5", "", "é", "\u{0}", "👩‍👩‍👧", "-é", "-k=", "--=", "--help", "-b", "1",
      "99999999999999999999",
      "--tag", "-a", "-tl", "\u{301}", "--\u{301}",
    ]
    for _ in 0..<5_000 {
      let words = (0..<Int.random(in: 0...6, using: &generator)).map { _ in
        (0..<Int.random(in: 1...2, using: &generator)).compactMap { _ in
          pieces.randomElement(using: &generator)
        }.joined()
      }
      if let problem = Sample.problem(words) {
        #expect(!problem.contains("\n"), "\(words)")
      }
    }
  }

  @Test func `arguments that are not UTF-8 are refused by number and shown escaped`() {
    #expect(throws: UsageError.self) {
      try ProcessArguments.decode([Array("ok".utf8), [0x61, 0xff, 0x1b]], program: "piperoll")
    }
    do throws(UsageError) {
      _ = try ProcessArguments.decode([Array("ok".utf8), [0x61, 0xff, 0x1b]], program: "piperoll")
    } catch {
      #expect(
        error.description
          == "piperoll: argument 2 is not UTF-8: 'a\\xff\\u{1b}'; names must be UTF-8 text")
    }
  }

  @Test func `the arguments of this process can be read`() throws {
    #expect(try ProcessArguments.read(program: "tests").count == CommandLine.arguments.count - 1)
  }

  @Test(arguments: [
    ("", "", 0), ("a", "", 1), ("", "ab", 2), ("append", "append", 0), ("apend", "append", 1),
    ("apepnd", "append", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
  ])
  func `the edit distance counts edits and swaps of neighbours`(
    _ left: String, _ right: String, _ expected: Int
  ) {
    #expect(Suggestion.distance(Array(left.utf8), Array(right.utf8)) == expected)
    #expect(Suggestion.distance(Array(right.utf8), Array(left.utf8)) == expected)
  }
}
