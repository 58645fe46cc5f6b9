import Foundation
import TestSupport
import Testing

@testable import CommandLineInterface

struct JSONWriterTests {
  private func text(_ layout: JSONWriter.Layout = .line, _ body: (inout JSONWriter) -> Void)
    -> String
  {
    var writer = JSONWriter(layout)
    body(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private func sample(_ writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", "orders")
    writer.name("sizes")
    writer.beginArray()
    writer.value(UInt64.max)
    writer.value(Int64.min)
    writer.value(0)
    writer.endArray()
    writer.name("empty")
    writer.beginObject()
    writer.endObject()
    writer.member("sound", true)
    writer.name("ratio")
    writer.value(0.1)
    writer.name("none")
    writer.null()
    writer.endObject()
    writer.endDocument()
  }

  @Test func `the one-line layout has no blanks`() {
    #expect(
      text { sample(&$0) } == """
        {"name":"orders","sizes":[18446744073709551615,-9223372036854775808,0],"empty":{},\
        "sound":true,"ratio":0.1,"none":null}

        """)
  }

  @Test func `the pretty layout has one value per line`() {
    #expect(
      text(.pretty) { sample(&$0) } == """
        {
          "name": "orders",
          "sizes": [
            18446744073709551615,
            -9223372036854775808,
            0
          ],
          "empty": {},
          "sound": true,
          "ratio": 0.1,
          "none": null
        }

        """)
  }

  @Test func `documents follow each other on lines of their own`() {
    #expect(
      text {
        for _ in 0..<2 {
          $0.value(1)
          $0.endDocument()
        }
      } == "1\n1\n")
  }

  @Test(arguments: [
    ("", #""""#), ("a\"b\\c", #""a\"b\\c""#), ("\n\r\t\u{8}\u{c}", #""\n\r\t\b\f""#),
    ("\u{0}\u{1f}\u{1b}", #""\u0000\u001f\u001b""#), ("\u{7f}\u{9b}", #""\u007f\u009b""#),
    ("/é漢😀", #""/é漢😀""#), ("\u{202e}\u{2028}\u{feff}", #""\u202e\u2028\ufeff""#),
    ("long enough for words \" é end", #""long enough for words \" é end""#),
  ])
  func `strings are escaped`(_ value: String, _ expected: String) {
    #expect(text { $0.value(value) } == expected)
  }

  @Test func `numbers that JSON lacks become null`() {
    #expect(text { $0.value(Double.nan) } == "null")
    #expect(text { $0.value(-Double.infinity) } == "null")
  }

  @Test(arguments: [
    (Array("héllo".utf8), #""héllo""#), ([0xff], #"{"base64":"/w=="}"#), ([], #""""#),
    ([0x61, 0xc3], #"{"base64":"YcM="}"#), ([0xed, 0xa0, 0x80], #"{"base64":"7aCA"}"#),
    ([0xc0, 0x80], #"{"base64":"wIA="}"#), ([0xf4, 0x90, 0x80, 0x80], #"{"base64":"9JCAgA=="}"#),
  ])
  func `bytes are a string if they are UTF-8 and base64 otherwise`(
    _ bytes: [UInt8], _ expected: String
  ) {
    #expect(text { $0.value(bytes: bytes.span.bytes) } == expected)
  }

  @Test func `every string reads back the same in another reader`() throws {
    var generator = SeededGenerator()
    for _ in 0..<2_000 {
      var string = ""
      for _ in 0..<Int.random(in: 0...40, using: &generator) {
        let limit: UInt32 = Bool.random(using: &generator) ? 0x80 : 0x11_0000
        let value = UInt32.random(in: 0..<limit, using: &generator)
        if let scalar = Unicode.Scalar(value) { string.unicodeScalars.append(scalar) }
      }
      let written = text { writer in
        writer.beginArray()
        writer.value(string)
        writer.value(bytes: Array(string.utf8).span.bytes)
        writer.endArray()
      }
      let read = try JSONDecoder().decode([String].self, from: Data(written.utf8))
      #expect(
        read.map { Array($0.unicodeScalars) } == [string, string].map { Array($0.unicodeScalars) })
    }
  }

  @Test func `the check for UTF-8 agrees with the standard library`() {
    var generator = SeededGenerator()
    let marks: [UInt8] = [
      0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xed, 0xef,
      0xf0, 0xf4, 0xf5, 0xff,
    ]
    for _ in 0..<50_000 {
      let bytes = (0..<Int.random(in: 0...12, using: &generator)).compactMap { _ in
        marks.randomElement(using: &generator)
      }
      let isValid = String(validating: bytes, as: UTF8.self) != nil
      #expect(
        (UTF8Check.validPrefixByteCount(of: bytes.span) == bytes.count) == isValid, "\(bytes)")
    }
  }
}
