/// Splits input into lines at line feeds.
///
/// Only the line feed is taken off: carriage returns, zero bytes and bytes that are not UTF-8 stay.
/// An empty line is a line; nothing follows the line feed at the end of the input.
///
/// ```swift
/// while try lines.advance() { use(lines.line) }
/// ```
public struct LineReader<Source: ByteSource>: ~Copyable {
  /// The largest number of bytes in a line, its line feed not counted.
  public let lineByteCountLimit: Int
  /// The number of the current line; the first is 1.
  public private(set) var number: UInt64 = 0
  /// Whether the current line ended with a line feed; only the last line can be without.
  public private(set) var isTerminated = true

  private var input: InputBuffer<Source>
  private var lineByteCount = 0

  /// Reads lines from a source.
  ///
  /// - Parameters:
  ///   - source: Where the bytes come from.
  ///   - lineByteCountLimit: The largest line accepted; memory grows to about twice of it.
  ///   - readByteCount: Bytes asked of the source at once.
  public init(_ source: Source, lineByteCountLimit: Int, readByteCount: Int = 256 * 1024) {
    self.lineByteCountLimit = max(0, lineByteCountLimit)
    input = InputBuffer(source, readByteCount: readByteCount)
  }

  /// The place of the current line's first byte, counted from the start of the input.
  public var position: UInt64 { input.position }

  /// The place of the first byte after the current line and its line feed: where a later run goes
  /// on.
  public var nextPosition: UInt64 { input.position + UInt64(consumedWithLine) }

  /// The current line without its line feed; empty before the first `advance()`.
  public var line: RawSpan {
    @_lifetime(borrow self) get { input.bytes.extracting(0..<lineByteCount).rawBytes }
  }

  private var consumedWithLine: Int { lineByteCount + (isTerminated && number > 0 ? 1 : 0) }

  /// Goes to the next line.
  ///
  /// - Returns: Whether there is one.
  /// - Throws: `InputError.lineTooLong`, or what the source throws; the reader is of no use then.
  public mutating func advance() throws(InputError) -> Bool {
    input.consume(consumedWithLine)
    lineByteCount = 0
    isTerminated = false
    var searched = 0
    while true {
      if let end = Self.lineFeed(in: input.bytes, from: searched) {
        try begin(byteCount: end, isTerminated: true)
        return true
      }
      searched = input.count
      guard searched <= lineByteCountLimit else { throw tooLong }
      guard !input.isAtEnd else { break }
      try input.fill()
    }
    guard searched > 0 else { return false }
    try begin(byteCount: searched, isTerminated: false)
    return true
  }

  /// Goes to the next line if all of it, with its line feed, has been read already; never waits.
  ///
  /// - Returns: Whether there is one; `advance()` reads on when not.
  /// - Throws: `InputError.lineTooLong`.
  public mutating func advanceWithoutReading() throws(InputError) -> Bool {
    input.consume(consumedWithLine)
    lineByteCount = 0
    isTerminated = false
    guard let end = Self.lineFeed(in: input.bytes, from: 0) else { return false }
    try begin(byteCount: end, isTerminated: true)
    return true
  }

  private var tooLong: InputError {
    .lineTooLong(line: number + 1, position: input.position, limit: lineByteCountLimit)
  }

  private mutating func begin(byteCount: Int, isTerminated: Bool) throws(InputError) {
    guard byteCount <= lineByteCountLimit else { throw tooLong }
    lineByteCount = byteCount
    self.isTerminated = isTerminated
    number += 1
  }

  private static func lineFeed(in bytes: Span<UInt8>, from start: Int) -> Int? {
    let feed = UInt8(ascii: "\n")
    var position = start
    while let word = EightBytes.load(bytes, at: position) {
      let found = EightBytes.matches(word, feed)
      guard found == 0 else { return position + found.trailingZeroBitCount / 8 }
      position += 8
    }
    while position < bytes.count {
      if bytes[position] == feed { return position }
      position += 1
    }
    return nil
  }
}
