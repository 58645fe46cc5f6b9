internal import ByteCoding
internal import LogFormat

/// The record header that marks the last line of an input that did not end with a line feed.
///
/// Records are lines without their line feed, so the missing one has to be kept somewhere: `append`
/// and `import` give that one record this header, with an empty value, and `export` leaves the line
/// feed out behind it. All other commands treat the record like any other.
enum NewlineMark {
  /// The name of the header.
  static let name = "piperoll-no-newline"

  /// The block of headers that holds nothing else.
  static let block: [UInt8] = {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(UInt16(name.utf8.count))
    bytes.appendLittleEndian(UInt32(0))
    bytes += Array(name.utf8)
    return bytes
  }()

  /// Whether a record carries the mark.
  static func isOn(_ record: borrowing RecordView) -> Bool {
    let headers = record.headers
    guard headers.byteCount > 0, let entries = try? RecordHeaders.decoded(headers) else {
      return false
    }
    return entries.contains { $0.name == name }
  }
}
