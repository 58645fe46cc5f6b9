import Cryptography
import Integrity
import Testing

@Suite struct WitnessPolicyTests {
  private static let witnesses: [NoteSignerKey] = (0..<6).compactMap { number in
    KeyName("witness.example/\(number)").flatMap {
      try? NoteSignerKey(
        name: $0, kind: .ed25519Cosignature, seed: [UInt8](repeating: UInt8(number + 1), count: 32))
    }
  }

  private static let definitions = witnesses.enumerated().map {
    "witness w\($0) \($1.verifier.text) https://witness.example/\($0)\n"
  }.joined()

  private func policy(_ text: String) throws -> WitnessPolicy {
    try WitnessPolicy(Array((Self.definitions + text).utf8))
  }

  private func note(cosignedBy numbers: [Int]) throws -> SignedNote {
    var note = try SignedNote(
      text: Checkpoint(origin: "example.com/log", size: 1, root: Digest()).text)
    for number in numbers {
      note.lines.append(
        try Cosignature.line(over: note.text, time: 1, key: Self.witnesses[number]))
    }
    return note
  }

  @Test func `a quorum is reached by those it names`() throws {
    let nested = try policy(
      """
      # Two of the first three, or both of the others.
      group first 2 w0 w1 w2
      group others all w3 w4
      group either any first others
      quorum either

      """)
    for mask in 0..<64 {
      let numbers = (0..<6).filter { mask >> $0 & 1 == 1 }
      let expected =
        numbers.count { $0 < 3 } >= 2 || numbers.contains(3) && numbers.contains(4)
      #expect(try nested.isSatisfied(by: note(cosignedBy: numbers)) == expected, "\(numbers)")
    }
    #expect(try policy("quorum none\n").isSatisfied(by: note(cosignedBy: [])))
    #expect(try !policy("quorum w5\n").isSatisfied(by: note(cosignedBy: [0, 1, 2, 3, 4])))
    #expect(try policy("quorum w5\n").isSatisfied(by: note(cosignedBy: [5, 5])))
    #expect(try !policy("group g 2 w0 w1\nquorum g\n").isSatisfied(by: note(cosignedBy: [0, 0])))
  }

  @Test func `a policy says where its witnesses are asked`() throws {
    let text = "witness a \(Self.witnesses[0].verifier.text)\nquorum a\n"
    let nowhere = try WitnessPolicy(Array(text.utf8))
    #expect(nowhere.witnesses.map(\.url) == [nil])
    let all = try policy("quorum none\n").witnesses
    #expect(all.map(\.key) == Self.witnesses.map(\.verifier))
    #expect(all.map(\.url) == (0..<6).map { "https://witness.example/\($0)" })
  }

  @Test func `policies that do not say what they mean are refused`() throws {
    let key = Self.witnesses[0].verifier.text
    let log = try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 40, count: 32))
    let alias = try NoteSignerKey(
      name: #require(KeyName("another.example")), kind: .ed25519Cosignature,
      seed: [UInt8](repeating: 1, count: 32))
    for text in [
      "", "quorum none\nquorum none\n", "quorum unknown\n", "quorum w0 w1\n", "quorum\n",
      "group g any w0 w9\nquorum g\n", "group g any w0 w0\nquorum g\n", "group g 0 w0\nquorum g\n",
      "group g 3 w0 w1\nquorum g\n", "group g 01 w0\nquorum g\n", "group g any\nquorum none\n",
      "group g any w0\ngroup h any w0\nquorum h\n", "group w0 any w1\nquorum none\n",
      "group none any w1\nquorum none\n", "group g any g\nquorum g\n", "witness w9\nquorum none\n",
      "witness w9 nonsense\nquorum none\n", "witness w0 \(key)\nquorum none\n",
      "witness again \(key)\nquorum none\n",
      "witness again \(alias.verifier.text)\nquorum none\n",
      "witness w9 \(log.verifier.text)\nquorum none\n", "log\nquorum none\n",
      "nonsense\nquorum none\n",
      "QUORUM none\n",
    ] {
      #expect(throws: NoteError.self, "\(text)") { try policy(text) }
    }
    do throws(NoteError) {
      _ = try WitnessPolicy(Array("# one\n\nquorum x\n".utf8))
      Issue.record("accepted")
    } catch {
      #expect(error == .policy(line: 3, .name))
    }
  }
}
