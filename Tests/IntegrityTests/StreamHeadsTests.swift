import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct StreamHeadsTests {
  private static func heads(
    groups: UInt64 = 3, next: UInt64 = 1_026, coverage: EvidenceCoverage = .tree,
    name: String = "orders"
  ) -> Statement {
    Statement(
      storeID: EvidenceSamples.storeID, streamID: 7,
      content: .heads(
        StreamHeads(
          groupCount: groups, nextOffset: next, coverage: coverage,
          head: EvidenceSamples.digest(1), root: EvidenceSamples.digest(2), name: name)))
  }

  private static func error(_ bytes: [UInt8]) -> StatementError? {
    do throws(StatementError) {
      _ = try Statement(bytes.rawSpan)
      return nil
    } catch { return error }
  }

  @Test func `heads are written as FORMAT md says`() {
    let fields =
      "0300000000000000" + "0204000000000000" + "0200000000000000"
      + EvidenceSamples.digest(1).description + EvidenceSamples.digest(2).description
      + "0600" + "6f7264657273"
    let bytes = Self.heads().encoded
    #expect(Hexadecimal.text(Array(bytes[Statement.headByteCount...])) == fields)
    #expect(bytes.count == 122 + 6)
  }

  @Test func `heads of a chain have no root`() throws {
    let statement = Self.heads(coverage: .chain)
    var bytes = statement.encoded
    #expect(bytes[48] == 1)
    #expect(bytes[88..<120].allSatisfy { $0 == 0 })
    #expect(try Statement(bytes.rawSpan) == statement)
    bytes[119] = 1
    #expect(Self.error(bytes) == .contradiction("a chain has no root"))
  }

  @Test func `heads that no stream can have are refused`() {
    #expect(Self.error(Self.heads(groups: 5, next: 5).encoded) == nil)
    #expect(
      Self.error(Self.heads(groups: 6, next: 5).encoded)
        == .contradiction("more groups than offsets"))
    for (position, value) in [(48, 0), (48, 3), (49, 1), (55, 255)] {
      var bytes = Self.heads().encoded
      bytes[position] = UInt8(value)
      #expect(Self.error(bytes) == .newer, "\(value) at \(position)")
    }
  }

  @Test func `a stream's name in heads has 255 bytes of UTF-8 at most`() throws {
    for name in ["", String(repeating: "n", count: 255)] {
      let statement = Self.heads(name: name)
      #expect(try Statement(statement.encoded.rawSpan) == statement)
    }
    let long = Self.heads(name: String(repeating: "n", count: 256))
    #expect(Self.error(long.encoded) == .contradiction("a text is too long"))
    var bytes = Self.heads().encoded
    bytes[122] = 0xff
    #expect(Self.error(bytes) == .contradiction("a text is not UTF-8"))
  }
}
