import CommandLineInterface
import CommitLog
import Foundation
import PiperollCommands
import PlatformIO

/// A folder of its own, in which commands run as in a shell, but in this process.
final class Rig {
  let folder: String
  var environment = StoreEnvironment.machine()

  init() throws {
    folder = NSTemporaryDirectory() + "piperoll-commands-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }
  var store: String { path("store") }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// Runs a command line.
  func run(_ words: String..., input: [UInt8] = []) -> Outcome {
    run(words, input: PieceSource([input]))
  }

  func run(
    _ words: [String], input: any ByteSource, sink: MemorySink = MemorySink(),
    interruption: @escaping () -> Bool = { false }
  ) -> Outcome {
    let errors = ErrorText()
    let console = Console(
      input: input, output: sink, errors: { errors.text += $0 }, interruption: interruption,
      environment: environment)
    let code = PiperollProgram.run(words, on: console)
    return Outcome(code: code, output: sink.bytes, errors: errors.text)
  }

  /// Makes the store.
  @discardableResult
  func initialise() -> Rig {
    precondition(run("init", store).code == .success)
    return self
  }

  /// Files of segments, sorted.
  func segments(ofStream number: Int = 1) throws -> [String] {
    let name = String(number, radix: 16)
    let directory =
      "store/s/" + String(repeating: "0", count: 16 - name.utf8.count) + name
    return try FileManager.default.contentsOfDirectory(atPath: path(directory)).sorted()
      .map { directory + "/" + $0 }
  }
}

final class ErrorText {
  var text = ""
}

/// What a command came to.
struct Outcome {
  let code: ExitCode
  let output: [UInt8]
  let errors: String

  var text: String { String(decoding: output, as: UTF8.self) }
  var lines: [String] { text.split(separator: "\n").map(String.init) }
  /// One line on standard error and exit code 2: how every error should look.
  var isClearError: Bool {
    code == .usage && errors.hasPrefix("piperoll ") && errors.hasSuffix("\n")
      && errors.dropLast().allSatisfy { $0 != "\n" }
  }
}

/// Input that arrives in given pieces; `between` runs before each of them.
struct PieceSource: ByteSource {
  var pieces: [[UInt8]]
  var between: ((Int) throws(InputError) -> Void)?
  private var turn = 0
  private var rest: [UInt8] = []

  init(_ pieces: [[UInt8]], between: ((Int) throws(InputError) -> Void)? = nil) {
    self.pieces = pieces
    self.between = between
  }

  mutating func read(into buffer: inout MutableRawSpan) throws(InputError) -> Int {
    if rest.isEmpty {
      try between?(turn)
      guard turn < pieces.count else { return 0 }
      rest = pieces[turn]
      turn += 1
    }
    let count = min(rest.count, buffer.byteCount)
    for index in 0..<count {
      buffer.storeBytes(of: rest[index], toByteOffset: index, as: UInt8.self)
    }
    rest.removeFirst(count)
    return count
  }
}

/// Output kept in memory; fails after a number of bytes where asked to.
final class MemorySink: OutputSink {
  var bytes: [UInt8] = []
  var flushed: [UInt8] = []
  var limit = Int.max
  var failure = OutputError.closedPipe
  let isTerminal: Bool

  init(isTerminal: Bool = false) { self.isTerminal = isTerminal }

  func write(_ span: RawSpan) throws(OutputError) {
    guard bytes.count < limit else { throw failure }
    bytes += span.withUnsafeBytes { Array($0) }
  }

  func flush() throws(OutputError) {
    guard bytes.count < limit else { throw failure }
    flushed = bytes
  }
}

/// Bytes no careless program keeps: carriage returns, zeros, empty lines, bad UTF-8, a long line and
/// no line feed at the end.
let awkward: [UInt8] =
  Array("a\r\n\n\n\0b\n".utf8) + [0xff, 0xfe, 0x0a, 0xc3, 0x0a]
  + [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20) + Array("\n\r\nlast".utf8)
