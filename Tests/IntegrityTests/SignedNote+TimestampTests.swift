import Cryptography
import Integrity
import Testing

@Suite struct SignedNoteTimestampTests {
  private func key(_ name: String, _ byte: UInt8, _ kind: SignatureKind = .ed25519) throws
    -> NoteSignerKey
  {
    try NoteSignerKey(
      name: #require(KeyName(name)), kind: kind, seed: [UInt8](repeating: byte, count: 32))
  }

  @Test func `what is stamped is the checkpoint with the line of its log alone`() throws {
    let log = try key("example.com/log", 1)
    let text = try Checkpoint(origin: "example.com/log", size: 7, root: SHA256.digest([1])).text
    var note = try SignedNote(text: text)
    #expect(throws: NoteError.unverified) { try note.timestampImprint(signedBy: log.verifier) }
    try note.sign(with: log)
    // A note with one line is what is stamped, byte for byte.
    let alone = note.encoded
    #expect(try note.stampedBytes(signedBy: log.verifier) == alone)
    // Lines of others, in front and behind, change nothing.
    let witness = try key("witness.example", 2, .ed25519Cosignature)
    var cosigned = try SignedNote(text: text)
    cosigned.lines.append(try Cosignature.line(over: text, time: 5, key: witness))
    try cosigned.sign(with: log)
    try cosigned.sign(with: key("example.com/log", 3))
    #expect(try cosigned.stampedBytes(signedBy: log.verifier) == alone)
    #expect(try cosigned.timestampImprint(signedBy: log.verifier) == SHA256.digest(alone))
    // Of the log's other key it is another stamp, and a line that does not verify is none.
    #expect(try cosigned.stampedBytes(signedBy: key("example.com/log", 3).verifier) != alone)
    let line = note.lines[0]
    note.lines[0] = SignedNote.Line(
      name: line.name, keyID: line.keyID, signature: line.signature.map { $0 ^ 1 })
    #expect(throws: NoteError.signature(name: line.name, keyID: line.keyID)) {
      try note.timestampImprint(signedBy: log.verifier)
    }
  }
}
