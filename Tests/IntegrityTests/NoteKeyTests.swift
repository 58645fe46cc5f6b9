import Integrity
import TestSupport
import Testing

@Suite struct NoteKeyTests {
  static let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
  static let secret =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"

  @Test func `keys are read and written alike`() throws {
    for text in [
      Self.text, "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop",
      "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
      "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
    ] {
      #expect(try NoteVerifierKey(text).text == text)
    }
    let signer = try NoteSignerKey(Self.secret)
    #expect(signer.secretText == Self.secret)
    #expect(signer.verifier.text == Self.text)
  }

  @Test func `no part and no neighbour of a key is a key`() {
    let bytes = Array(Self.text.utf8)
    for start in 0..<bytes.count {
      for end in start..<bytes.count where (start, end) != (0, bytes.count) {
        let part = String(decoding: bytes[start..<end], as: UTF8.self)
        #expect(throws: NoteError.self) { try NoteVerifierKey(part) }
      }
      var other = bytes
      other[start] += 1
      let text = String(decoding: other, as: UTF8.self)
      #expect(throws: NoteError.self, "\(text)") { try NoteVerifierKey(text) }
    }
    for text in [
      "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
      "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
      #expect(throws: NoteError.self) { try NoteVerifierKey(text) }
    }
  }

  @Test func `keys under which anybody can sign are refused`() throws {
    let name = try #require(KeyName("example.com/log"))
    let zero = [UInt8](repeating: 0, count: 32)
    #expect(throws: NoteError.key(.smallOrder)) {
      try NoteVerifierKey(name: name, kind: .ed25519, publicKey: zero)
    }
    #expect(throws: NoteError.key(.length)) {
      try NoteVerifierKey(name: name, kind: .ed25519, publicKey: [])
    }
    let postQuantum = try NoteVerifierKey(
      name: name, kind: .mldsa44Cosignature, publicKey: [UInt8](repeating: 1, count: 1_312))
    #expect(try NoteVerifierKey(postQuantum.text) == postQuantum)
  }

  @Test func `a secret key shows nothing of its seed`() throws {
    let signer = try NoteSignerKey(Self.secret)
    for text in ["\(signer)", String(reflecting: signer)] {
      #expect(!text.contains("AYEKFALVFG") && text.contains(Self.text))
    }
    var dumped = ""
    dump(signer, to: &dumped)
    #expect(!dumped.contains("129") && dumped.contains(Self.text))
  }

  @Test func `names that could break a line are none`() {
    for name in ["", "a b", "a+b", "a\tb", "a\u{a0}b", "a\u{2003}b", "a\nb", "a\u{1}b"] {
      #expect(KeyName(name) == nil, "\(name)")
    }
    #expect(KeyName(utf8: [0x61, 0xff]) == nil)
    // Equal as text, but not the same name.
    #expect(KeyName("caf\u{e9}") != KeyName("cafe\u{301}"))
    #expect(KeyName("example.com/log")?.description == "example.com/log")
  }
}
