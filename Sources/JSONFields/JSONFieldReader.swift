internal import CSIMDJSON

/// Reads fields out of JSON documents, one document after another, with buffers used again.
///
/// Each document is checked to its end (RFC 8259): a document that gives fields is well-formed.
/// Limits: 64 MiB, 64 levels, 32 paths. A name that stands twice is refused if it lies on the way
/// to a field asked for; elsewhere in the document it is not looked for.
///
/// One task at a time: the reader has one owner, and the fields borrow it.
///
/// ```swift
/// var reader = try JSONFieldReader()
/// let fields = try reader.fields([key, time], of: line, lineNumber: 7)
/// let bytes = try fields.bytes(at: 0)
/// let moment = try fields.timestamp(at: 1)
/// ```
@safe
public struct JSONFieldReader: ~Copyable {
  /// Why a reader could not be made or given its paths.
  public enum SetUpFailure: Error, Hashable, Sendable {
    /// There is no memory.
    case outOfMemory
  }

  /// The largest document, in bytes.
  public static let documentByteCountLimit = Int(CSIMDJSON_BYTE_COUNT_LIMIT)
  /// How deep a document may nest.
  public static let depthLimit = Int(CSIMDJSON_DEPTH_LIMIT)
  /// The most fields looked up at once.
  public static let pathCountLimit = Int(CSIMDJSON_PATH_LIMIT)

  // Safety: made by `init`, freed by `deinit` alone, never handed out.
  private let parser: OpaquePointer
  private var paths: [FieldPath] = []
  // Safety: written by `csimdjson_read`, one for each path; pointers in it lead into the parser.
  private var values: [csimdjson_value] = unsafe []

  /// Makes a reader.
  ///
  /// - Throws: `SetUpFailure.outOfMemory`.
  public init() throws(SetUpFailure) {
    // Safety: a new parser that nobody else knows.
    guard let parser = unsafe csimdjson_create() else { throw .outOfMemory }
    unsafe self.parser = unsafe parser
  }

  deinit {
    // Safety: the only owner goes; fields that borrow it cannot outlive it.
    unsafe csimdjson_destroy(parser)
  }

  /// Reads a document and finds fields in it.
  ///
  /// Equal paths in consecutive calls cost nothing; new ones are prepared again. More than
  /// `pathCountLimit` paths are a mistake of the program and trap.
  ///
  /// - Parameters:
  ///   - paths: The fields to find.
  ///   - document: One JSON document; it is copied.
  ///   - lineNumber: Where the document comes from, for errors.
  /// - Returns: The fields in the order of the paths; they live until the next call.
  /// - Throws: `JSONFieldError`.
  @_lifetime(&self)
  public mutating func fields(
    _ paths: [FieldPath], of document: RawSpan, lineNumber: UInt64
  ) throws(JSONFieldError) -> FieldValues {
    guard prepare(paths) else {
      throw JSONFieldError(reason: .outOfMemory, lineNumber: lineNumber, position: 0)
    }
    var position = 0
    // Safety: the parser is ours and the only one that knows these values.
    let code = unsafe Self.read(parser, document, into: &values, position: &position)
    guard let reason = Self.reason(for: code) else {
      // Safety: the values point into the parser, which the result borrows with the reader.
      return unsafe FieldValues(values: values.span, paths: self.paths, lineNumber: lineNumber)
    }
    throw JSONFieldError(reason: reason, lineNumber: lineNumber, position: position)
  }

  private static func read(
    _ parser: OpaquePointer, _ document: RawSpan, into values: inout [csimdjson_value],
    position: inout Int
  ) -> Int32 {
    // Safety: there is one value for each path, made by `prepare`; the document is copied by the
    // call; no pointer to either is kept.
    unsafe document.withUnsafeBytes { bytes in
      unsafe values.withUnsafeMutableBufferPointer { values in
        unsafe csimdjson_read(
          parser, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count, values.baseAddress,
          &position)
      }
    }
  }

  /// Gives the parser the paths unless it has them; returns whether there was memory.
  private mutating func prepare(_ paths: [FieldPath]) -> Bool {
    guard paths != self.paths else { return true }
    precondition(paths.count <= Self.pathCountLimit, "more paths than a reader can look up")
    self.paths = []
    let isDone = add(paths)
    if isDone {
      self.paths = paths
      // Safety: one zeroed value for each path the parser knows; a null pointer has the count 0.
      unsafe values = unsafe [csimdjson_value](repeating: csimdjson_value(), count: paths.count)
    } else {
      // The parser must never know more paths than there are values.
      // Safety: the parser is ours.
      unsafe csimdjson_clear_paths(parser)
    }
    return isDone
  }

  private func add(_ paths: [FieldPath]) -> Bool {
    // Safety: the parser is ours; names are copied by the calls.
    unsafe csimdjson_clear_paths(parser)
    for path in paths {
      guard unsafe csimdjson_begin_path(parser) == 0 else { return false }
      for name in path.names {
        let bytes = Array(name.utf8)
        // Safety: as above.
        guard unsafe csimdjson_add_name(parser, bytes, bytes.count) == 0 else { return false }
      }
    }
    return true
  }

  private static func reason(for code: Int32) -> JSONFieldError.Reason? {
    switch Int(code) {
    case Int(CSIMDJSON_OK): nil as JSONFieldError.Reason?
    case Int(CSIMDJSON_OUT_OF_MEMORY): .outOfMemory
    case Int(CSIMDJSON_TOO_LARGE): .tooLarge(limit: documentByteCountLimit)
    case Int(CSIMDJSON_TOO_DEEP): .tooDeep(limit: depthLimit)
    case Int(CSIMDJSON_NOT_UTF8): .notUTF8
    case Int(CSIMDJSON_NOT_A_CONTAINER): .notAnObject
    case Int(CSIMDJSON_DUPLICATE_NAME): .duplicateName
    case Int(CSIMDJSON_BAD_STRING): .badString
    case Int(CSIMDJSON_BAD_NUMBER): .badNumber
    case Int(CSIMDJSON_EMPTY): .emptyDocument
    default: .syntax
    }
  }
}
