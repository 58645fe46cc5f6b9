import Integrity
import TestSupport
import Testing

@Suite struct SignedNoteTests {
  private struct Cases: Decodable {
    struct Signer: Decodable {
      let skey: String
      let text: String
      let want: String
    }
    struct Open: Decodable {
      let name: String
      let msg: String
      let keys: [String]
      let ok: Bool
      let verified: [String]?
    }
    let signer: Signer
    let open: [Open]
  }

  @Test(.enabled(if: Vectors.areThere)) func `the notes of Go's sumdb`() throws {
    let cases = try Vectors.json("notes/x-mod-sumdb-note.json", as: Cases.self)
    var note = try SignedNote(text: Array(cases.signer.text.utf8))
    try note.sign(with: NoteSignerKey(cases.signer.skey))
    #expect(note.encoded == Array(cases.signer.want.utf8))
    for test in cases.open {
      let keys = try test.keys.map { try NoteVerifierKey($0) }
      let verified = try? SignedNote(Array(test.msg.utf8)).verified(by: keys)
      #expect((verified != nil) == test.ok, "\(test.name)")
      if test.ok { #expect(verified?.map(\.name.description) == test.verified, "\(test.name)") }
    }
    #expect(cases.open.count == 14)
    // Not UTF-8, which JSON cannot carry.
    #expect(throws: NoteError.note(.characters)) {
      try SignedNote([0xff] + Array(cases.signer.want.utf8))
    }
  }

  private struct Real: Decodable {
    struct Note: Decodable {
      let vkey: String
      let msg: String
    }
    let notes: [Note]
  }

  @Test(.enabled(if: Vectors.areThere))
  func `real notes verify, and no bit of them can be changed`()
    throws
  {
    let real = try Vectors.json("notes/c2sp-and-formats.json", as: Real.self)
    #expect(real.notes.count == 3)
    for test in real.notes {
      let key = try NoteVerifierKey(test.vkey)
      let bytes = Array(test.msg.utf8)
      let note = try SignedNote(bytes)
      #expect(note.encoded == bytes)
      #expect(try note.verified(by: [key]).count == 1)
      for bit in 0..<(8 * bytes.count) {
        var other = bytes
        other[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect((try? SignedNote(other).verified(by: [key])) == nil, "bit \(bit)")
      }
    }
  }

  @Test func `what is signed is read again, with any number of signatures`() throws {
    let signers = try (0..<40).map { number in
      try NoteSignerKey(
        name: #require(KeyName("key-\(number)")), seed: [UInt8](repeating: UInt8(number), count: 32)
      )
    }
    var note = try SignedNote(text: Array("first\n\nthird\n".utf8))
    for signer in signers { try note.sign(with: signer) }
    let read = try SignedNote(note.encoded)
    #expect(read == note && read.text == note.text)
    #expect(try read.verified(by: signers.map(\.verifier)).count == 40)
    #expect(try read.verified(by: [signers[17].verifier]).map(\.name.description) == ["key-17"])
    let stranger = try NoteSignerKey(
      name: #require(KeyName("key-1")), seed: [UInt8](repeating: 99, count: 32))
    #expect(throws: NoteError.unverified) { try read.verified(by: [stranger.verifier]) }
    #expect(throws: NoteError.key(.ambiguous)) {
      try read.verified(by: [signers[3].verifier, signers[3].verifier])
    }
  }

  @Test func `text that is none is refused`() {
    for text in ["", "no newline", "tab\t\n", "return\r\n", "nul\u{0}\n"] {
      #expect(throws: NoteError.self, "\(text)") { try SignedNote(text: Array(text.utf8)) }
    }
    let long = [UInt8](repeating: 0x61, count: SignedNote.byteCountLimit + 1)
    #expect(throws: NoteError.note(.tooLarge)) { try SignedNote(long) }
    for bytes in [
      "\n", "\n\n", "a\n\n", "a\n\n\n", "a\n\n— k\n", "a\n\n— k AAAA\n", "a\n\n-- k AAAAAAA=\n",
    ] {
      #expect(throws: NoteError.self, "\(bytes)") { try SignedNote(Array(bytes.utf8)) }
    }
  }
}
