import ByteCoding
import Cryptography
import Integrity
import Testing

@Suite struct CosignatureTests {
  private func key(_ name: String, _ seed: UInt8, _ kind: SignatureKind = .ed25519Cosignature)
    throws
    -> NoteSignerKey
  {
    try NoteSignerKey(
      name: #require(KeyName(name)), kind: kind, seed: [UInt8](repeating: seed, count: 32))
  }

  private func note() throws -> SignedNote {
    var note = try SignedNote(
      text: Checkpoint(origin: "example.com/log", size: 1, root: Digest()).text)
    try note.sign(with: key("example.com/log", 1, .ed25519))
    return note
  }

  @Test func `a cosignature says who saw the checkpoint and when`() throws {
    var note = try note()
    let (first, second) = (try key("witness.example/one", 2), try key("witness.example/two", 3))
    note.lines.append(try Cosignature.line(over: note.text, time: 1_727_964_367, key: first))
    note.lines.append(try Cosignature.line(over: note.text, time: 1_727_964_368, key: second))
    let read = try SignedNote(note.encoded)
    let found = try Cosignature.verified(read, by: [first.verifier, second.verifier])
    #expect(found.map(\.time) == [1_727_964_367, 1_727_964_368])
    #expect(found.map(\.name.description) == ["witness.example/one", "witness.example/two"])
    #expect(try Cosignature.verified(read, by: []).isEmpty)
    // 76 bytes with the number of the key: 104 characters.
    let line = try #require(read.lines.last?.encoded)
    #expect(line.split(separator: 0x20).last?.count == 104 + 1)
  }

  @Test func `a time, a text and a signature belong together`() throws {
    let witness = try key("witness.example/one", 2)
    let note = try note()
    let line = try Cosignature.line(over: note.text, time: 77, key: witness)
    for byte in line.signature.indices {
      var other = note
      var signature = line.signature
      signature[byte] ^= 1
      other.lines.append(
        SignedNote.Line(name: line.name, keyID: line.keyID, signature: signature))
      #expect(throws: NoteError.signature(name: line.name, keyID: line.keyID)) {
        try Cosignature.verified(other, by: [witness.verifier])
      }
    }
    var elsewhere = try SignedNote(
      text: Checkpoint(origin: "example.com/log", size: 2, root: Digest()).text)
    elsewhere.lines = [line]
    #expect(throws: NoteError.self) {
      try Cosignature.verified(elsewhere, by: [witness.verifier])
    }
    elsewhere.lines = [SignedNote.Line(name: line.name, keyID: line.keyID, signature: [1, 2, 3])]
    #expect(throws: NoteError.self) {
      try Cosignature.verified(elsewhere, by: [witness.verifier])
    }
  }

  @Test func `keys of one kind do not sign as the other`() throws {
    let log = try key("example.com/log", 1, .ed25519)
    let witness = try key("witness.example/one", 2)
    var note = try note()
    #expect(throws: NoteError.self) { try note.sign(with: witness) }
    #expect(throws: NoteError.self) {
      try Cosignature.line(over: note.text, time: 1, key: log)
    }
    // The same seed under both kinds: neither line passes for the other.
    let twin = try key("example.com/log", 1)
    note.lines.append(try Cosignature.line(over: note.text, time: 1, key: twin))
    #expect(try note.verified(by: [log.verifier]).count == 1)
    #expect(try Cosignature.verified(note, by: [log.verifier, twin.verifier]).count == 1)
  }
}
