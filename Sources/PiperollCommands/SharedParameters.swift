internal import CommandLineInterface
internal import CommitLog
internal import Quantities

/// Parameters that several commands have.
enum Shared {
  static let store = Argument<String>.required("STORE", .path, help: "the directory of the store")
  static let stream = Argument<StreamName>.required(
    "STREAM", .streamName, help: "the name of the stream")
  static let adopt = Flag(
    "adopt", help: "open a store that was copied or moved, and give it an identity of its own")
  static let format = Option<RecordFormat>.defaulting(
    "format", short: "f", "FORMAT", .choice(), to: .raw,
    help: "how records are printed: raw (value and a line feed), json (an object a line), "
      + "length-prefixed (4 bytes little-endian, then the value); --json means json")
  static let limit = Option<UInt64?>.optional(
    "max", short: "n", "N", .unsigned(), help: "end after this many records")

  /// Where reading begins.
  static func from(_ start: StartPosition, _ help: String) -> Option<StartPosition> {
    Option<StartPosition>.defaulting("from", "PLACE", .startPosition, to: start, help: help)
  }

  /// Exit codes of commands that read records and go on behind damage.
  static let readingExits: [Command.ExitMeaning] = [
    .init(.success, "done, also when the reader of a pipe had seen enough"),
    .init(.damaged, "records are missing because bytes are damaged; the others were printed"),
    .init(.usage, "the command line is wrong, or reading or writing failed"),
    .init(.interrupted, "interrupted"),
  ]
  /// Exit codes of commands that append what they are given.
  static let appendingExits: [Command.ExitMeaning] = [
    .init(.success, "done, also when the reader of a pipe had seen enough"),
    .init(.usage, "the command line is wrong, or reading or writing failed"),
    .init(.interrupted, "interrupted, after committing what was read"),
  ]
}

extension ValueKind where Value == String {
  /// Any text, the empty one included.
  static var text: ValueKind { ValueKind { text throws(ValueError) in text } }
}

extension ValueKind where Value == StreamName {
  /// The name of a stream, by the engine's own rules.
  static var streamName: ValueKind {
    ValueKind(format: { $0.text }) { text throws(ValueError) in
      do throws(OpenError) { return try StreamName(text) } catch {
        throw ValueError("is refused: \(error)")
      }
    }
  }
}

extension ValueKind where Value == Offset {
  /// The offset of a record.
  static var offset: ValueKind {
    ValueKind { text throws(ValueError) in try OffsetText.parse(text) }
  }
}

extension ValueKind where Value == StartPosition {
  /// An offset, `earliest`, `latest`, or `@` and a date and time.
  static var startPosition: ValueKind {
    let format = { @Sendable (position: StartPosition) in
      switch position {
      case .earliest: "earliest"
      case .latest: "latest"
      case .offset(let offset): "\(offset)"
      case .time(let time): "@\(RFC3339.format(time))"
      }
    }
    return ValueKind(completion: .words(["earliest", "latest"]), format: format) {
      text throws(ValueError) in
      switch text {
      case "earliest": return .earliest
      case "latest": return .latest
      default: break
      }
      guard text.utf8.first == UInt8(ascii: "@") else {
        return .offset(try OffsetText.parse(text))
      }
      do throws(RFC3339.Failure) {
        return .time(try RFC3339.parse(String(text.dropFirst())))
      } catch {
        throw ValueError(error.description)
      }
    }
  }
}

/// Offsets as people write them.
enum OffsetText {
  static func parse(_ text: String) throws(ValueError) -> Offset {
    let isNumber =
      !text.isEmpty
      && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isNumber else {
      throw ValueError(
        "is not an offset; use a whole number from 0 on, earliest, latest or "
          + "@2024-02-29T12:00:00Z where they are allowed")
    }
    guard let number = UInt64(text), number <= Offset.maximum.rawValue else {
      throw ValueError("is out of range; offsets end at \(Offset.maximum)")
    }
    return Offset(rawValue: number)
  }
}
