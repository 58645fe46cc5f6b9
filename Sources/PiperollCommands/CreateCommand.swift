internal import CommandLineInterface
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// `piperoll create`: makes a stream.
enum CreateCommand: ExecutableCommand {
  /// The durability classes as they are written.
  enum Class: String, CaseIterable, Sendable { case disk, async, memory }

  static let durability = Option<Class>.defaulting(
    "durability", short: "d", "CLASS", .choice(), to: .disk,
    help: "what an acknowledged record survives: disk (power loss), async (power loss but for a "
      + "stated bound), memory (the end of the process)")
  static let maxDelay = Option<Duration?>.optional(
    "max-delay", "TIME", .duration(in: .microseconds(1) ... .seconds(86_400)),
    help: "class async: how long a record may be at risk (100ms when left out)")
  static let maxBytes = Option<UInt64?>.optional(
    "max-bytes", "BYTES", .byteCount(in: 1...(1 << 40)),
    help: "class async: how many bytes may be at risk (16MiB when left out)")
  /// The evidence as it is written.
  enum Evidence: String, CaseIterable, Sendable { case none, chain, tree }

  static let evidence = Option<Evidence>.defaulting(
    "evidence", "KIND", .choice(), to: .tree,
    help: "what proves later that nothing was changed: none, chain (over groups of records), tree "
      + "(the chain, and one tree over all records)")
  static let erasable = Flag(
    "erasable",
    help: "keep each payload under a key of its subject, so that it can be erased (see subjects)")
  static let segmentBytes = Option<UInt64>.defaulting(
    "segment-bytes", "BYTES",
    .byteCount(in: StreamOptions.segmentByteCountMinimum...StreamOptions.segmentByteCountMaximum),
    to: StreamOptions().segmentByteCount,
    help: "the size segments grow to; the first one has 1MiB at most")

  static let declaration = Command(
    "create", summary: "make a stream",
    discussion: """
      The settings of a stream are fixed when it is made. Making a stream again with the same \
      settings changes nothing; with others it is an error.

      Streams are also made by the first append to them, with class disk and a tree.
      """,
    parameters: [
      Shared.store, Shared.stream, durability, maxDelay, maxBytes, evidence, erasable,
      segmentBytes,
      Shared.adopt,
    ],
    examples: [
      .init("piperoll create my.store orders", "makes a stream that survives power loss"),
      .init(
        "piperoll create my.store trace --durability async --max-delay 50ms",
        "makes a stream that may lose its last 50 milliseconds"),
    ])

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let options = try streamOptions(arguments)
    let store = try openStore(arguments, console)
    defer { store.close() }
    let name = arguments[Shared.stream]
    let log = try opening { () throws(OpenError) in
      try store.createStream(name, options: options)
    }
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("stream", log.name)
      json.member("durability", log.durability.word)
      json.member("evidence", arguments[evidence].rawValue)
      json.member("erasable", log.erasableID != nil)
      json.member("logEndOffset", log.logEndOffset.rawValue)
      json.endObject()
      try console.write(json)
    } else {
      let shown = escapedForTerminal(log.name)
      try console.write("stream '\(shown)' of class \(log.durability.word) is ready\n")
    }
    return .success
  }

  /// The settings a command line asks for.
  private static func streamOptions(_ arguments: ParsedArguments) throws(CommandFailure)
    -> StreamOptions
  {
    var options = StreamOptions()
    options.segmentByteCount = arguments[segmentBytes]
    options.isErasable = arguments[erasable]
    options.firstSegmentByteCount = min(options.firstSegmentByteCount, options.segmentByteCount)
    options.evidence =
      switch arguments[evidence] {
      case .none: .none
      case .chain: .chain
      case .tree: .tree
      }
    let delay = arguments[maxDelay]
    let byteCount = arguments[maxBytes]
    switch arguments[durability] {
    case .async:
      options.durability = .async(
        maxDelayNanoseconds: (delay ?? .milliseconds(100)).wholeNanoseconds,
        maxByteCount: byteCount ?? 16 << 20)
    case .disk, .memory:
      guard delay == nil, byteCount == nil else {
        throw .message("--max-delay and --max-bytes belong to --durability async; leave them out")
      }
      options.durability = arguments[durability] == .disk ? .disk : .memory
    }
    return options
  }
}

extension Durability {
  /// The class as it is written.
  var word: String {
    switch self {
    case .disk: "disk"
    case .async: "async"
    case .memory: "memory"
    }
  }
}

extension Duration {
  /// Nanoseconds, held within 64 bits; 0 for negative durations.
  var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    let total = Int128(seconds) * 1_000_000_000 + Int128(attoseconds / 1_000_000_000)
    return UInt64(clamping: max(0, total))
  }
}
