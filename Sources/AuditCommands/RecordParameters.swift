internal import ByteCoding
internal import CommandLineInterface
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// Parameters that describe a record, so that its leaf can be made (FORMAT.md, 13.1).
enum RecordParameters {
  static let record = Option<String?>.optional(
    "record", "FILE", .path, help: "the value of the record; with --append-time")
  static let appendTime = Option<Timestamp?>.optional(
    "append-time", "TIME", .moment, help: "when the record was appended, with all its nine digits")
  static let eventTime = Option<Timestamp?>.optional(
    "event-time", "TIME", .moment, help: "the event time of the record, if it has one")
  static let recordKey = Option<String?>.optional(
    "record-key", "TEXT", .anyText, help: "the key of the record, if it has one")
  static let type = Option<String?>.optional(
    "type", "TEXT", .anyText, help: "the type of the record, if it has one")
  static let headers = Option<[RecordHeaders.Entry]>.repeating(
    "header", "NAME=VALUE", .header, help: "a header of the record; all of them, in their order")
  static let tombstone = Flag("tombstone", help: "the record marks its key as removed")

  static let all: [any CommandParameter] = [
    record, appendTime, eventTime, recordKey, type, headers, tombstone,
  ]

  /// Largest value of a record, in bytes.
  private static let valueByteCountLimit = 16 << 20

  /// The leaf of the record that the command line describes; `nil` when it describes none.
  static func leaf(at offset: UInt64, _ arguments: ParsedArguments) throws(AuditFailure)
    -> RecordLeaf?
  {
    guard let path = arguments[record] else { return nil }
    guard let time = arguments[appendTime] else {
      throw .message("--record needs --append-time, which is a part of the leaf")
    }
    let value = try NamedFile.read(path, limit: valueByteCountLimit, kind: "a record")
    let block: [UInt8]
    do throws(FormatError) { block = try RecordHeaders.encoded(arguments[headers]) } catch {
      throw .message("the headers cannot be those of a record: \(error)")
    }
    return RecordLeaf(
      kind: .record, flags: arguments[tombstone] ? .tombstone : [], offset: offset,
      appendTime: time.rawValue,
      commitment: RecordContent.commitment(
        eventTime: arguments[eventTime]?.rawValue, key: arguments[recordKey].map { Array($0.utf8) },
        type: arguments[type].map { Array($0.utf8) }, headers: block, value: value))
  }
}

extension ValueKind where Value == Timestamp {
  /// A moment as RFC 3339 writes it.
  static var moment: ValueKind {
    ValueKind(format: { RFC3339.format($0) }) { text throws(ValueError) in
      do throws(RFC3339.Failure) { return try RFC3339.parse(text) } catch {
        throw ValueError(error.description)
      }
    }
  }
}

extension ValueKind where Value == String {
  /// Any text, the empty one included.
  static var anyText: ValueKind { ValueKind { text throws(ValueError) in text } }
}

extension ValueKind where Value == RecordHeaders.Entry {
  /// A header as `NAME=VALUE`.
  static var header: ValueKind {
    ValueKind(format: { $0.name }) { text throws(ValueError) in
      guard let sign = text.utf8.firstIndex(of: UInt8(ascii: "=")), sign > text.utf8.startIndex
      else {
        throw ValueError("is not a header; write NAME=VALUE")
      }
      return RecordHeaders.Entry(
        name: String(text[..<sign]), value: Array(text.utf8[sign...].dropFirst()))
    }
  }
}

extension ValueKind where Value == Digest {
  /// A hash as hexadecimal digits.
  static var digest: ValueKind {
    ValueKind { text throws(ValueError) in
      guard let bytes = Hexadecimal.bytes(text), let digest = Digest(bytes) else {
        throw ValueError("is not a hash; write 64 hexadecimal digits")
      }
      return digest
    }
  }
}
