internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// `piperoll dump`: a segment file, frame by frame.
enum DumpCommand: ExecutableCommand {
  static let file = Argument<String>.required("FILE", .path, help: "a segment file")

  static let declaration = Command(
    "dump", summary: "show a segment file frame by frame",
    discussion: """
      Shows the header, the recovery slots and every frame, without keys and values. Needs no store \
      and no lock. The salt of a segment is shown only once it is sealed.
      """,
    parameters: [file],
    examples: [
      .init(
        "piperoll dump my.store/s/0000000000000001/0000000000000002.seg", "shows a segment")
    ],
    exitCodes: [
      .init(.success, "all frames are intact"), .init(.damaged, "some bytes are no intact frame"),
      .init(.usage, "the command line is wrong, or the file is no segment"),
      .init(.interrupted, "interrupted"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let dump: SegmentDump
    do throws(SegmentDump.Failure) {
      dump = try SegmentDump(opening: arguments[file], environment: console.environment)
    } catch {
      switch error {
      case .fileSystem(let cause) where cause.reason == .unexpectedEnd:
        throw .message(
          "'\(escapedForTerminal(arguments[file]))' is no segment: it is shorter than the "
            + "\(SegmentLayout.preambleByteCount) bytes in front of the first frame")
      case .fileSystem(let cause): throw .file(cause)
      case .format(let cause): throw .message("'\(escapedForTerminal(arguments[file]))': \(cause)")
      }
    }
    let isJSON = arguments[Flag.json]
    try console.write(isJSON ? preambleJSON(dump) : preambleText(dump))
    var isDamaged = false
    var failure: CommandFailure?
    dump.forEach { item in
      do throws(CommandFailure) {
        try console.checkInterruption()
        if case .damaged = item { isDamaged = true }
        try console.write(isJSON ? json(item) : text(item))
        return true
      } catch {
        failure = error
        return false
      }
    }
    if let failure { throw failure }
    return isDamaged ? .damaged : .success
  }

  // MARK: Text

  private static func preambleText(_ dump: SegmentDump) -> String {
    let header = dump.header
    var text =
      "segment \(header.segmentID) of stream \(header.streamID), class \(header.durability)"
    text += ", format \(header.version.major).\(header.version.minor)\n"
    text += "store \(header.storeID)\n"
    text += "base offset \(header.baseOffset), \(RFC3339.format(header.baseAppendTime))"
    text += ", follows segment \(header.previousSegmentID), \(dump.byteCount) bytes, salt "
    text +=
      (dump.shownSalt.map { Hexadecimal.digits($0, count: 16) } ?? "hidden until sealed") + "\n"
    for (position, slot) in dump.slots {
      text += "slot at \(position): sequence \(slot.sequence), durable to position "
      text += "\(slot.durablePosition), next offset \(slot.nextOffset)\(words(slot.flags))\n"
    }
    return text
  }

  private static func words(_ flags: RecoverySlot.Flags) -> String {
    var words = flags.contains(.clean) ? ", clean" : ""
    if flags.contains(.sealed) { words += ", sealed" }
    if flags.contains(.unsynced) { words += ", unsynced" }
    return words
  }

  private static func text(_ item: SegmentDump.Item) -> String {
    switch item {
    case .frame(let frame):
      let fields = frame.fields.map { " \($0.name)=\($0.value)" }.joined()
      return "\(frame.position) \(frame.kind) \(frame.byteCount)\(fields)\n"
    case .damaged(let from, let to, let cause): return "\(from) damaged to \(to): \(cause)\n"
    case .end(let position): return "\(position) nothing was written from here on\n"
    }
  }

  // MARK: JSON

  private static func preambleJSON(_ dump: SegmentDump) -> String {
    let header = dump.header
    var json = JSONWriter()
    json.beginObject()
    json.member("item", "header")
    json.member("segment", header.segmentID)
    json.member("stream", header.streamID)
    json.member("store", "\(header.storeID)")
    json.member("durability", "\(header.durability)")
    json.member("format", "\(header.version.major).\(header.version.minor)")
    json.member("baseOffset", header.baseOffset.rawValue)
    json.member("baseAppendTime", RFC3339.format(header.baseAppendTime))
    json.member("previousSegment", header.previousSegmentID)
    json.member("bytes", dump.byteCount)
    json.name("salt")
    if let salt = dump.shownSalt {
      json.value(Hexadecimal.digits(salt, count: 16))
    } else {
      json.null()
    }
    json.endObject()
    json.endDocument()
    for (position, slot) in dump.slots {
      json.beginObject()
      json.member("item", "slot")
      json.member("position", position)
      json.member("sequence", slot.sequence)
      json.member("durablePosition", slot.durablePosition.rawValue)
      json.member("nextOffset", slot.nextOffset.rawValue)
      json.member("clean", slot.flags.contains(.clean))
      json.member("sealed", slot.flags.contains(.sealed))
      json.endObject()
      json.endDocument()
    }
    return String(decoding: json.bytes, as: UTF8.self)
  }

  private static func json(_ item: SegmentDump.Item) -> String {
    var json = JSONWriter()
    json.beginObject()
    switch item {
    case .frame(let frame):
      json.member("item", "frame")
      json.member("position", frame.position.rawValue)
      json.member("kind", frame.kind)
      json.member("bytes", UInt64(frame.byteCount))
      for field in frame.fields {
        json.name(field.name)
        if !field.isText, let number = Int64(field.value) {
          json.value(number)
        } else {
          json.value(field.value)
        }
      }
    case .damaged(let from, let to, let cause):
      json.member("item", "damaged")
      json.member("position", from.rawValue)
      json.member("to", to.rawValue)
      json.member("problem", "\(cause)")
    case .end(let position):
      json.member("item", "end")
      json.member("position", position.rawValue)
    }
    json.endObject()
    json.endDocument()
    return String(decoding: json.bytes, as: UTF8.self)
  }
}
