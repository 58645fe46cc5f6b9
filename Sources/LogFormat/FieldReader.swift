public import ByteCoding

/// Reads the fields of a structure one after the other; past the end it throws `.truncated`.
public struct FieldReader: ~Escapable {
  /// The bytes of the structure.
  public let bytes: RawSpan
  /// Where the next field starts.
  public private(set) var position = 0
  let structure: FormatError.Structure

  /// Starts at the first byte.
  @_lifetime(copy bytes)
  public init(_ bytes: RawSpan, _ structure: FormatError.Structure) {
    self.bytes = bytes
    self.structure = structure
  }

  /// Bytes not read yet.
  public var remainingByteCount: Int { bytes.byteCount - position }

  private mutating func advance<Value>(_ value: Value?, by count: Int) throws(FormatError) -> Value
  {
    guard let value else {
      throw .truncated(
        structure, needed: UInt64(position + count), available: UInt64(bytes.byteCount))
    }
    position += count
    return value
  }

  /// The next byte.
  public mutating func unsigned8() throws(FormatError) -> UInt8 {
    try advance(bytes.unsigned8(at: position), by: 1)
  }
  /// The next 16-bit number.
  public mutating func unsigned16() throws(FormatError) -> UInt16 {
    try advance(bytes.littleEndianUnsigned16(at: position), by: 2)
  }
  /// The next 32-bit number.
  public mutating func unsigned32() throws(FormatError) -> UInt32 {
    try advance(bytes.littleEndianUnsigned32(at: position), by: 4)
  }
  /// The next 64-bit number.
  public mutating func unsigned64() throws(FormatError) -> UInt64 {
    try advance(bytes.littleEndianUnsigned64(at: position), by: 8)
  }
  /// The next signed 64-bit number.
  public mutating func signed64() throws(FormatError) -> Int64 {
    Int64(bitPattern: try unsigned64())
  }
  /// The next 16 bytes as an identifier (big-endian halves, as its text is read).
  public mutating func identifier() throws(FormatError) -> UniqueIdentifier {
    let high = try unsigned64()
    return UniqueIdentifier(high: high.byteSwapped, low: try unsigned64().byteSwapped)
  }
  /// The next `count` bytes, copied.
  public mutating func bytes(count: Int) throws(FormatError) -> [UInt8] {
    guard let span = bytes.bytes(at: position, count: count) else {
      throw .truncated(
        structure, needed: UInt64(position) + UInt64(clamping: count),
        available: UInt64(bytes.byteCount))
    }
    position += count
    return span.copyBytes()
  }
  /// Steps over `count` bytes that are zero in this version; other values are *newer*.
  public mutating func reserved(_ count: Int) throws(FormatError) {
    guard let span = bytes.bytes(at: position, count: count) else {
      throw .truncated(
        structure, needed: UInt64(position + count), available: UInt64(bytes.byteCount))
    }
    guard span.isAllZero else { throw .newer(structure, .reserved) }
    position += count
  }
}

extension Array where Element == UInt8 {
  /// Appends an identifier in the order its text is read.
  public mutating func append(_ identifier: UniqueIdentifier) {
    appendLittleEndian(identifier.high.byteSwapped)
    appendLittleEndian(identifier.low.byteSwapped)
  }
}
