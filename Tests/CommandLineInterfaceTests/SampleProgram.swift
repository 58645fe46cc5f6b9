import CommandLineInterface

/// A program with one command of every kind of parameter, shared by the tests.
enum Sample {
  enum Durability: String, CaseIterable, Sendable { case disk, async, memory }

  static let store = Argument<String>.required("STORE", .path, help: "the directory of the store")
  static let stream = Argument<String>.required("STREAM", .string, help: "the name of the stream")
  static let files = Argument<[String]>.repeating("FILE", .path, help: "files to read")
  static let single = Argument<String?>.optional("STREAM", .string, help: "one stream of the store")
  static let key = Option<String?>.optional(
    "key", short: "k", "K", .string, help: "the key of every record")
  static let durability = Option<Durability>.defaulting(
    "durability", "MODE", .choice(), to: .disk,
    help: "when an append is acknowledged: disk, async or memory")
  static let maxBytes = Option<UInt64>.defaulting(
    "max-bytes", short: "b", "BYTES", .byteCount(in: 1...(1 << 30)), to: 1 << 20,
    help: "the largest batch")
  static let maxDelay = Option<Duration?>.optional(
    "max-delay", "TIME", .duration(), help: "how long a record may wait for its batch")
  static let shift = Option<Int?>.optional("shift", "N", .integer(in: -100...100), help: "a shift")
  static let tags = Option<[String]>.repeating("tag", short: "t", "TAG", .string, help: "a tag")
  static let ack = Flag("ack", short: "a", help: "print the offset of every record")
  static let lines = Flag("lines", short: "l", help: "one record per line")
  static let lengthPrefixed = Flag(
    "length-prefixed", help: "every record follows its length, 4 bytes little-endian")

  static let append = Command(
    "append", summary: "append records from standard input",
    discussion: """
      Reads records until the end of the input and appends them to a stream.

      A record is durable when its offset is printed.
      """,
    parameters: [
      store, stream, key, durability, maxBytes, maxDelay, shift, tags, ack, lines, lengthPrefixed,
    ],
    exclusive: [[lines, lengthPrefixed]],
    examples: [.init("echo hello | piperoll append my.store greetings", "appends one record")])
  static let load = Command(
    "import", summary: "import files", parameters: [store, stream, files, key])
  static let info = Command(
    "info", summary: "describe a store", parameters: [store, single],
    exitCodes: [.init(.success, "sound"), .init(.damaged, "damaged"), .init(.usage, "failed")])

  static let program = Program(
    "piperoll", version: "1.2.3", date: "2025-11-21", summary: "an append-only log engine",
    discussion: "A store is a directory; 'quotes', back\\slashes and .dots must survive.",
    commands: [append, load, info])

  static func parse(_ words: [String]) throws -> ParsedArguments {
    guard case .run(_, let arguments) = try program.parse(words) else { throw NotACommand() }
    return arguments
  }

  /// Returns the one line a wrong command line is answered with, or nil if it is right.
  static func problem(_ words: [String]) -> String? {
    do throws(UsageError) {
      _ = try program.parse(words)
      return nil
    } catch {
      return error.description
    }
  }

  static func text(_ words: [String]) throws -> String {
    guard case .print(let text) = try program.parse(words) else { throw NotACommand() }
    return text
  }

  struct NotACommand: Error {}
}
