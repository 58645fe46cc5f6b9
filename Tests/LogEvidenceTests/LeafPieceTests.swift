import ByteCoding
import Cryptography
import Integrity
import LogEvidence
import LogFormat
import Quantities
import TestSupport
import Testing

@Suite struct LeafPieceTests {
  /// A record that is lent as the engine's readers lend it.
  private static func add(
    _ record: RecordSpec, offset: UInt64, time: Int64, to piece: inout LeafPiece
  ) throws {
    let frame = try record.withInput { input throws(FormatError) in
      RecordSpec.soloFrame(
        input, producer: nil, offset: offset, appendTime: time, salt: 1, position: 16_384)
    }
    guard let head = FrameHead(frame.rawSpan, at: 0) else {
      throw FormatError.damaged(.frame, .length)
    }
    piece.add(
      try SoloRecord.view(frame.rawSpan.extracting(0..<Int(head.length)), head: head))
  }

  /// The leaf of a record from the words of FORMAT.md 13.1.
  private static func leaf(_ record: RecordSpec, offset: UInt64, time: Int64) throws -> Digest {
    let leaf = RecordLeaf(
      kind: .record, flags: record.isTombstone ? .tombstone : [], offset: offset, appendTime: time,
      commitment: RecordContent.commitment(
        eventTime: record.eventTime?.rawValue, key: record.key, type: record.type,
        headers: try record.headerBlock(), value: record.value))
    return MerkleTree.leafHash(leaf.encoded)
  }

  private static let records = [
    RecordSpec("plain"), RecordSpec("", key: ""), RecordSpec("value", key: "k", type: ""),
    RecordSpec(
      "all", key: "key", type: "type", headers: [.init(name: "trace", value: [1, 2])],
      eventTime: -5),
    RecordSpec("", key: "gone", isTombstone: true), RecordSpec("plain"),
    RecordSpec(bytes: [UInt8](repeating: 7, count: 5_000)),
  ]

  @Test func `records of any shape become the leaves that FORMAT md says`() throws {
    var piece = LeafPiece()
    piece.nextOffset = 41
    var expected: [Digest] = []
    for (index, record) in Self.records.enumerated() {
      let (offset, time) = (41 + UInt64(index), 1_000 + Int64(index))
      try Self.add(record, offset: offset, time: time, to: &piece)
      expected.append(try Self.leaf(record, offset: offset, time: time))
    }
    #expect(piece.count == expected.count)
    #expect(piece.nextOffset == 48)
    let made = piece.finish()
    #expect(made.leaves == expected)
    #expect(made.recordCount == expected.count)
    #expect(made.appendTimes == (1_000, 1_006))
    #expect(piece.count == 0)
  }

  @Test func `offsets without a record become leaves that say so`() throws {
    var piece = LeafPiece()
    piece.addEmpty(upTo: 2, .gap)
    try Self.add(RecordSpec("one"), offset: 2, time: 9, to: &piece)
    piece.addEmpty(upTo: 2, .gap)
    piece.addEmpty(upTo: 5, .lost)
    let made = piece.finish()
    let empty: [RecordLeaf] = [
      RecordLeaf(kind: .gap, offset: 0, appendTime: 0),
      RecordLeaf(kind: .gap, offset: 1, appendTime: 0),
      RecordLeaf(kind: .lost, offset: 3, appendTime: 0),
      RecordLeaf(kind: .lost, offset: 4, appendTime: 0),
    ]
    var expected = empty.map { MerkleTree.leafHash($0.encoded) }
    expected.insert(try Self.leaf(RecordSpec("one"), offset: 2, time: 9), at: 2)
    #expect(made.leaves == expected)
    #expect(made.recordCount == 1)
    #expect(made.appendTimes == (9, 9))
  }

  @Test func `a piece that was made into leaves begins again behind them`() throws {
    var piece = LeafPiece()
    for offset in 0..<3 as Range<UInt64> {
      try Self.add(RecordSpec("r\(offset)"), offset: offset, time: 10, to: &piece)
    }
    #expect(piece.finish().leaves.count == 3)
    #expect(piece.finish().leaves.isEmpty)
    try Self.add(RecordSpec("later"), offset: 3, time: 20, to: &piece)
    let made = piece.finish()
    #expect(made.leaves == [try Self.leaf(RecordSpec("later"), offset: 3, time: 20)])
    #expect(made.appendTimes == (20, 20))
  }
}
