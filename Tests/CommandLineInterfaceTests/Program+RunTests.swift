import CommandLineInterface
import Testing

@Suite struct ProgramRunTests {
  private enum Failure: CommandLineFailure {
    case output
    case quiet
    case other

    var exitCode: ExitCode { self == .quiet ? .interrupted : .usage }
    var message: String? { self == .quiet ? nil : "it went wrong" }
    var isAboutOutput: Bool { self == .output }
  }

  /// What a program wrote, and what was handed on.
  private final class Written {
    var output = ""
    var flushedCount = 0
    var errors = ""
    var flushFailure: Failure?

    var streams: CommandLineStreams<Failure> {
      CommandLineStreams(
        write: { text throws(Failure) in self.output += text },
        flush: { () throws(Failure) in
          self.flushedCount += 1
          if let failure = self.flushFailure { throw failure }
        }, writeError: { self.errors += $0 })
    }
  }

  private let program = Program(
    "tool", version: "1.2", date: "2026-01-02", summary: "does things",
    commands: [Command("work", summary: "do work")])

  @Test func `a command's result goes out, and its code is that of the program`() {
    let written = Written()
    let code = program.run(["work"], on: written.streams) { command, _ throws(Failure) in
      written.output += command.name
      return .damaged
    }
    #expect(code == .damaged && written.output == "work" && written.flushedCount == 1)
    #expect(written.errors.isEmpty)
  }

  @Test func `help is printed without a command being run`() {
    for words in [["--version"], ["help"], ["work", "--help"]] {
      let written = Written()
      let code = program.run(words, on: written.streams) { _, _ throws(Failure) in
        Issue.record("\(words) ran a command")
        return .success
      }
      #expect(code == .success && !written.output.isEmpty && written.flushedCount == 1)
    }
  }

  @Test func `a command line that is wrong is one line on standard error`() {
    let written = Written()
    let code = program.run(["wrok"], on: written.streams) { _, _ throws(Failure) in .success }
    #expect(code == .usage && written.output.isEmpty && written.flushedCount == 0)
    #expect(written.errors.hasPrefix("tool") && written.errors.hasSuffix("\n"))
  }

  @Test func `a failure names its command, and what was printed before goes out`() {
    let written = Written()
    let code = program.run(["work"], on: written.streams) { _, _ throws(Failure) in throw .other }
    #expect(code == .usage && written.flushedCount == 1)
    #expect(written.errors == "tool work: it went wrong\n")
    let quiet = Written()
    let ended = program.run(["work"], on: quiet.streams) { _, _ throws(Failure) in throw .quiet }
    #expect(ended == .interrupted && quiet.errors.isEmpty)
  }

  @Test func `output that failed is not tried again`() {
    let written = Written()
    #expect(
      program.run(["work"], on: written.streams) { _, _ throws(Failure) in throw .output } == .usage
    )
    #expect(written.flushedCount == 0)
    written.flushFailure = .output
    #expect(
      program.run(["work"], on: written.streams) { _, _ throws(Failure) in .success } == .usage)
    #expect(written.flushedCount == 1)
  }
}
