internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import JSONFields
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Which fields of a JSON line become parts of the record.
struct ImportFields {
  let key: FieldPath?
  let type: FieldPath?
  let time: FieldPath?

  /// The fields asked for, without repetitions of their order: key, type, time.
  var paths: [FieldPath] { [key, type, time].compactMap { $0 } }
  /// Whether lines are JSON documents at all.
  var isEmpty: Bool { key == nil && type == nil && time == nil }
}

/// The import of one file: an idempotent producer whose sequence numbers are line numbers.
struct FileImport: ~Copyable {
  /// Lines of one producer epoch; sequence numbers have 32 bits.
  private static let epochRecordCount: UInt64 = 1 << 32

  /// Records appended by this run.
  private(set) var importedCount: UInt64 = 0
  /// Records an earlier run had appended.
  private(set) var skippedCount: UInt64 = 0

  private let path: String
  private let file: PlainFile
  private let log: StreamLog
  private let fields: ImportFields
  private let console: Console
  private var appender: BatchAppender
  private var progress: ProgressBar
  private typealias Lines = LineReader<PlainFileSource>

  init(
    _ path: String, into log: StreamLog, fields: ImportFields, _ console: Console
  ) throws(CommandFailure) {
    self.path = path
    self.log = log
    self.fields = fields
    self.console = console
    let file = try using { () throws(FileSystemError) in try PlainFile(reading: path) }
    self.file = file
    appender = BatchAppender(log)
    progress = ProgressBar(
      "import", total: file.byteCount,
      style: .suited(toTerminal: console.showsProgress, requested: false),
      at: console.environment.time.monotonicNanoseconds())
  }

  /// Imports what is not in the stream yet and waits until it is durable.
  mutating func run() throws(CommandFailure) {
    var lines = Lines(
      PlainFileSource(file, console), lineByteCountLimit: FormatLimits().recordByteCountLimit)
    do throws(CommandFailure) {
      try importLines(&lines)
    } catch {
      appender.sendBeforeFailing()
      throw error
    }
    try appender.finish()
    importedCount = appender.recordCount
    let now = console.environment.time.monotonicNanoseconds()
    if let text = progress.finish(byteCount: lines.nextPosition, at: now) {
      console.writeError(text)
    }
  }

  private mutating func importLines(_ lines: inout Lines) throws(CommandFailure) {
    var json: JSONFieldReader
    do throws(JSONFieldReader.SetUpFailure) { json = try JSONFieldReader() } catch {
      throw .message("out of memory; close other programs")
    }
    guard try advance(&lines) else { return }
    let id = producerID(firstLine: lines.line)
    try skip(&lines, id)
    if skippedCount > 0 {
      guard try advance(&lines) else { return }
    }
    var number = skippedCount
    appender.producer = stamp(id, number)
    repeat {
      // A batch belongs to one epoch.
      if number > 0, number % Self.epochRecordCount == 0 {
        try appender.send()
        appender.producer = stamp(id, number)
      }
      try addLine(lines, &json)
      number += 1
      if number % 1_024 == 0 { try pause(at: lines.nextPosition) }
    } while try advance(&lines)
  }

  private func stamp(_ id: UInt64, _ number: UInt64) -> ProducerStamp {
    ProducerStamp(
      id: id, epoch: UInt16(clamping: number / Self.epochRecordCount),
      sequence: UInt32(truncatingIfNeeded: number))
  }

  /// Goes over the lines that are in the stream already; the first line is the current one.
  private mutating func skip(_ lines: inout Lines, _ id: UInt64) throws(CommandFailure) {
    guard let state = log.producerState(id) else { return }
    let known = UInt64(state.epoch) * Self.epochRecordCount + UInt64(state.lastSequence) + 1
    skippedCount = 1
    while skippedCount < known {
      guard try advance(&lines) else {
        throw .message(
          "\(shownPath) has \(skippedCount) lines, but \(known) of it are in the stream already; it "
            + "was cut since: import it under another name")
      }
      skippedCount += 1
      if skippedCount % 4_096 == 0 { try console.checkInterruption() }
    }
    try compareLast(lines, id)
  }

  /// Makes sure that the last line passed over is what was imported, so that a file that was changed
  /// meanwhile is not mixed with what it was.
  private func compareLast(_ lines: borrowing Lines, _ id: UInt64) throws(CommandFailure) {
    guard let offset = log.lastOffset(ofProducer: id), offset >= log.logStartOffset else { return }
    var reader = try reading { () throws(ReadError) in try log.makeReader(from: .offset(offset)) }
    var isSame = false
    let isTerminated = lines.isTerminated
    _ = try reading { () throws(ReadError) in
      try reader.read(max: 1) { record in
        isSame =
          record.value.isEqual(to: lines.line) && NewlineMark.isOn(record) == !isTerminated
      }
    }
    guard isSame else {
      throw .message(
        "\(shownPath) line \(skippedCount) is not what was imported before; the file was changed "
          + "since: import it under another name")
    }
  }

