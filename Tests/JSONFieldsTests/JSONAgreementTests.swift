import TestSupport
import Testing

@testable import JSONFields

struct JSONAgreementTests {
  private static let documents = [
    #"{"a":1,"b":[true,false,null,-1.5e+3],"c":{"d":"\u00e9\n","e":[]}}"#,
    #"[{"x":0},[[],{}],"",123456789012345678901234567890,"\ud83d\ude00"]"#,
    #" { "k" : "v" , "n" : -0.0 , "long" : "0123456789012345678901234567890123456789" } "#,
  ]
  private static let pieces =
    Array(#"{}[]",:\/ 0123-+.eEtrufalsnd8c"#.utf8) + [0x00, 0x0a, 0x80, 0xc3, 0xff]

  @Test func `changed documents are accepted just when the standard allows them`() throws {
    var generator = SeededGenerator()
    var reader = try JSONFieldReader()
    // No three changes make a second `long`, so that a duplicate never hides what follows it.
    let path = try FieldPath("long")
    var accepted = 0
    for _ in 0..<30_000 {
      var document = Array((Self.documents.randomElement(using: &generator) ?? "").utf8)
      for _ in 0..<Int.random(in: 0...3, using: &generator) where !document.isEmpty {
        let place = Int.random(in: 0..<document.count, using: &generator)
        switch Int.random(in: 0..<4, using: &generator) {
        case 0: document.remove(at: place)
        case 1: document.removeSubrange(place...)
        case 2: document.insert(Self.pieces.randomElement(using: &generator) ?? 0, at: place)
        default: document[place] = Self.pieces.randomElement(using: &generator) ?? 0
        }
      }
      var isAccepted = true
      do throws(JSONFieldError) {
        _ = try reader.fields([path], of: document.span.bytes, lineNumber: 1).kind(at: 0)
      } catch {
        isAccepted = false
      }
      accepted += isAccepted ? 1 : 0
      let isJSON = SlowJSON.isDocument(document)
      if isAccepted != isJSON {
        Issue.record(
          "accepted \(isAccepted): \(String(decoding: document, as: UTF8.self)) \(document)")
      }
    }
    #expect(accepted > 1_000)
  }
}
