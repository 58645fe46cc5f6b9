import ByteCoding
import TestSupport
import Testing

@Suite struct Base64Tests {
  @Test func `the examples of RFC 4648`() {
    let examples = [
      ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
      ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ]
    for (bytes, text) in examples {
      #expect(Base64.text(Array(bytes.utf8)) == text)
      #expect(Base64.decoded(Array(text.utf8)) == Array(bytes.utf8))
    }
  }

  @Test func `only the text that encoding gives is decoded`() {
    let others = [
      "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "Zh==", "Zm9=", "Zm9v====", "Zm 9", "Zm9v\n", "Zm-_",
      "Zg==Zg==", "====", "Z=g=",
    ]
    for text in others { #expect(Base64.decoded(Array(text.utf8)) == nil, "\(text)") }
  }

  @Test func `random texts decode only when they are canonical`() {
    var random = SeededGenerator()
    var decodedCount = 0
    for _ in 0..<20_000 {
      let bytes = random.bytes(random.below(40))
      var text = Base64.encoded(bytes)
      #expect(Base64.decoded(text) == bytes)
      guard !text.isEmpty else { continue }
      text[random.below(text.count)] = UInt8(random.below(128))
      if let other = Base64.decoded(text) {
        decodedCount += 1
        #expect(Base64.encoded(other) == text)
      }
    }
    #expect(decodedCount > 1_000)
  }
}
