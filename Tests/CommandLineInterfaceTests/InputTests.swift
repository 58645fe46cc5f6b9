import TestSupport
import Testing

@testable import CommandLineInterface

/// Bytes that arrive in pieces of given sizes, again and again.
struct PieceSource: ByteSource {
  var bytes: [UInt8]
  var sizes: [Int]
  var position = 0
  var turn = 0

  mutating func read(into buffer: inout MutableRawSpan) throws(InputError) -> Int {
    let wanted = max(1, sizes[turn % sizes.count])
    turn += 1
    let count = min(wanted, buffer.byteCount, bytes.count - position)
    for index in 0..<count {
      buffer.storeBytes(of: bytes[position + index], toByteOffset: index, as: UInt8.self)
    }
    position += count
    return count
  }
}

struct InputTests {
  private struct Line: Equatable {
    var bytes: [UInt8]
    var isTerminated: Bool
    var position: UInt64
    var next: UInt64
    var number: UInt64
  }

  private func lines(
    _ bytes: [UInt8], sizes: [Int], limit: Int = 1 << 20, readByteCount: Int = 8
  ) throws(InputError) -> [Line] {
    var reader = LineReader(
      PieceSource(bytes: bytes, sizes: sizes), lineByteCountLimit: limit,
      readByteCount: readByteCount)
    var result: [Line] = []
    while try reader.advance() {
      result.append(
        Line(
          bytes: copy(reader.line), isTerminated: reader.isTerminated, position: reader.position,
          next: reader.nextPosition, number: reader.number))
    }
    return result
  }

  private func copy(_ bytes: RawSpan) -> [UInt8] { bytes.withUnsafeBytes { Array($0) } }

  /// The same, written straight from the rule.
  private func slowLines(_ bytes: [UInt8]) -> [Line] {
    var result: [Line] = []
    var start = 0
    while start < bytes.count {
      let feed = bytes[start...].firstIndex(of: 0x0a)
      let end = feed ?? bytes.count
      result.append(
        Line(
          bytes: Array(bytes[start..<end]), isTerminated: feed != nil, position: UInt64(start),
          next: UInt64(end + (feed == nil ? 0 : 1)), number: UInt64(result.count + 1)))
      start = end + 1
    }
    return result
  }

  @Test func `only line feeds are taken off`() throws {
    let found = try lines(Array("a\r\n\n\0b\u{85}\nlast".utf8), sizes: [3])
    #expect(
      found.map { String(decoding: $0.bytes, as: UTF8.self) } == ["a\r", "", "\0b\u{85}", "last"])
    #expect(found.map(\.isTerminated) == [true, true, true, false])
  }

  @Test func `no input has no line and a lone line feed has one empty line`() throws {
    #expect(try lines([], sizes: [1]).isEmpty)
    #expect(try lines([0x0a], sizes: [1]).map(\.bytes) == [[]])
  }

  @Test func `lines are the same wherever the input is cut`() throws {
    let text = Array("one\ntwo\r\n\nthree is longer than a read\n\n\0\nend".utf8)
    for size in 1...text.count + 1 {
      for readByteCount in [1, 2, 7, 8, 64] {
        #expect(try lines(text, sizes: [size], readByteCount: readByteCount) == slowLines(text))
      }
    }
    for cut in 1..<text.count {
      #expect(try lines(text, sizes: [cut, text.count], readByteCount: 64) == slowLines(text))
    }
  }

  @Test func `random lines in random pieces agree with the slow splitter`() throws {
    var generator = SeededGenerator()
    for _ in 0..<1_000 {
      let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in
        Int.random(in: 0..<8, using: &generator) == 0
          ? UInt8(0x0a)
          : [0x00, 0x09, 0x0b, 0x0d, 0x41, 0x8a, 0xff].randomElement(using: &generator) ?? 0
      }
      let sizes = (0..<5).map { _ in Int.random(in: 1...40, using: &generator) }
      let readByteCount = Int.random(in: 1...50, using: &generator)
      #expect(try lines(bytes, sizes: sizes, readByteCount: readByteCount) == slowLines(bytes))
    }
  }

  @Test func `a line over the limit is refused with its number and place`() throws {
    let text = Array("12345\n123456\n".utf8)
    for size in 1...14 {
      #expect(throws: InputError.lineTooLong(line: 2, position: 6, limit: 5)) {
        try lines(text, sizes: [size], limit: 5)
      }
    }
    #expect(try lines(Array("12345".utf8), sizes: [2], limit: 5).count == 1)
    #expect(throws: InputError.lineTooLong(line: 1, position: 0, limit: 5)) {
      try lines(Array("123456".utf8), sizes: [6], limit: 5)
    }
  }

  private func records(
    _ bytes: [UInt8], sizes: [Int], limit: Int = 100
  ) throws(InputError) -> [[UInt8]] {
    var reader = LengthPrefixedReader(
      PieceSource(bytes: bytes, sizes: sizes), recordByteCountLimit: limit, readByteCount: 8)
    var result: [[UInt8]] = []
    while try reader.advance() { result.append(copy(reader.record)) }
    return result
  }

  @Test func `length-prefixed records are the same wherever the input is cut`() throws {
    let bytes: [UInt8] = [0, 0, 0, 0, 3, 0, 0, 0, 1, 2, 3, 20, 0, 0, 0] + Array(1...20)
    for size in 1...bytes.count {
      #expect(try records(bytes, sizes: [size]) == [[], [1, 2, 3], Array(1...20)])
    }
    #expect(try records([], sizes: [1]).isEmpty)
  }

  @Test(arguments: 1..<7)
  func `an input that ends inside a record names the record's place`(_ missing: Int) {
    let bytes: [UInt8] = [1, 0, 0, 0, 9] + [3, 0, 0, 0, 1, 2, 3].dropLast(missing)
    let found = 7 - missing
    #expect(
      throws: InputError.truncated(
        position: 5, expectedByteCount: found < 4 ? 4 : 7, foundByteCount: UInt64(found))
    ) {
      try records(bytes, sizes: [2])
    }
  }

  @Test func `a length over the limit is refused before anything is allocated`() {
    #expect(throws: InputError.recordTooLong(position: 0, byteCount: 0xffff_ffff, limit: 100)) {
      try records([0xff, 0xff, 0xff, 0xff], sizes: [4])
    }
  }
}
