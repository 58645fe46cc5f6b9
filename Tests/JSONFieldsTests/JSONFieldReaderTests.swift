import Quantities
import Testing

@testable import JSONFields

struct JSONFieldReaderTests {
  /// The kind of one field, or the reason why the document is refused.
  private func kind(
    _ path: String, _ document: [UInt8]
  ) throws -> Result<FieldKind, JSONFieldError> {
    var reader = try JSONFieldReader()
    let path = try FieldPath(path)
    do throws(JSONFieldError) {
      let fields = try reader.fields([path], of: document.span.bytes, lineNumber: 7)
      return .success(fields.kind(at: 0))
    } catch {
      return .failure(error)
    }
  }

  private func kind(_ path: String, _ document: String) throws -> Result<FieldKind, JSONFieldError>
  {
    try kind(path, Array(document.utf8))
  }

  /// The bytes of one field as text.
  private func text(_ path: String, _ document: String) throws -> String? {
    var reader = try JSONFieldReader()
    let bytes = Array(document.utf8)
    let fields = try reader.fields([FieldPath(path)], of: bytes.span.bytes, lineNumber: 7)
    guard let found = try fields.bytes(at: 0) else { return nil }
    return found.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  private func moment(_ json: String) throws -> Int64? {
    var reader = try JSONFieldReader()
    let bytes = Array("{\"t\":\(json)}".utf8)
    let fields = try reader.fields([FieldPath("t")], of: bytes.span.bytes, lineNumber: 7)
    return try fields.timestamp(at: 0)?.rawValue
  }

  private func reason(_ document: [UInt8]) throws -> JSONFieldError.Reason? {
    guard case .failure(let error) = try kind("a", document) else { return nil }
    return error.reason
  }

  @Test(arguments: [
    ("null", FieldKind.null), ("true", .boolean(true)), ("false", .boolean(false)),
    ("0", .integer(0)), ("-0", .integer(0)), ("9223372036854775807", .integer(.max)),
    ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .unsigned(1 << 63)),
    ("18446744073709551615", .unsigned(.max)),
    ("18446744073709551616", .real(18_446_744_073_709_551_616)),
    ("1.5", .real(1.5)), ("1e2", .real(100)), ("1e400", .huge), ("\"x\"", .string),
    ("{}", .object), ("[1]", .array),
  ])
  func `a field has the kind of its value`(_ json: String, _ expected: FieldKind) throws {
    #expect(try kind("a", "{\"x\":[], \"a\" : \(json) }") == .success(expected))
  }

  @Test(arguments: [
    ("a", "1"), ("b.c", "2"), ("/b/c", "2"), ("/b.c", "3"), ("/b~1~0", "4"), ("l.1", "6"),
    ("/l/2/z", "7"), ("é", "8"), ("/", "9"),
  ])
  func `dotted names and pointers lead to fields`(_ path: String, _ expected: String) throws {
    let document = """
      {"a":1,"b":{"c":2},"b.c":3,"b/~":4,"l":[5,6,{"z":7}],"\\u00e9":8,"":9}
      """
    #expect(try text(path, document) == expected)
  }

  @Test(arguments: ["x", "a.b", "l.9", "l.01", "l.x", "/a/"])
  func `a field that is not there is missing`(_ path: String) throws {
    #expect(try kind(path, #"{"a":1,"l":[1,2]}"#) == .success(.missing))
    #expect(try text(path, #"{"a":1,"l":[1,2]}"#) == nil)
  }

  @Test func `a field of an array at the top is found by its index`() throws {
    #expect(try text("/1", #"["x","y"]"#) == "y")
  }

