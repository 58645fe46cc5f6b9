import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct SubjectErasureTests {
  private static func error(_ bytes: [UInt8]) -> StatementError? {
    do throws(StatementError) {
      _ = try Statement(bytes.rawSpan)
      return nil
    } catch { return error }
  }

  private static let time = "0000faed51728618"

  @Test func `an erasure is written as FORMAT md says`() {
    let fields =
      Self.time + EvidenceSamples.digest(3).description + "1200"
      + Hexadecimal.text(Array("asked for, case 12".utf8))
    let bytes = EvidenceSamples.erasure.encoded
    #expect(Hexadecimal.text(Array(bytes[Statement.headByteCount...])) == fields)
  }

  @Test func `a redaction is written as FORMAT md says`() {
    let leaf =
      "0101" + "0200" + "0700000000000000" + Self.time + EvidenceSamples.digest(7).description
    let fields = Self.time + leaf + "0a00" + Hexadecimal.text(Array("a password".utf8))
    let bytes = EvidenceSamples.redaction.encoded
    #expect(Hexadecimal.text(Array(bytes[Statement.headByteCount...])) == fields)
  }

  @Test func `reasons of erasures and redactions have 1024 bytes of UTF-8 at most`() {
    let limit = Statement.reasonByteCountLimit
    for count in [0, limit, limit + 1] {
      let reason = String(repeating: "r", count: count)
      let contents: [Statement.Content] = [
        .erasure(
          SubjectErasure(time: -1, subjectCode: EvidenceSamples.digest(1), reason: reason)),
        .redaction(RecordRedaction(time: -1, leaf: EvidenceSamples.leaf, reason: reason)),
      ]
      for content in contents {
        let made = Statement(storeID: EvidenceSamples.storeID, streamID: 7, content: content)
        let expected: StatementError? =
          count > limit ? .contradiction("a text is too long") : nil
        #expect(Self.error(made.encoded) == expected)
      }
    }
  }

  @Test func `a redaction without a sound leaf is refused`() {
    let bytes = EvidenceSamples.redaction.encoded
    for (position, value) in [(40, 2), (41, 0), (41, 4), (42, 4), (43, 1), (41, 2)] {
      var other = bytes
      other[position] = UInt8(value)
      #expect(Self.error(other) == .contradiction("its leaf is none"), "\(value) at \(position)")
    }
  }
}
