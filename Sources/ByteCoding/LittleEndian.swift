/// Checked little-endian reads from borrowed bytes.
///
/// Positions come from files, so every read is bounds-checked and answers `nil` instead of trapping;
/// arithmetic on positions reports overflow.
extension RawSpan {
  /// Whether `[position, position + count)` lies inside the span.
  @inlinable
  public func contains(_ position: Int, count: Int) -> Bool {
    position >= 0 && count >= 0 && position <= byteCount && count <= byteCount &- position
  }

  /// The unsigned 8-bit number at a position, or `nil` when it lies outside.
  @inlinable
  public func unsigned8(at position: Int) -> UInt8? {
    guard contains(position, count: 1) else { return nil }
    // Safety: the bounds were checked above; any bit pattern is a valid UInt8.
    return unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt8.self)
  }

  /// The little-endian unsigned 16-bit number at a position, or `nil` when it lies outside.
  @inlinable
  public func littleEndianUnsigned16(at position: Int) -> UInt16? {
    guard contains(position, count: 2) else { return nil }
    // Safety: the bounds were checked above; any bit pattern is a valid UInt16.
    return UInt16(
      littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt16.self))
  }

  /// The little-endian unsigned 32-bit number at a position, or `nil` when it lies outside.
  @inlinable
  public func littleEndianUnsigned32(at position: Int) -> UInt32? {
    guard contains(position, count: 4) else { return nil }
    // Safety: the bounds were checked above; any bit pattern is a valid UInt32.
    return UInt32(
      littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt32.self))
  }

  /// The little-endian unsigned 64-bit number at a position, or `nil` when it lies outside.
  @inlinable
  public func littleEndianUnsigned64(at position: Int) -> UInt64? {
    guard contains(position, count: 8) else { return nil }
    // Safety: the bounds were checked above; any bit pattern is a valid UInt64.
    return UInt64(
      littleEndian: unsafe unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self))
  }

  /// The little-endian signed 64-bit number at a position, or `nil` when it lies outside.
  @inlinable
  public func littleEndianSigned64(at position: Int) -> Int64? {
    littleEndianUnsigned64(at: position).map { Int64(bitPattern: $0) }
  }

  /// The bytes `[position, position + count)`, or `nil` when they lie outside.
  @inlinable
  @_lifetime(copy self)
  public func bytes(at position: Int, count: Int) -> RawSpan? {
    guard contains(position, count: count) else { return nil }
    return extracting(position..<(position &+ count))
  }

  /// Whether every byte is zero.
  public var isAllZero: Bool {
    var position = 0
    while position < byteCount {
      if position &+ 8 <= byteCount {
        if littleEndianUnsigned64(at: position) != 0 { return false }
        position &+= 8
      } else {
        if unsigned8(at: position) != 0 { return false }
        position &+= 1
      }
    }
    return true
  }

  /// A copy of the bytes.
  public func copyBytes() -> [UInt8] {
    // Safety: the buffer lives for the closure; the array copies it.
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}

/// Little-endian writing into raw memory whose bounds the caller has established.
extension UnsafeMutableRawBufferPointer {
  /// Stores a 16-bit number. The range must lie inside the buffer; a debug build traps otherwise.
  @inlinable
  public func storeLittleEndian(_ value: UInt16, at position: Int) {
    // Safety: callers size the buffer from the layout constants; the store is bounds-checked in debug.
    unsafe storeBytes(of: value.littleEndian, toByteOffset: position, as: UInt16.self)
  }
  /// Stores a 32-bit number. The range must lie inside the buffer; a debug build traps otherwise.
  @inlinable
  public func storeLittleEndian(_ value: UInt32, at position: Int) {
    // Safety: as above.
    unsafe storeBytes(of: value.littleEndian, toByteOffset: position, as: UInt32.self)
  }
  /// Stores a 64-bit number. The range must lie inside the buffer; a debug build traps otherwise.
  @inlinable
  public func storeLittleEndian(_ value: UInt64, at position: Int) {
    // Safety: as above.
    unsafe storeBytes(of: value.littleEndian, toByteOffset: position, as: UInt64.self)
  }
  /// Stores a signed 64-bit number. The range must lie inside the buffer.
  @inlinable
  public func storeLittleEndian(_ value: Int64, at position: Int) {
    unsafe storeLittleEndian(UInt64(bitPattern: value), at: position)
  }
}

/// Little-endian building of byte arrays, for structures off the hot path.
extension Array where Element == UInt8 {
  /// Appends a 16-bit number.
  public mutating func appendLittleEndian(_ value: UInt16) {
    append(UInt8(truncatingIfNeeded: value))
    append(UInt8(truncatingIfNeeded: value >> 8))
  }
  /// Appends a 32-bit number.
  public mutating func appendLittleEndian(_ value: UInt32) {
    for shift in stride(from: UInt32(0), to: 32, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
  /// Appends a 64-bit number.
  public mutating func appendLittleEndian(_ value: UInt64) {
    for shift in stride(from: UInt64(0), to: 64, by: 8) {
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
  /// Appends a signed 64-bit number.
  public mutating func appendLittleEndian(_ value: Int64) {
    appendLittleEndian(UInt64(bitPattern: value))
  }
  /// Appends borrowed bytes.
  public mutating func append(_ bytes: RawSpan) {
    // Safety: the buffer lives for the closure; the array copies it.
    unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
  }
}

extension Array where Element == UInt8 {
  /// The array's bytes, borrowed.
  public var rawSpan: RawSpan {
    @_lifetime(borrow self) get {
      // Safety: UInt8 has no padding and any bit pattern is valid; the span borrows the array.
      unsafe span.bytes
    }
  }
}
