import Foundation
import Testing

@testable import CommandLineInterface

/// Concerns descriptors and the process-wide flag, so one test at a time.
@Suite(.serialized)
struct StreamTests {
  @Test func `what is written arrives in order, small and large`() throws {
    let pipe = Pipe()
    let reading = pipe.fileHandleForReading
    let large = [UInt8](repeating: 0x61, count: 300_000)
    let reader = PipeReader(reading)
    var output = StandardOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    let isTerminal = output.isTerminal
    #expect(!isTerminal)
    try output.write("first\n")
    try output.write(large.span.bytes)
    var json = JSONWriter()
    json.value(7)
    try output.write(json)
    try output.flush()
    try pipe.fileHandleForWriting.close()
    #expect(reader.wait() == Array("first\n".utf8) + large + Array("7".utf8))
  }

  @Test func `nothing is written before the buffer is full or flushed`() throws {
    let pipe = Pipe()
    var output = StandardOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    try output.write("kept")
    #expect(
      !Descriptor.wait(for: POLLIN, on: pipe.fileHandleForReading.fileDescriptor, milliseconds: 0))
    try output.flush()
    #expect(
      Descriptor.wait(for: POLLIN, on: pipe.fileHandleForReading.fileDescriptor, milliseconds: 0))
  }

  @Test func `a reader that has gone is a typed error, and stays one`() throws {
    let pipe = Pipe()
    var output = StandardOutput(descriptor: pipe.fileHandleForWriting.fileDescriptor)
    try pipe.fileHandleForReading.close()
    try output.write("x")
    for _ in 0..<2 {
      do throws(OutputError) {
        try output.flush()
        Issue.record("the flush succeeded")
      } catch {
        #expect(error == .closedPipe)
        #expect(error.exitCode == .success)
      }
    }
  }

  @Test func `a full device is a typed error with exit code 2`() throws {
    let full = try FileHandle(forWritingTo: URL(filePath: "/dev/full"))
    var output = StandardOutput(descriptor: full.fileDescriptor)
    try output.write("x")
    do throws(OutputError) {
      try output.flush()
      Issue.record("the flush succeeded")
    } catch {
      #expect(error == .noSpace)
      #expect(error.exitCode == .usage)
    }
  }

  @Test func `standard input is read from a pipe to its end`() throws {
    let pipe = Pipe()
    try pipe.fileHandleForWriting.write(contentsOf: Data("a\nb".utf8))
    try pipe.fileHandleForWriting.close()
    let source = StandardInput(descriptor: pipe.fileHandleForReading.fileDescriptor)
    var reader = LineReader(source, lineByteCountLimit: 10)
    var count = 0
    while try reader.advance() { count += 1 }
    #expect(count == 2)
    let isTerminated = reader.isTerminated
    #expect(!isTerminated)
  }

  @Test func `reading a directory is a typed error`() throws {
    let folder = open("/", O_RDONLY)
    defer { close(folder) }
    var reader = LineReader(StandardInput(descriptor: folder), lineByteCountLimit: 10)
    do throws(InputError) {
      _ = try reader.advance()
      Issue.record("a directory was read")
    } catch {
      #expect(error == .failed(position: 0, errorNumber: EISDIR))
    }
  }

  @Test func `the first signal sets the flag and ends waiting for input`() async {
    await #expect(processExitsWith: .success) {
      Interruption.install()
      guard !Interruption.isRequested else { exit(1) }
      // To the process: threads of the pool hold signals back.
      kill(getpid(), SIGTERM)
      var reader = LineReader(
        StandardInput(descriptor: Self.silentDescriptor()), lineByteCountLimit: 10)
      do throws(InputError) {
        _ = try reader.advance()
        exit(2)
      } catch {
        exit(error == .interrupted ? 0 : 3)
      }
    }
  }

  @Test func `the second signal ends the process`() async {
    await #expect(processExitsWith: .signal(SIGINT)) {
      Interruption.install()
      let silent = Self.silentDescriptor()
      kill(getpid(), SIGINT)
      while !Interruption.isRequested {
        _ = Descriptor.wait(for: POLLIN, on: silent, milliseconds: 1)
      }
      kill(getpid(), SIGINT)
      _ = Descriptor.wait(for: POLLIN, on: silent, milliseconds: 10_000)
    }
  }

  /// The reading end of a pipe whose writing end stays open and silent until the process ends.
  private static func silentDescriptor() -> Int32 {
    var ends: [Int32] = [-1, -1]
    return pipe(&ends) == 0 ? ends[0] : -1
  }

  @Test func `bytes are shown on a terminal without power over it`() {
    let bytes = Array("ok é\u{1b}[31m\u{202e}".utf8) + [0xff, 0x00, 0x9b]
    #expect(TerminalText.escaped(bytes) == "ok é\\u{1b}[31m\\u{202e}\\xff\\u{0}\\x9b")
  }
}

/// Collects what comes out of a pipe while the test writes into it.
// Safety: the bytes are written by the reading thread before it signals, and read after waiting.
final class PipeReader: @unchecked Sendable {
  private var bytes: [UInt8] = []
  private let done = DispatchSemaphore(value: 0)

  init(_ handle: FileHandle) {
    Thread.detachNewThread {
      self.bytes = Array((try? handle.readToEnd()) ?? Data())
      self.done.signal()
    }
  }

  func wait() -> [UInt8] {
    done.wait()
    return bytes
  }
}
