/// Why input could not be read as records.
public enum InputError: Error, Hashable, Sendable {
  /// A line is longer than the limit.
  case lineTooLong(line: UInt64, position: UInt64, limit: Int)
  /// A length says more than the limit.
  case recordTooLong(position: UInt64, byteCount: UInt64, limit: Int)
  /// The input ends inside a record that begins at `position`.
  case truncated(position: UInt64, expectedByteCount: UInt64, foundByteCount: UInt64)
  /// Ctrl-C or SIGTERM arrived while waiting for input.
  case interrupted
  /// The system refused to read, by the error's number.
  case failed(position: UInt64, errorNumber: Int32)
}

extension InputError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .lineTooLong(let line, let position, let limit):
      "line \(line), which begins at byte \(position), is over the limit of \(limit) bytes; "
        + "split it or raise the limit"
    case .recordTooLong(let position, let byteCount, let limit):
      "the length at byte \(position) says \(byteCount) bytes, over the limit of \(limit) bytes; "
        + "lengths are 4 bytes, little-endian"
    case .truncated(let position, let expected, let found):
      "the input ends inside the record at byte \(position): \(expected) bytes expected, \(found) "
        + "found; send it again from there"
    case .interrupted: "interrupted"
    case .failed(let position, let number):
      "reading at byte \(position) failed with system error \(number); check the input"
    }
  }
}
