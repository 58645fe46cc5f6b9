internal import LogFormat

/// The name of a stream: 1 to 255 bytes of UTF-8 without control characters.
///
/// Identity is byte equality: no case folding, no normalisation. A name is never used as a path, so
/// `../x` is an odd name and nothing else; it is refused all the same, because other tools will use
/// names as paths.
public struct StreamName: Hashable, Sendable {
  /// The name as given.
  public let text: String

  /// Why a text cannot be a stream's name.
  public enum Problem: String, Sendable {
    case empty = "a stream name needs at least one byte"
    case tooLong = "a stream name has at most 255 bytes"
    case control = "a stream name has no control, bidirectional or zero-width characters"
    case path = "a stream name is not '.' or '..', has no '/' or '\\' and no '..' component"
    case edge = "a stream name starts with no '-' or space and ends with no '.' or space"
  }

  /// Checks a text.
  ///
  /// - Throws: `OpenError.invalidStreamName` with the rule it breaks.
  public init(_ text: String) throws(OpenError) {
    if let problem = Self.problem(text) { throw .invalidStreamName(reason: problem) }
    self.text = text
  }

  /// Whether two names have the same bytes.
  public static func == (left: StreamName, right: StreamName) -> Bool {
    left.text.utf8.elementsEqual(right.text.utf8)
  }

  /// Hashes the bytes.
  public func hash(into hasher: inout Hasher) {
    for byte in text.utf8 { hasher.combine(byte) }
  }

  /// What names of streams that the engine keeps for itself begin with.
  static let reservedPrefix = "piperoll."

  /// Whether the engine keeps the stream of this name for itself: it can be read, and nobody else writes it.
  public var isReserved: Bool { text.utf8.starts(with: Self.reservedPrefix.utf8) }

  static func problem(_ text: String) -> Problem? {
    let bytes = text.utf8
    if bytes.isEmpty { return .empty }
    if bytes.count > FormatLimits.nameByteCountLimit { return .tooLong }
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x2069, 0xfeff:
        return .control
      case 0x2f, 0x5c: return .path
      default: break
      }
    }
    if text == "." || text == ".." { return .path }
    if let first = bytes.first, first == 0x2d || first == 0x20 { return .edge }
    if let last = bytes.last, last == 0x2e || last == 0x20 { return .edge }
    return nil
  }
}
