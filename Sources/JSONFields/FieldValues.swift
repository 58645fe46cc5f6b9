internal import CSIMDJSON
internal import CommandLineInterface
public import Quantities

/// What a field holds.
public enum FieldKind: Hashable, Sendable {
  /// There is no such field.
  case missing
  /// `null`.
  case null
  /// `true` or `false`.
  case boolean(Bool)
  /// A whole number of 64 bits with sign.
  case integer(Int64)
  /// A whole number above `Int64.max`.
  case unsigned(UInt64)
  /// A number with a point or an exponent, or a whole one beyond 64 bits; rounded.
  case real(Double)
  /// A number beyond every `Double`; its token is exact.
  case huge
  /// A string.
  case string
  /// An object.
  case object
  /// An array.
  case array
}

/// The fields of one document, borrowed from the reader that found them.
@safe
public struct FieldValues: ~Escapable {
  private let values: Span<csimdjson_value>
  private let paths: [FieldPath]
  private let lineNumber: UInt64

  @_lifetime(copy values)
  init(values: Span<csimdjson_value>, paths: [FieldPath], lineNumber: UInt64) {
    (self.paths, self.lineNumber) = (paths, lineNumber)
    // Safety: the reader's own values; whoever makes this borrows the reader.
    unsafe self.values = unsafe values
  }

  /// What the field of the path at `index` holds.
  public func kind(at index: Int) -> FieldKind {
    // Safety: only numbers are read, not the pointer.
    let value = unsafe values[index]
    // Safety: as above, in every case below.
    switch Int(unsafe value.kind) {
    case Int(CSIMDJSON_NULL): return .null
    case Int(CSIMDJSON_BOOL): return .boolean(unsafe value.boolean != 0)
    case Int(CSIMDJSON_INTEGER): return .integer(unsafe value.integer)
    case Int(CSIMDJSON_UNSIGNED): return .unsigned(unsafe value.unsigned_integer)
    case Int(CSIMDJSON_DOUBLE): return .real(unsafe value.real)
    case Int(CSIMDJSON_HUGE): return .huge
    case Int(CSIMDJSON_STRING): return .string
    case Int(CSIMDJSON_OBJECT): return .object
    case Int(CSIMDJSON_ARRAY): return .array
    default: return .missing
    }
  }

  /// The field as bytes for a key or a type: a string unescaped, a number or boolean as its token.
  ///
  /// - Returns: nil when the field is missing or `null`.
  /// - Throws: `JSONFieldError.Reason.notAScalar` for an object or an array.
  @_lifetime(copy self)
  public func bytes(at index: Int) throws(JSONFieldError) -> RawSpan? {
    switch kind(at: index) {
    case .missing, .null: return nil
    case .object, .array: throw error(.notAScalar(path: paths[index].text), at: index)
    default: return text(at: index)
    }
  }

  /// The field as a moment.
  ///
  /// A string is read as RFC 3339. A number counts from 1970-01-01T00:00:00Z, in a unit told by its
  /// magnitude, as `EpochNumber` says.
  ///
  /// - Returns: nil when the field is missing or `null`.
  /// - Throws: `.notATimestamp` or `.timestampOutOfRange`.
  public func timestamp(at index: Int) throws(JSONFieldError) -> Timestamp? {
    let path = paths[index].text
    switch kind(at: index) {
    case .missing, .null: return nil
    case .object, .array, .boolean: throw error(.notATimestamp(path: path), at: index)
    case .string:
      do throws(RFC3339.Failure) {
        return try RFC3339.parse(Span<UInt8>(_bytes: text(at: index)))
      } catch {
        let isRange = error == .outOfRange
        throw self.error(
          isRange ? .timestampOutOfRange(path: path) : .notATimestamp(path: path), at: index)
      }
    case .integer, .unsigned, .real, .huge:
      guard let moment = EpochNumber.timestamp(Span<UInt8>(_bytes: text(at: index))) else {
        throw error(.timestampOutOfRange(path: path), at: index)
      }
      return moment
    }
  }

  @_lifetime(copy self)
  private func text(at index: Int) -> RawSpan {
    // Safety: the parser's buffers keep the text until its next read, which needs the reader
    // exclusively, and this view borrows the reader until then.
    let value = unsafe values[index]
    let bytes = unsafe UnsafeRawBufferPointer(start: value.text, count: value.text_byte_count)
    return unsafe _overrideLifetime(bytes.bytes, copying: self)
  }

  private func error(_ reason: JSONFieldError.Reason, at index: Int) -> JSONFieldError {
    JSONFieldError(
      reason: reason, lineNumber: lineNumber, position: Int(clamping: unsafe values[index].position)
    )
  }
}
