import Integrity
import Testing

@Suite struct NoteErrorTests {
  @Test func `messages say what is wrong in words, and show no names of cases`() throws {
    let name = try #require(KeyName("example.com/log"))
    let errors: [NoteError] = [
      .key(.form), .key(.name), .key(.hash), .key(.length), .key(.smallOrder), .key(.ambiguous),
      .key(.unknownKind(9)), .note(.tooLarge), .note(.characters), .note(.form),
      .note(.signatureLine(3)), .note(.tooManySignatures), .signature(name: name, keyID: 0xab),
      .unverified, .checkpoint(.form), .checkpoint(.origin), .checkpoint(.size),
      .checkpoint(.root), .origin(expected: "one", found: "two"), .proofFile(line: 4),
      .request(line: 5), .policy(line: 6, .form), .policy(line: 6, .name),
      .policy(line: 6, .threshold), .policy(line: 6, .quorum), .policy(line: 6, .tooLarge),
      .policy(line: 6, .key(.hash)),
    ]
    let texts = errors.map(\.description)
    #expect(Set(texts).count == texts.count)
    for text in texts { #expect(text.count > 25 && text.contains(" "), "\(text)") }
    let all = texts.joined()
    for name in ["smallOrder", "signatureLine", "tooLarge", "unknownKind", "KeyProblem"] {
      #expect(!all.contains(name))
    }
    #expect(all.contains("000000ab") && all.contains("line 6") && all.contains("signature 3"))
  }
}
