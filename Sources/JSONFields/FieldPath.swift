internal import CSIMDJSON

/// The way to a field of a JSON document.
///
/// `a.b` is the member `b` of the object `a`; `/a/b` is the same as a JSON pointer (RFC 6901), for
/// names that hold points (`/a.b`), slashes (`~1`) or tildes (`~0`). In an array, a name of digits
/// is an index from 0.
public struct FieldPath: Hashable, Sendable {
  /// Why a text is not a path.
  public enum Failure: Error, Hashable, Sendable {
    /// A name is empty (`a..b`); a pointer may have empty names.
    case emptyName
    /// A tilde in a pointer is followed by neither 0 nor 1.
    case badTilde
    /// There are more names than `limit`.
    case tooManyNames(limit: Int)
  }

  /// The most names in a path.
  public static let nameCountLimit = Int(CSIMDJSON_NAME_LIMIT)

  /// The path as it was written.
  public let text: String
  /// The names from the outermost inwards, at least one.
  public let names: [String]

  /// Reads a path.
  public init(_ text: String) throws(Failure) {
    self.text = text
    if text.utf8.first == UInt8(ascii: "/") {
      names = try text.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        .map { name throws(Failure) in try Self.unescaped(name) }
    } else {
      names = text.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
      guard names.allSatisfy({ !$0.isEmpty }) else { throw .emptyName }
    }
    guard names.count <= Self.nameCountLimit else {
      throw .tooManyNames(limit: Self.nameCountLimit)
    }
  }

  private static func unescaped(_ name: Substring) throws(Failure) -> String {
    var result = ""
    var scalars = name.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "~" else {
        result.unicodeScalars.append(scalar)
        continue
      }
      switch scalars.next() {
      case "0": result.append("~")
      case "1": result.append("/")
      default: throw .badTilde
      }
    }
    return result
  }
}

extension FieldPath.Failure: CustomStringConvertible {
  /// The words that follow the text at fault.
  public var description: String {
    switch self {
    case .emptyName: "has an empty name; write a name, a.b, or a JSON pointer, /a/b"
    case .badTilde: "has a tilde that is not ~0 or ~1; write ~0 for a tilde and ~1 for a slash"
    case .tooManyNames(let limit): "has more than \(limit) names; use a shorter path"
    }
  }
}
