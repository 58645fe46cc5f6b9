import ByteCoding
import Integrity
import TestSupport
import Testing

@Suite struct StatementTests {
  private static func error(_ bytes: [UInt8]) -> StatementError? {
    do throws(StatementError) {
      _ = try Statement(bytes.rawSpan)
      return nil
    } catch { return error }
  }

  @Test func `all statements begin with version, kind, store and stream`() {
    let kinds: [UInt8] = [1, 2, 2, 2, 3, 4]
    for (statement, kind) in zip(EvidenceSamples.statements, kinds) {
      let expected: [UInt8] =
        [1, kind, 0, 0, 0, 0, 0, 0] + EvidenceSamples.storeID
        + [kind == 3 ? 0 : 7, 0, 0, 0, 0, 0, 0, 0]
      #expect(Array(statement.encoded.prefix(Statement.headByteCount)) == expected)
    }
    let names = EvidenceSamples.statements.map(\.content.typeName)
    #expect(names == ["heads", "removal", "removal", "removal", "erasure", "redaction"])
    #expect(Statement.streamName == "piperoll.evidence")
  }

  @Test func `a statement is read back as it was written`() throws {
    var random = SeededGenerator()
    let others = (0..<2_000).map { _ in EvidenceSamples.statement(using: &random) }
    for statement in EvidenceSamples.statements + others {
      let bytes = statement.encoded
      #expect(try Statement(bytes.rawSpan) == statement)
      #expect(Self.error(bytes + [0]) == .tooLong)
    }
  }

  @Test func `every truncation of a statement is refused`() {
    for statement in EvidenceSamples.statements {
      let bytes = statement.encoded
      for count in bytes.indices { #expect(Self.error(Array(bytes[..<count])) != nil, "\(count)") }
    }
  }

  @Test func `a statement with one bit changed is refused or is another`() {
    for statement in EvidenceSamples.statements {
      let bytes = statement.encoded
      for bit in 0..<(8 * bytes.count) {
        var other = bytes
        other[bit / 8] ^= 1 << UInt8(bit % 8)
        guard let read = try? Statement(other.rawSpan) else { continue }
        #expect(read != statement && read.encoded == other, "bit \(bit)")
      }
    }
  }

  @Test func `what is no statement is refused, and what is read is written the same`() {
    var random = SeededGenerator()
    for _ in 0..<20_000 {
      var bytes = random.bytes(random.below(300))
      if random.below(2) == 0 {
        bytes = EvidenceSamples.statement(using: &random).encoded
        for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
      } else if bytes.count >= Statement.headByteCount {
        bytes.replaceSubrange(0..<8, with: [1, UInt8(1 + random.below(4)), 0, 0, 0, 0, 0, 0])
      }
      if let read = try? Statement(bytes.rawSpan) { #expect(read.encoded == bytes) }
    }
    #expect(Self.error(random.bytes(Statement.headByteCount - 1)) == .tooShort)
  }

  @Test func `statements of another version or kind are newer`() {
    let bytes = EvidenceSamples.heads.encoded
    for (position, value) in [(0, 0), (0, 2), (1, 0), (1, 6), (1, 255), (2, 1), (7, 128)] {
      var other = bytes
      other[position] = UInt8(value)
      #expect(Self.error(other) == .newer, "\(value) at \(position)")
    }
  }

  @Test func `errors about statements say what is wrong with them`() {
    let errors: [StatementError] = [.tooShort, .tooLong, .newer, .contradiction("two roots")]
    let texts = errors.map(\.description)
    #expect(Set(texts).count == errors.count)
    #expect(texts.allSatisfy { $0.hasPrefix("the statement ") })
    #expect(texts[3].hasSuffix("two roots"))
  }
}
