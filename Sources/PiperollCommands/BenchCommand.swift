internal import ByteCoding
internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO
internal import Quantities

/// `piperoll bench`: a load generator.
enum BenchCommand: ExecutableCommand {
  static let threads = Option<UInt64>.defaulting(
    "threads", "N", .unsigned(in: 1...256), to: 1, help: "threads that append")
  static let seconds = Option<UInt64>.defaulting(
    "seconds", "S", .unsigned(in: 1...86_400), to: 5, help: "how long")
  static let size = Option<UInt64>.defaulting(
    "size", "BYTES", .byteCount(in: 16...(16 << 20)), to: 100, help: "bytes of each record")
  static let durability = Option<CreateCommand.Class>.defaulting(
    "durability", short: "d", "CLASS", .choice(), to: .disk,
    help: "class of the stream when it is made: disk, async, memory")
  static let stream = Option<StreamName?>.optional(
    "stream", "NAME", .streamName, help: "the stream to append to (bench-CLASS when left out)")
  static let counter = Option<UInt64>.defaulting(
    "counter", "N", .unsigned(in: 0...(1 << 39)), to: 0,
    help: "the counter each thread begins with, so that the records of several runs differ")
  static let ack = Option<String?>.optional(
    "ack", "FILE", .path,
    help: "append a line to this file for each acknowledged record: offset, thread and counter, "
      + "separated by tabs")

  static let declaration = Command(
    "bench", summary: "append generated records and measure",
    discussion: """
      Each thread appends a record, waits until it is what the class of the stream promises, and \
      goes on; the rate and the latency of that are printed. With --ack, what was acknowledged is \
      written to a file, each line by one write after the acknowledgement, so that the store can be \
      checked against it after a crash.

      A record holds its thread and its counter, 8 bytes little-endian each, then bytes of \
      SplitMix64, 8 bytes little-endian at a time, seeded with thread * 2^40 + counter.
      """,
    parameters: [
      Shared.store, threads, seconds, size, durability, stream, counter, ack, Shared.adopt,
    ],
    examples: [
      .init("piperoll bench my.store --threads 8", "appends durably from eight threads")
    ],
    exitCodes: Shared.appendingExits)

  static func run(_ arguments: ParsedArguments, _ console: Console) throws(CommandFailure)
    -> ExitCode
  {
    let acknowledgements = try arguments[ack].map { path throws(CommandFailure) in
      try using { () throws(FileSystemError) in try PlainFile(appendingTo: path) }
    }
    let store = try openStore(arguments, console)
    defer { store.close() }
    let log = try openStream(arguments, store)
    let time = console.environment.time
    let began = time.monotonicNanoseconds()
    let load = BenchLoad(
      log, byteCount: Int(arguments[size]), firstCounter: arguments[counter],
      acknowledgements: acknowledgements, time: time,
      until: began + arguments[seconds] * 1_000_000_000)
    let count = Int(arguments[threads])
    do throws(ThreadCreationError) {
      try load.start(threadCount: count)
    } catch {
      load.stop()
      load.join()
      throw .message("\(error)")
    }
    while !load.isFinished {
      if console.isInterrupted { load.stop() }
      load.wait(nanoseconds: 50_000_000)
    }
    load.join()
    let result = load.result
    let elapsed = max(1, time.monotonicNanoseconds() - began)
    try report(result, log, elapsed: elapsed, arguments, console)
    if let failure = result.failure { throw .message(failure) }
    return console.isInterrupted ? .interrupted : .success
  }

  private static func openStream(_ arguments: ParsedArguments, _ store: Store)
    throws(CommandFailure) -> StreamLog
  {
    let wanted = arguments[durability]
    let name: StreamName
    if let given = arguments[stream] {
      name = given
    } else {
      name = try opening { () throws(OpenError) in try StreamName("bench-\(wanted.rawValue)") }
    }
    var options = StreamOptions()
    switch wanted {
    case .disk: options.durability = .disk
    case .memory: options.durability = .memory
    case .async:
      options.durability = .async(maxDelayNanoseconds: 100_000_000, maxByteCount: 16 << 20)
    }
    return try opening { () throws(OpenError) in
      if store.streamNames.contains(where: { $0.utf8.elementsEqual(name.text.utf8) }),
        !arguments.isGiven(durability)
      {
        return try store.stream(name)
      }
      return try store.createStream(name, options: options)
    }
  }

  private static func report(
    _ result: BenchResult, _ log: StreamLog, elapsed: UInt64, _ arguments: ParsedArguments,
    _ console: Console
  ) throws(CommandFailure) {
    let rate = UInt64(clamping: UInt128(result.count) * 1_000_000_000 / UInt128(elapsed))
    let byteCount = result.count * arguments[size]
    if arguments[Flag.json] {
      var json = JSONWriter()
      json.beginObject()
      json.member("stream", log.name)
      json.member("durability", log.durability.word)
      json.member("threads", arguments[threads])
      json.member("recordBytes", arguments[size])
      json.member("nanoseconds", elapsed)
      json.member("records", result.count)
      json.member("recordsPerSecond", rate)
      json.name("latencyNanoseconds")
      json.beginObject()
      for (name, share) in BenchResult.shares { json.member(name, result.latency(share)) }
      json.member("max", result.latencies.maximum)
      json.endObject()
      json.endObject()
      return try console.write(json)
    }
    var text = "\(result.count) records acknowledged, \(rate) a second, "
    text += "\(HumanFormat.rate(byteCount: byteCount, nanoseconds: elapsed))\n"
    text += "latency"
    for (name, share) in BenchResult.shares { text += "  \(name) \(shown(result.latency(share)))" }
    text += "  max \(shown(result.latencies.maximum))\n"
    try console.write(text)
  }

  private static func shown(_ nanoseconds: UInt64) -> String {
    switch nanoseconds {
    case ..<10_000: "\(nanoseconds) ns"
    case ..<10_000_000: "\(nanoseconds / 1_000) us"
    default: "\(nanoseconds / 1_000_000) ms"
    }
  }
}
