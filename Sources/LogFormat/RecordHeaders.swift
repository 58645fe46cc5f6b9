internal import ByteCoding

/// Named bytes beside a record's value, such as a trace context.
///
/// A block is a row of entries without a count: name length u16, value length u32, name, value.
public enum RecordHeaders {
  /// One header.
  public struct Entry: Hashable, Sendable {
    /// UTF-8, 1 to 65,535 bytes.
    public let name: String
    /// Any bytes.
    public let value: [UInt8]
    /// Makes a header.
    public init(name: String, value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  static let entryHeadByteCount = 6

  /// The block that holds these headers, in order; names may repeat.
  public static func encoded(_ entries: [Entry]) throws(FormatError) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      let name = Array(entry.name.utf8)
      guard let nameByteCount = UInt16(exactly: name.count), nameByteCount > 0,
        let valueByteCount = UInt32(exactly: entry.value.count)
      else { throw .damaged(.recordHeaders, .length) }
      bytes.appendLittleEndian(nameByteCount)
      bytes.appendLittleEndian(valueByteCount)
      bytes += name
      bytes += entry.value
    }
    return bytes
  }

  /// Checks that a block consists of whole entries with non-empty names of valid UTF-8.
  public static func validate(_ block: RawSpan) throws(FormatError) {
    var position = 0
    while position < block.byteCount {
      let (name, value) = try lengths(block, at: position)
      let start = position + entryHeadByteCount
      guard isText(block.extracting(start..<(start + name))) else {
        throw .damaged(.recordHeaders, .text)
      }
      position += entryHeadByteCount + name + value
    }
  }

  /// Reads a block into values of its own.
  public static func decoded(_ block: RawSpan) throws(FormatError) -> [Entry] {
    var entries: [Entry] = []
    var position = 0
    while position < block.byteCount {
      let (nameCount, valueCount) = try lengths(block, at: position)
      let start = position + entryHeadByteCount
      let name = block.extracting(start..<(start + nameCount)).copyBytes()
      let value = block.extracting((start + nameCount)..<(start + nameCount + valueCount))
      guard let text = String(validating: name, as: UTF8.self) else {
        throw .damaged(.recordHeaders, .text)
      }
      entries.append(Entry(name: text, value: value.copyBytes()))
      position = start + nameCount + valueCount
    }
    return entries
  }

  private static func isText(_ name: RawSpan) -> Bool {
    for index in 0..<name.byteCount where (name.unsigned8(at: index) ?? 0x80) >= 0x80 {
      return String(validating: name.copyBytes(), as: UTF8.self) != nil
    }
    return true
  }

  private static func lengths(_ block: RawSpan, at position: Int) throws(FormatError)
    -> (name: Int, value: Int)
  {
    guard let name = block.littleEndianUnsigned16(at: position),
      let value = block.littleEndianUnsigned32(at: position + 2)
    else {
      throw .truncated(
        .recordHeaders, needed: UInt64(position + entryHeadByteCount),
        available: UInt64(block.byteCount))
    }
    guard name > 0, block.contains(position + entryHeadByteCount, count: Int(name) + Int(value))
    else { throw .damaged(.recordHeaders, .length) }
    return (Int(name), Int(value))
  }
}
