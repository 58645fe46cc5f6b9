public import Integrity
public import Quantities

/// Why something about a stream's evidence cannot be had.
public enum EvidenceError: Error, Sendable {
  /// The stream has no tree.
  case withoutTree(stream: String)
  /// Chain and tree do not cover the offset yet.
  case notCovered(Offset)
  /// The records are gone, and no statement says what their leaves were.
  case removed(Range<Offset>)
  /// The records are not those that the tree was made from.
  case contradiction(Range<Offset>)
  /// The log cannot be read.
  case read(ReadError)
  /// The log cannot be opened.
  case open(OpenError)
  /// The log cannot be appended to.
  case append(AppendError)
  /// A reason has more bytes than a statement holds.
  case reasonTooLong(byteCount: Int, limit: Int)
  /// A record of the evidence stream is no statement.
  case statement(Offset, StatementError)
}

extension EvidenceError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .withoutTree(let stream): "stream '\(stream)' has no tree: nothing in it can be proven"
    case .notCovered(let offset):
      "offset \(offset.rawValue) is not covered by the tree yet; wait until it is evidenced"
    case .removed(let range):
      "offsets \(range.lowerBound.rawValue) to \(range.upperBound.rawValue &- 1) are gone, and no "
        + "statement says what their leaves were; proofs made before they went still hold"
    case .contradiction(let range):
      "the records from offset \(range.lowerBound.rawValue) to \(range.upperBound.rawValue &- 1) are not "
        + "those that the tree was made from; piperoll-audit verify names them"
    case .read(let error): "\(error)"
    case .open(let error): "\(error)"
    case .append(let error): "\(error)"
    case .reasonTooLong(let byteCount, let limit):
      "the reason has \(byteCount) bytes, and a statement holds \(limit); say it in fewer words"
    case .statement(let offset, let error):
      "record \(offset.rawValue) of the evidence stream: \(error)"
    }
  }
}