  private mutating func addLine(
    _ lines: borrowing Lines, _ json: inout JSONFieldReader
  ) throws(CommandFailure) {
    do throws(CommandFailure) {
      if fields.isEmpty || lines.line.isBlank {
        try appender.add(lines.line, hasNewline: lines.isTerminated)
      } else {
        try addDocument(lines, &json)
      }
    } catch {
      guard case .append(.invalid(let problem)) = error else { throw error }
      throw .message("\(shownPath) line \(lines.number): \(problem)")
    }
  }

  private mutating func addDocument(
    _ lines: borrowing Lines, _ json: inout JSONFieldReader
  ) throws(CommandFailure) {
    let mark = lines.isTerminated ? [] : NewlineMark.block
    var failure: CommandFailure?
    do throws(JSONFieldError) {
      let found = try json.fields(fields.paths, of: lines.line, lineNumber: lines.number)
      var index = 0
      func next(_ path: FieldPath?) -> Int? {
        guard path != nil else { return nil }
        defer { index += 1 }
        return index
      }
      let (keyIndex, typeIndex, timeIndex) = (
        next(fields.key), next(fields.type), next(fields.time)
      )
      let key = if let keyIndex { try found.bytes(at: keyIndex) } else { nil as RawSpan? }
      let type = if let typeIndex { try found.bytes(at: typeIndex) } else { nil as RawSpan? }
      let time = if let timeIndex { try found.timestamp(at: timeIndex) } else { nil as Timestamp? }
      let record = RecordInput(
        lines.line, key: key, type: type, headers: mark.isEmpty ? nil : mark.rawSpan,
        eventTime: time)
      // What adding throws is no JSON error, so it leaves this block as a value.
      do throws(CommandFailure) { try appender.add(record) } catch { failure = error }
    } catch {
      throw .message("\(shownPath) \(error)")
    }
    if let failure { throw failure }
  }

  /// Looks at interruption and shows progress, now and then.
  private mutating func pause(at position: UInt64) throws(CommandFailure) {
    try console.checkInterruption()
    let now = console.environment.time.monotonicNanoseconds()
    if let text = progress.update(byteCount: position, at: now) {
      console.writeError(text)
    }
  }

  private func advance(_ lines: inout Lines) throws(CommandFailure) -> Bool {
    do throws(InputError) { return try lines.advance() } catch {
      if error == .interrupted { throw .interrupted }
      throw .message("\(shownPath): \(error)")
    }
  }

  private var shownPath: String { "'\(escapedForTerminal(path))'" }

  /// Who imports: the stream, the file and its first line, in 64 bits; never 0.
  private func producerID(firstLine: RawSpan) -> UInt64 {
    var bytes = Array(log.name.utf8) + [0] + Array(file.resolvedPath.utf8) + [0]
    bytes.append(firstLine)
    return max(1, FrameChecksum.content(bytes.rawSpan))
  }
}

/// A file as a source of input.
struct PlainFileSource: ByteSource {
  private let file: PlainFile
  private let console: Console
  private var position: UInt64 = 0

  init(_ file: PlainFile, _ console: Console) {
    self.file = file
    self.console = console
  }

  mutating func read(into buffer: inout MutableRawSpan) throws(InputError) -> Int {
    do throws(FileSystemError) {
      // A FIFO may have nothing to read for as long as it likes.
      let count = try file.read(into: &buffer, goingOnAfterSignals: { !console.isInterrupted })
      position += UInt64(count)
      return count
    } catch {
      if console.isInterrupted { throw .interrupted }
      var number: Int32 = 5
      if case .system(let other) = error.reason { number = other }
      throw .failed(position: position, errorNumber: number)
    }
  }
}

extension RawSpan {
  /// Whether two runs of bytes are the same.
  func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    for index in 0..<byteCount where unsigned8(at: index) != other.unsigned8(at: index) {
      return false
    }
    return true
  }

  /// Whether there is nothing but spaces, tabs and carriage returns.
  var isBlank: Bool {
    for index in 0..<byteCount {
      switch unsigned8(at: index) {
      case 0x20, 0x09, 0x0d: continue
      default: return false
      }
    }
    return true
  }
}
