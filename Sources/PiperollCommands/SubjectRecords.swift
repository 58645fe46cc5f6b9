internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import ErasableRecords
internal import EvidenceFiles
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Appends lines to an erasable stream, for one subject.
struct SubjectAppender {
  private let stream: ErasableStream
  private let subject: [UInt8]
  private let arguments: ParsedArguments

  /// `nil` for a stream whose payloads stand there as they are.
  init?(
    _ log: StreamLog, of store: Store, _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) {
    let opened = try SubjectParameters.opened(arguments, console)
    guard log.erasableID != nil else {
      guard opened == nil else {
        throw .message(
          "stream '\(escapedForTerminal(log.name))' was not created with --erasable; leave out --subject"
        )
      }
      return nil
    }
    guard let (subject, keys) = opened else {
      throw .message(
        "stream '\(escapedForTerminal(log.name))' is erasable; say with --subject whom the records "
          + "are about")
    }
    do throws(ErasableError) { stream = try ErasableStream(log, of: store, keys: keys) } catch {
      throw .message("\(error)")
    }
    (self.subject, self.arguments) = (subject, arguments)
  }

  /// Appends the lines of the input.
  func run(_ console: Console) throws(CommandFailure) -> ExitCode {
    let limit = FormatLimits().recordByteCountLimit - ErasableStream.overheadByteCount
    var lines = LineReader(console.input, lineByteCountLimit: limit)
    let key = arguments[AppendCommand.key].map { Array($0.utf8) }
    let type = arguments[AppendCommand.type].map { Array($0.utf8) }
    var count: UInt64 = 0
    while true {
      while try taking({ () throws(InputError) in try lines.advanceWithoutReading() }) {
        try append(lines.line, key, type, console)
        count += 1
      }
      try appending { () throws(AppendError) in try stream.log.flush() }
      guard try taking({ () throws(InputError) in try lines.advance() }) else { break }
      try append(lines.line, key, type, console)
      count += 1
    }
    if arguments[Flag.json], !arguments[AppendCommand.ack] {
      var json = JSONWriter()
      json.beginObject()
      json.member("stream", stream.log.name)
      json.member("records", count)
      json.member("nextOffset", stream.log.logEndOffset.rawValue)
      json.endObject()
      try console.write(json)
    }
    return .success
  }

  private func append(_ line: RawSpan, _ key: [UInt8]?, _ type: [UInt8]?, _ console: Console)
    throws(CommandFailure)
  {
    let offset: Offset
    do throws(ErasableError) {
      offset = try stream.append(line.copyBytes(), for: subject, key: key, type: type).offset
    } catch {
      throw .message("\(error)")
    }
    guard arguments[AppendCommand.ack] else { return }
    try appending { () throws(AppendError) in try stream.log.waitUntilAcknowledged(offset) }
    try console.write(arguments[Flag.json] ? "{\"offset\":\(offset)}\n" : "\(offset)\n")
    try console.flush()
  }
}

/// Opens the payloads that are about one subject.
final class SubjectOpener {
  private let key: SubjectKey
  private let streamID: [UInt8]
  private let console: Console
  /// Payloads of the subject that are not what was appended.
  private(set) var damageCount = 0

  /// `nil` when no subject was named.
  init?(
    _ store: StoreReader, _ stream: StreamName, _ arguments: ParsedArguments, _ console: Console
  ) throws(CommandFailure) {
    guard let (subject, keys) = try SubjectParameters.opened(arguments, console) else { return nil }
    guard let id = store.erasableID(of: stream) else {
      throw .message(
        "stream '\(escapedForTerminal(stream.text))' was not created with --erasable; leave out --subject"
      )
    }
    let found = try SubjectParameters.withKeys { () throws(SubjectKeyStoreError) in
      try keys.existingKey(for: subject)
    }
    guard let found else { throw .message("the subject has no key here") }
    (key, streamID) = (found, id.bytes)
    self.console = console
  }

  /// The payload of a record; `nil` when it is not about the subject.
  func payload(of record: borrowing RecordView) -> [UInt8]? {
    do throws(ErasableError) {
      return try ErasablePayload.open(Record(copying: record), with: key, streamID: streamID)
    } catch {
      if case .payload(.wrongKey) = error { return nil }
      damageCount += 1
      console.writeError("piperoll read: offset \(record.offset): \(error)\n")
      return nil
    }
  }
}
