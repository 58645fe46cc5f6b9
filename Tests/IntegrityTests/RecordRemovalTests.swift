import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct RecordRemovalTests {
  private static func error(_ bytes: [UInt8]) -> StatementError? {
    do throws(StatementError) {
      _ = try Statement(bytes.rawSpan)
      return nil
    } catch { return error }
  }

  private static func error(_ removal: RecordRemoval) -> StatementError? {
    error(statement(removal).encoded)
  }

  private static func statement(_ removal: RecordRemoval) -> Statement {
    Statement(storeID: EvidenceSamples.storeID, streamID: 7, content: .removal(removal))
  }

  /// A removal with as many hashes as are asked for, right or not.
  private static func removal(
    _ coverage: EvidenceCoverage?, _ offsets: Range<UInt64>, groups: UInt64 = 0,
    grouped: UInt64 = 0, hasLeaves: [Bool] = [], hashCount: Int = 0, reason: String = ""
  ) -> RecordRemoval {
    RecordRemoval(
      firstOffset: offsets.lowerBound, nextOffset: offsets.upperBound, time: 0, groupCount: groups,
      groupedOffset: grouped, head: Digest(), coverage: coverage, cause: .request, reason: reason,
      hasLeaves: hasLeaves,
      hashes: [Digest](repeating: EvidenceSamples.digest(1), count: hashCount))
  }

  private static let fixed =
    "fa00000000000000" + "0302000000000000" + "0000faed51728618" + "0200000000000000"
    + "0002000000000000" + EvidenceSamples.digest(1).description

  private static func hashes(_ count: Int) -> String {
    (0..<count).map { EvidenceSamples.digest(UInt8($0)).description }.joined()
  }

  @Test func `a removal is written as FORMAT md says`() {
    let reason = "1200" + "00000000" + Hexadecimal.text(Array("older than 30 days".utf8))
    let expected: [(EvidenceCoverage?, String)] = [
      // Blocks 0 and 2 have leaves: 250 to 255, and 512 to 514; block 1 has its own hash.
      (.tree, "0202" + reason + "05" + Self.hashes(10)),
      // Leaves of the group that is removed in part: 512 to 514.
      (.chain, "0102" + reason + Self.hashes(3)),
      (nil, "0002" + reason),
    ]
    for (coverage, text) in expected {
      let bytes = EvidenceSamples.removal(coverage).encoded
      #expect(Hexadecimal.text(Array(bytes[Statement.headByteCount...])) == Self.fixed + text)
    }
  }

  @Test func `a block is 256 offsets that begin at a multiple of 256`() {
    #expect(RecordRemoval.blocks(from: 0, to: 256) == 0..<1)
    #expect(RecordRemoval.blocks(from: 0, to: 257) == 0..<2)
    #expect(RecordRemoval.blocks(from: 255, to: 257) == 0..<2)
    #expect(RecordRemoval.blocks(from: 256, to: 257) == 1..<2)
    #expect(RecordRemoval.blocks(from: 9, to: 9).isEmpty)
    #expect(RecordRemoval.blocks(from: 9, to: 8).isEmpty)
    let last = UInt64(Int64.max)
    #expect(RecordRemoval.blocks(from: last - 1, to: last).count == 1)
  }

  @Test func `only a block that is removed whole has a hash of its own`() {
    #expect(Self.error(Self.removal(.tree, 0..<256, hasLeaves: [false], hashCount: 1)) == nil)
    #expect(Self.error(Self.removal(.tree, 0..<256, hasLeaves: [true], hashCount: 256)) == nil)
    #expect(Self.error(Self.removal(.tree, 0..<255, hasLeaves: [true], hashCount: 255)) == nil)
    for offsets in [0..<255, 1..<256, 1..<255, 250..<260] as [Range<UInt64>] {
      let blocks = RecordRemoval.blocks(from: offsets.lowerBound, to: offsets.upperBound)
      let bits = [Bool](repeating: false, count: blocks.count)
      let removal = Self.removal(.tree, offsets, hasLeaves: bits, hashCount: blocks.count)
      guard case .contradiction = Self.error(removal) else {
        Issue.record("\(offsets) is accepted")
        continue
      }
    }
  }

  @Test func `a removal has exactly the hashes that its offsets ask for`() {
    for (coverage, count) in [(nil, 0), (.chain, 60), (.tree, 100)] as [(EvidenceCoverage?, Int)] {
      func made(_ count: Int) -> RecordRemoval {
        Self.removal(
          coverage, 0..<100, groups: 1, grouped: 40, hasLeaves: coverage == .tree ? [true] : [],
          hashCount: count)
      }
      #expect(Self.error(made(count)) == nil)
      #expect(Self.error(made(count + 1)) == .tooLong)
      if count > 0 { #expect(Self.error(made(count - 1)) == .tooShort) }
    }
  }

  @Test func `a removal has 32768 hashes at most, and asks for no memory beyond them`() {
    let limit = RecordRemoval.hashCountLimit
    #expect(Self.error(Self.removal(.chain, 0..<UInt64(limit), hashCount: limit)) == nil)
    let blocks = Self.removal(
      .tree, 0..<(UInt64(limit) * 256), hasLeaves: [Bool](repeating: false, count: limit),
      hashCount: limit)
    #expect(Self.error(blocks) == nil)
    let tooMany = [
      Self.removal(.chain, 0..<(UInt64(limit) + 1), hashCount: limit + 1),
      Self.removal(.chain, 0..<UInt64(Int64.max)),
      Self.removal(.tree, 0..<UInt64(Int64.max)),
      Self.removal(
        .tree, 0..<(UInt64(limit) * 256), hasLeaves: [Bool](repeating: true, count: limit)),
    ]
    for removal in tooMany {
      guard case .contradiction = Self.error(removal) else {
        Issue.record("\(removal.nextOffset) offsets are accepted")
        continue
      }
    }
  }

  @Test func `offsets of a removal that contradict each other are refused`() {
    let last = UInt64(Int64.max)
    #expect(Self.error(Self.removal(nil, (last - 1)..<last)) == nil)
    let error = StatementError.contradiction("offsets are out of order")
    #expect(Self.error(Self.removal(nil, 5..<5)) == error)
    #expect(Self.error(Self.removal(nil, 0..<(last + 1))) == error)
    #expect(Self.error(Self.removal(nil, 0..<5, groups: 1, grouped: 6)) == error)
    #expect(Self.error(Self.removal(nil, 0..<5, groups: 5, grouped: 4)) == error)
    #expect(Self.error(Self.removal(nil, 0..<5, groups: 4, grouped: 4)) == nil)
    var bytes = Self.statement(Self.removal(nil, 5..<6)).encoded
    bytes[32] = 7
    #expect(Self.error(bytes) == error)
  }

  @Test func `what a later version would put into a removal is newer`() {
    let bytes = EvidenceSamples.removal(.tree).encoded
    let bits = 112 + "older than 30 days".utf8.count
    #expect(bytes[bits] == 0b101)
    for (position, value) in [(104, 3), (105, 0), (105, 7), (108, 1), (111, 9), (bits, 0b1101)] {
      var other = bytes
      other[position] = UInt8(value)
      #expect(Self.error(other) == .newer, "\(value) at \(position)")
    }
  }

  @Test func `the reason of a removal has 1024 bytes of UTF-8 at most`() {
    let limit = Statement.reasonByteCountLimit
    let long = String(repeating: "r", count: limit)
    #expect(Self.error(Self.removal(nil, 0..<1, reason: long)) == nil)
    #expect(
      Self.error(Self.removal(nil, 0..<1, reason: long + "r"))
        == .contradiction("the reason is too long"))
    var bytes = Self.statement(Self.removal(nil, 0..<1, reason: "r")).encoded
    bytes[112] = 0x80
    #expect(Self.error(bytes) == .contradiction("the reason is not UTF-8"))
  }
}
