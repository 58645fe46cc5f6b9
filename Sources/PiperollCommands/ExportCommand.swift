internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll export`: the bytes that were imported.
enum ExportCommand: ExecutableCommand {
  static let output = Option<String?>.optional(
    "output", short: "o", "FILE", .path,
    help: "write to this file, which is replaced, instead of standard output")

  static let declaration = Command(
    "export", summary: "give back the bytes that were imported",
    discussion: """
      Writes all records as lines. What append and import took in as lines comes back byte for byte, \
      also where the last line had no line feed. Keys, types and times are not written; use \
      'read --format json' for them.
      """,
    parameters: [Shared.store, Shared.stream, output],
    examples: [
      .init("piperoll export my.store orders --output orders.jsonl", "writes the stream to a file")
    ],
    exitCodes: Shared.readingExits)

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    guard arguments[output] != nil || !arguments[Flag.json] else {
      throw .message("--json describes what was written to --output; give both")
    }
    let store = try openReader(arguments, console)
    let reader = try reading { () throws(ReadError) in
      try store.makeReader(of: arguments[Shared.stream])
    }
    let end = reader.visibleOffset
    let file = try arguments[output].map { path throws(CommandFailure) in
      try using { () throws(FileSystemError) in FileSink(try PlainFile(replacing: path)) }
    }
    let printer = RecordPrinter(.raw, to: file ?? console.output)
    var pump = RecordPump(reader, context: "piperoll export", console)
    do throws(CommandFailure) {
      _ = try pump.run(before: end, printer) { printer.printExactly($0) }
      if let file { try printing { () throws(OutputError) in try file.finish() } }
    } catch {
      if let failure = file?.failure { throw .file(failure) }
      throw error
    }
    if arguments[Flag.json], let path = arguments[output] {
      var json = JSONWriter()
      json.beginObject()
      json.member("stream", arguments[Shared.stream].text)
      json.member("file", path)
      json.member("records", printer.count)
      json.endObject()
      try console.write(json)
    }
    return pump.exitCode
  }
}

/// A file that takes results.
final class FileSink: OutputSink {
  private static let bufferByteCount = 256 << 10

  let isTerminal = false
  /// What went wrong, with the file's name.
  private(set) var failure: FileSystemError?
  private let file: PlainFile
  private var buffer: [UInt8] = []

  init(_ file: PlainFile) {
    self.file = file
    buffer.reserveCapacity(Self.bufferByteCount)
  }

  func write(_ bytes: RawSpan) throws(OutputError) {
    if buffer.count + bytes.byteCount > Self.bufferByteCount { try flush() }
    if bytes.byteCount < Self.bufferByteCount {
      buffer.append(bytes)
    } else {
      try send(bytes)
    }
  }

  func flush() throws(OutputError) {
    if buffer.isEmpty { return }
    var full: [UInt8] = []
    swap(&full, &buffer)
    try send(full.rawSpan)
    swap(&full, &buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes what is left and makes all of it durable.
  func finish() throws(OutputError) {
    try flush()
    try attempt { () throws(FileSystemError) in try file.synchronize() }
  }

  private func send(_ bytes: RawSpan) throws(OutputError) {
    do throws(FileSystemError) { try file.write(bytes) } catch { throw note(error) }
  }

  private func attempt(_ body: () throws(FileSystemError) -> Void) throws(OutputError) {
    do throws(FileSystemError) { try body() } catch { throw note(error) }
  }

  private func note(_ error: FileSystemError) -> OutputError {
    failure = error
    return error.reason == .noSpace ? .noSpace : .failed(errorNumber: 0)
  }
}