  @Test(arguments: [
    (#""a\n\"\u00e9\ud83d\ude00""#, "a\n\"é😀"),
    ("12345678901234567890123", "12345678901234567890123"),
    ("-1.50e+3", "-1.50e+3"), ("true", "true"), ("1e400", "1e400"), (#""""#, ""),
  ])
  func `keys are unescaped strings or tokens as written`(_ json: String, _ expected: String) throws
  {
    #expect(try text("k", "{\"k\":\(json) }") == expected)
  }

  @Test(arguments: ["{}", "[]"])
  func `an object or array is refused as a key`(_ json: String) throws {
    do {
      _ = try text("k", "{\"k\":\(json)}")
      Issue.record("accepted")
    } catch let error as JSONFieldError {
      #expect(error.reason == .notAScalar(path: "k"))
      #expect(error.position == 5)
      #expect(error.description.hasPrefix("line 7, byte 5: field 'k' is an object or an array"))
    }
  }

  @Test(arguments: [
    (#""1970-01-01T00:00:01Z""#, 1_000_000_000), ("1", 1_000_000_000), ("-1", -1_000_000_000),
    ("0", 0), ("-0.0", 0), ("1700000000", 1_700_000_000_000_000_000),
    ("1700000000.123456789", 1_700_000_000_123_456_789),
    ("1700000000.1234567899", 1_700_000_000_123_456_789),
    ("1700000000123", 1_700_000_000_123_000_000), ("1700000000123456", 1_700_000_000_123_456_000),
    ("1700000000123456789", 1_700_000_000_123_456_789), ("1.7e9", 1_700_000_000_000_000_000),
    ("17000000000e-1", 1_700_000_000_000_000_000), ("1.7e18", 1_700_000_000_000_000_000),
    ("1700000000123.5", 1_700_000_000_123_500_000), ("9223372036854775807", Int64.max),
    ("-9223372036854775808", Int64.min), ("0e99999999999999999999", 0),
    ("1e-99999999999999999999", 0), ("100000000000", 100_000_000_000_000_000),
    ("0.000000001", 1), ("5e-1", 500_000_000),
  ])
  func `times are texts or numbers with a unit told by magnitude`(
    _ json: String, _ expected: Int64
  ) throws {
    #expect(try moment(json) == expected)
  }

  @Test func `no time is no error`() throws {
    #expect(try moment("null") == nil)
  }

  @Test(arguments: [
    ("9223372036854775808", true), ("99999999999", true), ("1e400", true),
    ("1e99999999999999999", true),
    (#""2300-01-01T00:00:00Z""#, true), (#""yesterday""#, false), ("true", false), ("{}", false),
  ])
  func `what is no time in range is refused`(_ json: String, _ isRange: Bool) throws {
    do {
      _ = try moment(json)
      Issue.record("accepted")
    } catch let error as JSONFieldError {
      #expect(
        error.reason == (isRange ? .timestampOutOfRange(path: "t") : .notATimestamp(path: "t")))
    }
  }

  @Test(arguments: [
    ("", JSONFieldError.Reason.emptyDocument), ("  \n", .emptyDocument), ("1", .notAnObject),
    ("\"a\"", .notAnObject), ("{", .syntax), ("}", .syntax), ("{\"a\":1", .syntax),
    ("{\"a\":1}}", .syntax), ("{\"a\":1}{}", .syntax), ("{\"a\":1} x", .syntax),
    ("{\"a\":1}]", .syntax), ("{\"a\" 1}", .syntax), ("{\"a\":1,}", .syntax), ("{a:1}", .syntax),
    ("{\"a\":[1,]}", .syntax), ("{\"a\":tru}", .syntax), ("{\"a\":nullx}", .syntax),
    ("{\"a\":NaN}", .syntax), ("{\"a\":1 2}", .syntax), ("{\"b\":[1 2]}", .syntax),
    ("{\"a\":}", .syntax), ("[", .syntax), ("[1", .syntax), ("[[1]", .syntax), ("[1}", .syntax),
    ("{\"a\":{\"b\":1}", .syntax), ("{\"a\":[}", .syntax), ("[],[]", .syntax), ("{\"a\"}", .syntax),
    ("{\"a\":01}", .badNumber), ("{\"b\":1.}", .badNumber), ("{\"b\":-}", .badNumber),
    ("{\"b\":1e}", .badNumber), ("{\"b\":0x1}", .badNumber), ("{\"b\":1\u{0}}", .badNumber),
    ("{\"b\":+1}", .syntax), ("{\"b\":.5}", .syntax),
    (#"{"b":"\x"}"#, .badString), (#"{"b":"\ud800"}"#, .badString),
    (#"{"b":"\ud800\u0041"}"#, .badString), (#"{"b":"\udc00"}"#, .badString),
    (#"{"\ud800":1}"#, .badString), (#"{"b":"\u12"}"#, .badString),
    ("{\"b\":\"\n\"}", .badString), ("{\"b\":\"x}", .syntax), ("\u{feff}{}", .syntax),
  ])
  func `a document that is not JSON is refused, wherever the fault lies`(
    _ document: String, _ expected: JSONFieldError.Reason
  ) throws {
    #expect(try reason(Array(document.utf8)) == expected)
  }

  @Test func `bytes that are not UTF-8 are refused with their place`() throws {
    for prefix in [
      "", "é", "long enough for several blocks of the validator é漢😀 and more text, more",
    ] {
      let start = Array("{\"b\":\"\(prefix)".utf8)
      let result = try kind("a", start + [0xff] + Array("\"}".utf8))
      guard case .failure(let error) = result else {
        Issue.record("accepted")
        return
      }
      #expect(error.reason == .notUTF8)
      #expect(error.position <= start.count && error.position >= start.count - 3)
    }
  }

  @Test(arguments: [
    #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":1}"#, #"{"a":null,"b":0,"a":{}}"#, #"{"a":{},"a":{}}"#,
  ])
  func `a name asked for that stands twice is refused`(_ document: String) throws {
    #expect(try reason(Array(document.utf8)) == .duplicateName)
    #expect(try kind("b", document) != .success(.string))
  }

  @Test func `documents nest to the limit and no deeper`() throws {
    func nested(_ depth: Int) -> [UInt8] {
      Array(String(repeating: "[", count: depth).utf8)
        + Array(String(repeating: "]", count: depth).utf8)
    }
    #expect(try reason(nested(64)) == nil)
    #expect(try reason(nested(65)) == .tooDeep(limit: 64))
    #expect(try reason(nested(10_000)) == .tooDeep(limit: 64))
    #expect(try reason(nested(1_000_000)) == .tooDeep(limit: 64))
    let open = Array(repeating: Array("{\"a\":".utf8), count: 10_000).flatMap { $0 }
    #expect(try reason(open) != nil)
  }

  @Test func `a document over the limit is refused`() throws {
    let document = [UInt8](repeating: 0x20, count: JSONFieldReader.documentByteCountLimit + 1)
    #expect(try reason(document) == .tooLarge(limit: JSONFieldReader.documentByteCountLimit))
  }

  @Test func `one reader serves documents and paths of any order`() throws {
    var reader = try JSONFieldReader()
    for round in 1...50 {
      let value = String(repeating: "v", count: round * 331)
      let bytes = Array("{\"a\":\"\(value)\",\"n\":\(round)}".utf8)
      let paths = try (round % 2 == 0 ? ["a", "n"] : ["n", "x", "a"]).map { try FieldPath($0) }
      try expect(&reader, paths, in: bytes, byteCount: value.utf8.count, number: Int64(round))
      expectRefusal(&reader, paths, of: Array("{\"a\":".utf8))
    }
  }

  private func expect(
    _ reader: inout JSONFieldReader, _ paths: [FieldPath], in document: [UInt8], byteCount: Int,
    number: Int64
  ) throws {
    let fields = try reader.fields(paths, of: document.span.bytes, lineNumber: 1)
    for (index, path) in paths.enumerated() where path.text == "n" {
      #expect(fields.kind(at: index) == .integer(number))
    }
    for (index, path) in paths.enumerated() where path.text == "a" {
      let found = try fields.bytes(at: index)?.byteCount
      #expect(found == byteCount)
    }
  }

  private func expectRefusal(
    _ reader: inout JSONFieldReader, _ paths: [FieldPath], of document: [UInt8]
  ) {
    do throws(JSONFieldError) {
      _ = try reader.fields(paths, of: document.span.bytes, lineNumber: 2).kind(at: 0)
      Issue.record("half a document was accepted")
    } catch {
      #expect(error.lineNumber == 2)
    }
  }

  @Test(arguments: ["", "a..b", ".a", "a.", "/a~2", "/~", String(repeating: "a.", count: 16) + "a"])
  func `what is no path is refused`(_ text: String) {
    #expect(throws: FieldPath.Failure.self) { try FieldPath(text) }
  }
}
