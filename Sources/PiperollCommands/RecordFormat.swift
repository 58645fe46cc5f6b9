internal import ByteCoding
internal import CommandLineInterface
internal import LogFormat
internal import Quantities

/// How records are printed.
enum RecordFormat: String, CaseIterable, Sendable {
  /// The value and a line feed.
  case raw
  /// One JSON object a line.
  case json
  /// The length of the value in 4 bytes, little-endian, then the value.
  case lengthPrefixed = "length-prefixed"
}

/// Prints records to an output and keeps the first failure, because readers hand out records without
/// asking whether more are wanted.
final class RecordPrinter {
  /// Records printed.
  private(set) var count: UInt64 = 0
  /// Why printing stopped; nothing is printed behind it.
  private(set) var failure: OutputError?
  private let format: RecordFormat
  private let output: any OutputSink
  private let isTerminal: Bool
  private var json = JSONWriter()
  private let lineFeed: [UInt8] = [UInt8(ascii: "\n")]

  init(_ format: RecordFormat, to output: any OutputSink) {
    self.format = format
    self.output = output
    isTerminal = output.isTerminal
  }

  /// Prints a record.
  func print(_ record: borrowing RecordView) { print(record, value: record.value) }

  /// Prints a record with another value than the one that is stored.
  func print(_ record: borrowing RecordView, value: RawSpan) {
    guard failure == nil else { return }
    do throws(OutputError) {
      switch format {
      case .raw: try printRaw(value)
      case .json: try printJSON(record, value)
      case .lengthPrefixed:
        var length: [UInt8] = []
        length.appendLittleEndian(UInt32(clamping: value.byteCount))
        try output.write(length.rawSpan)
        try output.write(value)
      }
      count += 1
    } catch {
      failure = error
    }
  }

  /// Prints a record's value and the line feed it had; the bytes of an input come back exactly.
  func printExactly(_ record: borrowing RecordView) {
    guard failure == nil else { return }
    do throws(OutputError) {
      try output.write(record.value)
      if !NewlineMark.isOn(record) { try endLine() }
      count += 1
    } catch {
      failure = error
    }
  }

  /// Throws what failed, if something did.
  func check() throws(CommandFailure) {
    if let failure { throw .output(failure) }
  }

  private func printRaw(_ value: RawSpan) throws(OutputError) {
    if isTerminal {
      // What a log holds must not steer the terminal of whoever looks at it.
      let text = Array((TerminalText.escaped(value.copyBytes()) + "\n").utf8)
      return try output.write(text.rawSpan)
    }
    try output.write(value)
    try endLine()
  }

  private func endLine() throws(OutputError) {
    let bytes = lineFeed
    try output.write(bytes.rawSpan)
  }

  private func printJSON(_ record: borrowing RecordView, _ value: RawSpan) throws(OutputError) {
    json.removeAll()
    json.beginObject()
    json.member("offset", record.offset.rawValue)
    json.member("appendTime", RFC3339.format(record.appendTime))
    json.name("eventTime")
    if let time = record.eventTime { json.value(RFC3339.format(time)) } else { json.null() }
    json.name("key")
    if let key = record.key { json.value(bytes: key) } else { json.null() }
    json.name("type")
    if let type = record.type { json.value(bytes: type) } else { json.null() }
    json.name("headers")
    json.beginArray()
    if record.headers.byteCount > 0, let headers = try? RecordHeaders.decoded(record.headers) {
      for header in headers {
        json.beginObject()
        json.member("name", header.name)
        json.member("value", bytes: header.value.rawSpan)
        json.endObject()
      }
    }
    json.endArray()
    json.member("value", bytes: value)
    json.member("tombstone", record.isTombstone)
    json.endObject()
    json.endDocument()
    let bytes = json.bytes
    try output.write(bytes.rawSpan)
  }
}
