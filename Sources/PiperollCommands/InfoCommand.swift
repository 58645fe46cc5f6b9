internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll info`: what a store is made of.
enum InfoCommand: ExecutableCommand {
  static let stream = Argument<StreamName?>.optional(
    "STREAM", .streamName, help: "only this stream, with its segments")

  static let declaration = Command(
    "info", summary: "describe a store or a stream",
    discussion: """
      Shows the streams of a store with their offsets and sizes, and who writes to it; for one \
      stream, its segments as well. Sizes are what the files take on the disk.
      """,
    parameters: [Shared.store, stream],
    examples: [
      .init("piperoll info my.store", "lists the streams"),
      .init("piperoll info my.store orders --json", "describes one stream as JSON"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let reader = try openReader(arguments, console)
    let store = try opening { () throws(OpenError) in try reader.information() }
    var streams = store.streams
    if let name = arguments[stream] {
      streams = streams.filter { $0.name.utf8.elementsEqual(name.text.utf8) }
      guard !streams.isEmpty else { throw .open(.streamNotFound(name: name.text)) }
    }
    if arguments[Flag.json] {
      try console.write(json(store, streams))
    } else {
      try console.write(text(store, streams, showsSegments: arguments[stream] != nil))
    }
    return .success
  }

  // MARK: Text

  private static func text(
    _ store: StoreInformation, _ streams: [StreamInformation], showsSegments: Bool
  ) -> String {
    var text = "store    \(store.id) in '\(escapedForTerminal(store.path))'\n"
    text +=
      "made     \(RFC3339.format(store.createdTime)), opened for writing \(store.epoch) times\n"
    let holder = store.writer.map { "process \($0.processID) (epoch \($0.epoch))" }
    text += "writer   \(holder ?? (store.hasWriter ? "unknown" : "none"))\n"
    text +=
      "beside   \(HumanFormat.byteCount(store.metadataByteCount)) of manifest, ballast and prepared files\n"
    if let space = store.space { text += line(space) }
    for file in store.quarantinedFiles {
      text += "kept     '\(escapedForTerminal(file))' in quarantine\n"
    }
    text += "\n"
    var table = TextTable([
      "stream", "class", "evidence", "start", "end", "durable", "segments", "on disk", "closed",
    ])
    for stream in streams {
      table.add([
        escapedForTerminal(stream.name), stream.durability.word, "\(stream.evidence)",
        "\(stream.logStartOffset)",
        "\(stream.visibleOffset)", stream.durableOffset.map { "\($0)" } ?? "-",
        "\(stream.segments.count)", HumanFormat.byteCount(stream.allocatedByteCount),
        stream.wasClosedInOrder.map { $0 ? "in order" : "no" } ?? "-",
      ])
    }
    text += table.text
    for stream in streams where stream.retention != RetentionPolicy() {
      text += "\nkeeps    stream '\(escapedForTerminal(stream.name))': \(stream.retention.text)\n"
    }
    for hold in store.holds {
      let name = hold.stream.map { "stream '\(escapedForTerminal($0))'" } ?? "all streams"
      text += "\nheld     '\(escapedForTerminal(hold.name))' keeps records of \(name)\n"
    }
    for stream in streams {
      for place in stream.damages {
        let name = escapedForTerminal(stream.name)
        text += "\ndamaged  stream '\(name)', segment \(place.segmentID), "
        text += "positions \(place.positions.lowerBound) to \(place.positions.upperBound), "
        text += "offsets \(place.offsets.lowerBound) to \(place.offsets.upperBound)\n"
      }
    }
    guard showsSegments else { return text }
    var segments = TextTable(["segment", "state", "base", "next", "size", "on disk", "file"])
    for segment in streams.flatMap(\.segments) {
      segments.add([
        "\(segment.id)", segment.state.rawValue, "\(segment.baseOffset)",
        segment.nextOffset.map { "\($0)" } ?? "-", HumanFormat.byteCount(segment.byteCount),
        HumanFormat.byteCount(segment.allocatedByteCount), escapedForTerminal(segment.path),
      ])
    }
    return text + "\n" + segments.text
  }

  private static func line(_ space: StoreSpace) -> String {
    let free = HumanFormat.byteCount(space.availableByteCount)
    let text = "space    \(free) free of \(HumanFormat.byteCount(space.byteCount))"
    let kept = HumanFormat.byteCount(space.keptByteCount)
    return switch space.level {
    case .ample: text + "\n"
    case .low: text + "; below \(kept) new segments are refused\n"
    case .full: text + "; new segments are refused until \(kept) are free\n"
    }
  }

  // MARK: JSON

  private static func json(_ store: StoreInformation, _ streams: [StreamInformation]) -> JSONWriter
  {
    var json = JSONWriter()
    json.beginObject()
    json.member("id", "\(store.id)")
    json.member("path", store.path)
    json.member("created", RFC3339.format(store.createdTime))
    json.member("epoch", store.epoch)
    json.member("hasWriter", store.hasWriter)
    json.name("writer")
    if let writer = store.writer {
      json.beginObject()
      json.member("process", writer.processID)
      json.member("epoch", writer.epoch)
      json.endObject()
    } else {
      json.null()
    }
    json.name("quarantine")
    json.beginArray()
    for file in store.quarantinedFiles { json.value(file) }
    json.endArray()
    json.name("space")
    if let space = store.space {
      json.beginObject()
      json.member("level", space.level.rawValue)
      json.member("bytes", space.byteCount)
      json.member("availableBytes", space.availableByteCount)
      json.member("keptBytes", space.keptByteCount)
      json.endObject()
    } else {
      json.null()
    }
    json.member("metadataBytes", store.metadataByteCount)
    json.name("holds")
    json.beginArray()
    for hold in store.holds { hold.write(to: &json) }
    json.endArray()
    json.name("streams")
    json.beginArray()
    for stream in streams { write(stream, to: &json) }
    json.endArray()
    json.endObject()
    return json
  }

  private static func write(_ stream: StreamInformation, to json: inout JSONWriter) {
    json.beginObject()
    json.member("name", stream.name)
    json.member("id", stream.id)
    json.member("durability", stream.durability.word)
    if case .async(let delay, let byteCount) = stream.durability {
      json.member("maxDelayNanoseconds", delay)
      json.member("maxBytes", byteCount)
    }
    json.member("evidence", "\(stream.evidence)")
    json.member("segmentBytes", stream.segmentByteCount)
    json.member("logStartOffset", stream.logStartOffset.rawValue)
    json.member("visibleOffset", stream.visibleOffset.rawValue)
    json.name("retention")
    json.beginObject()
    stream.retention.write(to: &json)
    json.endObject()
    json.name("durableOffset")
    if let durable = stream.durableOffset { json.value(durable.rawValue) } else { json.null() }
    json.name("closedInOrder")
    if let isClean = stream.wasClosedInOrder { json.value(isClean) } else { json.null() }
    json.name("damages")
    json.beginArray()
    for place in stream.damages {
      json.beginObject()
      json.member("segment", place.segmentID)
      json.member("from", place.positions.lowerBound)
      json.member("to", place.positions.upperBound)
      json.member("firstOffset", place.offsets.lowerBound.rawValue)
      json.member("nextOffset", place.offsets.upperBound.rawValue)
      json.endObject()
    }
    json.endArray()
    json.member("allocatedBytes", stream.allocatedByteCount)
    json.name("segments")
    json.beginArray()
    for segment in stream.segments {
      json.beginObject()
      json.member("id", segment.id)
      json.member("file", segment.path)
      json.member("state", segment.state.rawValue)
      json.member("baseOffset", segment.baseOffset.rawValue)
      json.name("nextOffset")
      if let next = segment.nextOffset { json.value(next.rawValue) } else { json.null() }
      json.member("bytes", segment.byteCount)
      json.member("allocatedBytes", segment.allocatedByteCount)
      json.endObject()
    }
    json.endArray()
    json.endObject()
  }
}
