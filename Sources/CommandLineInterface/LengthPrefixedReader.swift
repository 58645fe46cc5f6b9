/// Splits input into records that each follow their length (4 bytes, little-endian).
///
/// ```swift
/// while try records.advance() { use(records.record) }
/// ```
public struct LengthPrefixedReader<Source: ByteSource>: ~Copyable {
  private static var prefixByteCount: Int { 4 }

  /// The largest record accepted, in bytes.
  public let recordByteCountLimit: Int

  private var input: InputBuffer<Source>
  private var recordByteCount: Int?

  /// Reads records from a source.
  ///
  /// - Parameters:
  ///   - source: Where the bytes come from.
  ///   - recordByteCountLimit: The largest record accepted; memory grows to about twice of it.
  ///   - readByteCount: Bytes asked of the source at once.
  public init(_ source: Source, recordByteCountLimit: Int, readByteCount: Int = 256 * 1024) {
    self.recordByteCountLimit = max(0, recordByteCountLimit)
    input = InputBuffer(source, readByteCount: readByteCount)
  }

  /// The place of the current record's length, counted from the start of the input.
  public var position: UInt64 { input.position }

  /// The place of the first byte after the current record: where a later run goes on.
  public var nextPosition: UInt64 { input.position + UInt64(consumedWithRecord) }

  /// The current record without its length; empty before the first `advance()`.
  public var record: RawSpan {
    @_lifetime(borrow self) get {
      let range = recordByteCount.map { Self.prefixByteCount..<Self.prefixByteCount + $0 } ?? 0..<0
      return input.bytes.extracting(range).rawBytes
    }
  }

  private var consumedWithRecord: Int { recordByteCount.map { Self.prefixByteCount + $0 } ?? 0 }

  /// Goes to the next record.
  ///
  /// - Returns: Whether there is one.
  /// - Throws: `InputError.recordTooLong`, `.truncated`, or what the source throws; the reader is
  ///   of no use then.
  public mutating func advance() throws(InputError) -> Bool {
    input.consume(consumedWithRecord)
    recordByteCount = nil
    try fill(to: Self.prefixByteCount)
    guard input.count > 0 else { return false }
    try require(Self.prefixByteCount)
    let byteCount = try checkedLength()
    try fill(to: Self.prefixByteCount + byteCount)
    try require(Self.prefixByteCount + byteCount)
    recordByteCount = byteCount
    return true
  }

  /// Goes to the next record if all of it has been read already; never waits.
  ///
  /// - Returns: Whether there is one; `advance()` reads on when not.
  /// - Throws: `InputError.recordTooLong`.
  public mutating func advanceWithoutReading() throws(InputError) -> Bool {
    input.consume(consumedWithRecord)
    recordByteCount = nil
    guard input.count >= Self.prefixByteCount else { return false }
    let byteCount = try checkedLength()
    guard input.count >= Self.prefixByteCount + byteCount else { return false }
    recordByteCount = byteCount
    return true
  }

  /// The length that stands at the front of the input.
  private func checkedLength() throws(InputError) -> Int {
    var length: UInt32 = 0
    for index in (0..<Self.prefixByteCount).reversed() {
      length = length << 8 | UInt32(input.bytes[index])
    }
    guard let byteCount = Int(exactly: length), byteCount <= recordByteCountLimit else {
      throw .recordTooLong(
        position: position, byteCount: UInt64(length), limit: recordByteCountLimit)
    }
    return byteCount
  }

  private mutating func fill(to count: Int) throws(InputError) {
    while input.count < count, !input.isAtEnd { try input.fill() }
  }

  private func require(_ count: Int) throws(InputError) {
    guard input.count >= count else {
      throw .truncated(
        position: position, expectedByteCount: UInt64(count), foundByteCount: UInt64(input.count))
    }
  }
}
