/// Why the fields of a document could not be read; line and byte say where.
public struct JSONFieldError: Error, Hashable, Sendable {
  /// What is wrong.
  public enum Reason: Hashable, Sendable {
    /// There is nothing but blanks.
    case emptyDocument
    /// The bytes are not UTF-8.
    case notUTF8
    /// The text is not JSON, or something follows the document.
    case syntax
    /// A string has a bad escape, half of a surrogate pair or a bare control character.
    case badString
    /// A number has a form JSON does not know: `01`, `1.`, `+1`.
    case badNumber
    /// Objects and arrays nest deeper than the limit.
    case tooDeep(limit: Int)
    /// The document is larger than the limit.
    case tooLarge(limit: Int)
    /// The document is a single value, so it has no fields.
    case notAnObject
    /// A name on the way to a field stands twice; readers would disagree about its value.
    case duplicateName
    /// The field is an object or an array where text, a number or a boolean is needed.
    case notAScalar(path: String)
    /// The field cannot be read as a moment.
    case notATimestamp(path: String)
    /// The field is a moment outside 1677-09-21 to 2262-04-11.
    case timestampOutOfRange(path: String)
    /// There is no memory for a document of this size.
    case outOfMemory
  }

  /// What is wrong.
  public let reason: Reason
  /// The line the caller gave.
  public let lineNumber: UInt64
  /// The byte in the document, counted from 0, at which or shortly after which the fault lies.
  public let position: Int
}

extension JSONFieldError: CustomStringConvertible {
  public var description: String { "line \(lineNumber), byte \(position): \(reason.explanation)" }
}

extension JSONFieldError.Reason {
  /// What is wrong and what to do, without any content of the document.
  public var explanation: String {
    switch self {
    case .emptyDocument: "no JSON document; remove the empty line"
    case .notUTF8: "not UTF-8; convert the input to UTF-8"
    case .syntax: "not a JSON document; write one object per line"
    case .badString: "a string has a bad escape, half of a surrogate pair or a control character"
    case .badNumber: "a number is not written as JSON wants it; remove leading zeros and signs"
    case .tooDeep(let limit): "nested deeper than \(limit) levels; flatten the document"
    case .tooLarge(let limit): "over the limit of \(limit) bytes; split the document"
    case .notAnObject: "a single value, which has no fields; write an object"
    case .duplicateName: "a name on the way to a field stands twice in its object; keep one"
    case .notAScalar(let path):
      "field '\(path)' is an object or an array; choose a string, number or boolean"
    case .notATimestamp(let path):
      "field '\(path)' is not a time; use 2024-02-29T12:00:00Z or a number since the epoch"
    case .timestampOutOfRange(let path):
      "field '\(path)' is out of range; use 1677-09-21 to 2262-04-11"
    case .outOfMemory: "out of memory; split the document"
    }
  }
}
