import Foundation
import Testing

@testable import CommandLineInterface

struct HelpTests {
  @Test func `the help of a command is exactly this`() throws {
    let expected = """
      piperoll append - append records from standard input

      Usage: piperoll append [options] STORE STREAM

      Reads records until the end of the input and appends them to a stream.

      A record is durable when its offset is printed.

      Arguments:
        STORE                   the directory of the store
        STREAM                  the name of the stream

      Options:
        -k, --key K             the key of every record
            --durability MODE   when an append is acknowledged: disk, async or memory
                                (default: disk)
        -b, --max-bytes BYTES   the largest batch (default: 1MiB)
            --max-delay TIME    how long a record may wait for its batch
            --shift N           a shift
        -t, --tag TAG           a tag (may be repeated)
        -a, --ack               print the offset of every record
        -l, --lines             one record per line
            --length-prefixed   every record follows its length, 4 bytes little-endian
            --json              print the result as JSON
            --help              print this help

      At most one of --lines, --length-prefixed.

      Examples:
        echo hello | piperoll append my.store greetings
            appends one record

      Exit codes:
        0  done
        2  the command line is wrong, or reading or writing failed

      """
    #expect(try Sample.text(["help", "append"]) == expected)
    #expect(try Sample.text(["append", "--help"]) == expected)
    #expect(try Sample.text(["append", "-h"]) == expected)
  }

  @Test func `the overview lists every command with its summary`() throws {
    let text = try Sample.text(["help"])
    for command in Sample.program.commands {
      #expect(text.contains("  \(command.name) "))
      #expect(text.contains(command.summary))
    }
    #expect(try Sample.text(["--help"]) == text)
    #expect(try Sample.text(["--version"]) == "piperoll 1.2.3\n")
  }

  @Test func `no line of help is wider than 80 columns`() throws {
    for command in Sample.program.commands {
      for line in try Sample.text(["help", command.name]).split(separator: "\n") {
        #expect(line.count <= 80, "\(line)")
      }
    }
  }

  @Test(.enabled(if: Tool.exists("/usr/bin/groff")))
  func `the man page is formatted without a warning`() throws {
    let page = try Sample.text(["help", "--man"])
    let result = try Tool.run("/usr/bin/groff", ["-man", "-Tascii", "-ww", "-P-c"], input: page)
    #expect(result.status == 0)
    #expect(result.error == "")
    let text = result.output.replacing(#/.\u{8}/#, with: "")
    #expect(text.contains("'quotes', back\\slashes and .dots must survive"))
    #expect(text.contains("--length-prefixed"))
  }

  @Test func `in the man page nothing is left that roff would take as a request`() throws {
    let known = ["TH", "SH", "SS", "PP", "TP", "B", "I", "RS", "RE", "nf", "fi"]
    for line in try Sample.text(["help", "--man"]).split(separator: "\n") where line.hasPrefix(".")
    {
      let request = line.dropFirst().prefix { $0.isLetter }
      #expect(known.contains(String(request)), "\(line)")
    }
  }

  @Test(arguments: [
    (["piperoll", "ap"], "append"), (["piperoll", "append", "--durability", "a"], "async"),
    (["piperoll", "append", "--len"], "--length-prefixed"), (["piperoll", "help", "inf"], "info"),
    (["piperoll", "append", "-k", "x"], ""), (["piperoll", "help", "--completions", "z"], "zsh"),
  ])
  func `the bash script completes commands, options and values`(
    _ words: [String], _ expected: String
  ) throws {
    let list = words.map { "'\($0)'" }.joined(separator: " ")
    let script = """
      \(try Sample.text(["help", "--completions", "bash"]))
      COMP_WORDS=(\(list)); COMP_CWORD=\(words.count - 1)
      _piperoll; echo "${COMPREPLY[*]}"
      """
    let result = try Tool.run("/bin/bash", ["-u", "-s"], input: script)
    #expect(result.error == "")
    #expect(result.output == expected + "\n")
  }

  @Test(arguments: Shell.allCases)
  func `a completion script names every command and option`(_ shell: Shell) throws {
    let script = try Sample.text(["help", "--completions", shell.rawValue])
    for command in Sample.program.commands {
      #expect(script.contains(command.name))
      for option in command.options { #expect(script.contains(option.name)) }
    }
  }
}

/// Runs a tool of the system for a test.
enum Tool {
  static func exists(_ path: String) -> Bool { FileManager.default.isExecutableFile(atPath: path) }

  static func run(
    _ path: String, _ arguments: [String], input: String
  ) throws -> (status: Int32, output: String, error: String) {
    let process = Process()
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    (process.standardInput, process.standardOutput, process.standardError) = (stdin, stdout, stderr)
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
    let error = try stderr.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: output, as: UTF8.self),
      String(decoding: error, as: UTF8.self)
    )
  }
}
