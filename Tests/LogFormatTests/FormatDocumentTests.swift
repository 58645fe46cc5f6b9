import LogFormat
import TestSupport
import Testing

@Suite struct FormatDocumentTests {
  static func document() throws -> String {
    String(decoding: try RepositoryFile("FORMAT.md").read(), as: UTF8.self)
  }

  static let sizes: [String: Int] = [
    "superblock": SuperBlock.byteCount, "superblock file": SuperBlock.fileByteCount,
    "segment preamble": SegmentLayout.preambleByteCount,
    "segment header": SegmentHeader.byteCount, "recovery slot": RecoverySlot.byteCount,
    "frame head": FrameHead.byteCount, "solo record head": SoloRecord.headByteCount,
    "batch head": BatchLayout.headByteCount, "producer stamp": ProducerStamp.byteCount,
    "commit frame": CommitFrame.byteCount, "index frame head": IndexFrame.headByteCount,
    "index row": IndexRow.byteCount,
    "integrity frame head": IntegrityFrame.headByteCount,
    "state frame head": StateFrame.headByteCount,
    "producer entry": ProducerEntry.byteCount, "control frame": ControlFrame.byteCount,
    "gap head": GapFrame.byteCount,
    "seal block before its columns": SealBlock.fixedByteCount,
    "tiles before their nodes": SealTiles.headByteCount,
    "statistics": SegmentStatistics.byteCount, "trailer": SealTrailer.byteCount,
  ]

  @Test func `the sizes in FORMAT md are the sizes of the code`() throws {
    let lines = try Self.document().split(separator: "\n")
    let start = try #require(lines.firstIndex(of: "| structure | bytes |"))
    var found: [String: Int] = [:]
    for line in lines[(start + 2)...].prefix(while: { $0.hasPrefix("| ") }) {
      let cells = line.split(separator: "|").map { $0.split(separator: " ").joined(separator: " ") }
      found[cells[0]] = Int(cells[1])
    }
    #expect(found == Self.sizes)
  }

  @Test func `the hex examples in FORMAT md are what the code writes`() throws {
    let document = try Self.document()
    let (text, missing) = try Example.inserted(into: document)
    #expect(missing.isEmpty)
    let isSame = text == document
    #expect(isSame, "run regenerate-fixtures and look at the difference")
  }

  @Test func `the limits in FORMAT md are the limits of the code`() throws {
    let document = try Self.document()
    let limits = FormatLimits()
    #expect(limits.recordByteCountLimit == 16 << 20)
    #expect(limits.batchByteCountLimit == 64 << 20)
    #expect(limits.batchRecordCountLimit == 1_048_576)
    #expect(limits.segmentByteCountLimit == 4 << 30)
    #expect(limits.producerCountLimit == 65_536)
    for row in [
      "| record (key, type, headers, value) | 16 MiB, setting |", "| key | 65,535 bytes |",
      "| record type | 255 bytes |", "| record headers | 1 MiB |",
      "| batch frame | 64 MiB, setting |", "| records in a batch | 1,048,576, setting |",
      "| segment file | 4 GiB, setting |", "| producers of a stream | 65,536, setting |",
      "| stream name | 255 bytes |",
    ] { #expect(document.contains(row)) }
    #expect(FormatLimits.keyByteCountLimit == 65_535)
    #expect(FormatLimits.typeByteCountLimit == 255)
    #expect(FormatLimits.headersByteCountLimit == 1 << 20)
    #expect(FormatLimits.nameByteCountLimit == 255)
  }

  @Test func `kinds and column bits in FORMAT md are those of the code`() throws {
    let document = try Self.document()
    let kinds: [(FrameKind, String)] = [
      (.soloRecord, "solo record"), (.batch, "batch"), (.padding, "padding"),
      (.indexRows, "index rows"), (.integrity, "integrity"), (.state, "state"),
      (.control, "control"), (.gap, "gap"), (.seal, "seal"), (.commit, "commit"),
    ]
    #expect(kinds.count == FrameKind.allCases.count)
    for (kind, name) in kinds { #expect(document.contains("| \(kind.rawValue) | \(name) |")) }
    let columns: [(ColumnSet, String)] = [
      (.producer, "PRODUCER"), (.eventTimeDelta, "EVENT_DELTA"), (.eventTime, "EVENT_TIME"),
      (.messageID, "MSG_ID"), (.stream, "STREAM"), (.narrowEnds, "NARROW"), (.key, "KEY"),
      (.type, "TYPE"), (.headers, "HEADERS"), (.offsetDelta, "OFFSET_DELTA"),
      (.timeToLive, "TTL"), (.flags, "FLAGS"),
    ]
    for (column, name) in columns {
      #expect(document.contains("| \(column.rawValue.trailingZeroBitCount) | \(name) |"))
    }
  }
}
