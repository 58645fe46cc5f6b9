import ByteCoding
import LogFormat
import Quantities

extension Example {
  private static let salt = Samples.salt
  private static let head: [Field] = [
    .field(4, "length"), .field(1, "kind"), .field(1, "codec and flags"), .field(2, "columns"),
    .field(8, "checksum"),
  ]
  private static let statistics: [Field] = [
    .field(8, "record count"), .field(8, "payload bytes"), .field(8, "records with an event time"),
    .field(8, "earliest event time"), .field(8, "latest event time"),
    .field(8, "append time of the first record"),
  ]
  private static let features: [Field] = [
    .field(4, "features compat"), .field(4, "features ro-compat"), .field(4, "features incompat"),
  ]

  /// All examples, in the order of the document.
  public static func all() throws(FormatError) -> [Example] {
    var examples = [superblock, header, slot]
    examples += try [soloRecord(), fullSoloRecord(), batch()]
    examples += try [headers(), commit, index, integrity, state, control, gap, padding, seal]
    examples += [edit, streamEdit] + evidence
    return examples
  }

  private static var superblock: Example {
    Example(
      name: "superblock", bytes: Samples.superblock.encoded(at: 0),
      fields: [
        .field(8, "magic"), .field(4, "version 1.0"), .field(4, "byte count 512"),
        .field(16, "store id"), .field(8, "generation"), .field(8, "writer epoch"),
        .field(8, "manifest segment id"), .field(8, "manifest segment salt"),
      ] + features + [
        .zeros(4), .field(8, "created"), .field(8, "device"), .field(8, "inode"), .zeros(400),
        .field(8, "checksum (position 0)"),
      ])
  }

  private static var header: Example {
    Example(
      name: "segment-header", bytes: Samples.header.encoded(at: 0),
      fields: [
        .field(8, "magic"), .field(4, "version 1.0"), .field(4, "byte count 4096"),
        .field(16, "store id"), .field(8, "stream id"), .field(8, "segment id"),
        .field(8, "base offset"), .field(8, "base append time"), .field(8, "created"),
        .field(8, "boot hash"), .field(8, "capacity"), .field(8, "salt"),
        .field(8, "previous segment id"),
      ] + features + [
        .field(4, "hash, checksum, codec, class"), .zeros(3_968),
        .field(8, "checksum (position 0)"),
      ])
  }

  private static var slot: Example {
    Example(
      name: "recovery-slot", bytes: Samples.slot.encoded(salt: salt, at: 4_096),
      fields: [
        .field(8, "sequence"), .field(8, "durable position"), .field(8, "next offset"),
        .field(8, "append time"), .field(8, "index position"),
        .field(8, "integrity position"), .field(8, "state position"), .zeros(40),
        .field(4, "flags: clean"),
        .field(4, "writer epoch"), .field(8, "commit sequence"), .field(8, "stored position"),
        .field(8, "boot hash"),
      ] + statistics + [.zeros(328), .field(8, "checksum (position 4096)")])
  }

  private static func soloFrame(_ record: RecordSpec, _ producer: ProducerStamp?)
    throws(FormatError) -> [UInt8]
  {
    try record.withInput { input throws(FormatError) in
      RecordSpec.soloFrame(
        input, producer: producer, offset: 1_000, appendTime: Samples.time, salt: salt,
        position: Samples.position)
    }
  }

  private static func soloRecord() throws(FormatError) -> Example {
    Example(
      name: "solo-record", bytes: try soloFrame(RecordSpec("hello"), nil),
      fields: head + [
        .field(8, "offset 1000"), .field(8, "append time"), .field(5, "value \"hello\""),
        .field(3, "alignment, not covered by the length"),
      ])
  }

  private static func fullSoloRecord() throws(FormatError) -> Example {
    Example(
      name: "solo-record-full", bytes: try soloFrame(Samples.fullRecord, Samples.stamp),
      fields: head + [
        .field(8, "offset"), .field(8, "append time"), .field(8, "producer id"),
        .field(2, "producer epoch"), .field(2, "producer flags"), .field(4, "base sequence"),
        .field(8, "event time"), .field(4, "key length"), .field(4, "type length"),
        .field(4, "headers length"), .field(3, "key"), .field(4, "type"),
        .field(14, "record headers"), .field(5, "value"), .field(2, "alignment"),
      ])
  }

  private static func batch() throws(FormatError) -> Example {
    let records = [
      RecordSpec("one", key: "a", eventTime: Samples.time), RecordSpec("two"),
      RecordSpec("", key: "b", eventTime: Samples.time + 2_000, isTombstone: true),
    ]
    let bytes = try RecordSpec.batchFrame(
      records, producer: Samples.stamp, baseOffset: 1_000, appendTime: Samples.time + 5_000,
      epoch: 3, salt: salt, position: Samples.position)
    return Example(
      name: "batch", bytes: bytes,
      fields: head + [
        .field(8, "base offset"), .field(8, "append time"), .field(4, "record count"),
        .field(4, "last offset delta"), .field(4, "body byte count"),
        .field(4, "largest event-time delta"), .field(8, "store commit sequence"),
        .field(4, "writer epoch"), .field(4, "head check"), .field(16, "PRODUCER"),
        .field(8, "EVENT_BASE"), .field(6, "ENDS: 4, 7, 8"), .field(2, "padding of the column"),
        .field(6, "KEY_END: 1, 4, 8"), .field(2, "padding"),
        .field(12, "EVENT_DELTA: 0, 0 (none), 2"), .field(4, "padding"),
        .field(3, "FLAGS: 0, no key and no time, tombstone"), .field(5, "padding"),
        .field(4, "body 0: key \"a\", value \"one\""), .field(3, "body 1: value \"two\""),
        .field(1, "body 2: key \"b\""),
      ])
  }

  private static func headers() throws(FormatError) -> Example {
    Example(
      name: "record-headers",
      bytes: try RecordHeaders.encoded([
        .init(name: "trace", value: [1, 2, 3]), .init(name: "x", value: []),
      ]),
      fields: [
        .field(2, "name length"), .field(4, "value length"), .field(5, "name \"trace\""),
        .field(3, "value"), .field(2, "name length"), .field(4, "value length"),
        .field(1, "name \"x\""),
      ])
  }

  private static var commit: Example {
    Example(
      name: "commit", bytes: Samples.commit.encoded(salt: salt, at: Samples.laterPosition),
      fields: head + [
        .field(8, "durable position"), .field(8, "commit sequence"), .field(8, "next offset"),
        .field(8, "append time"), .field(8, "group position"), .field(4, "writer epoch"),
        .zeros(4),
      ])
  }

  private static var index: Example {
    let row: [Field] = [
      .field(4, "relative offset"), .field(4, "position / 8"), .field(8, "append time"),
    ]
    return Example(
      name: "index", bytes: Samples.index.encoded(salt: salt, at: Samples.laterPosition),
      fields: head + [.field(8, "previous index frame"), .field(4, "row count"), .zeros(4)] + row
        + row)
  }

  private static var integrity: Example {
    Example(
      name: "integrity",
      bytes: Samples.integrity.encoded(salt: salt, at: Samples.laterPosition),
      fields: head + [
        .field(8, "number of the group"), .field(8, "first offset"), .field(8, "next offset"),
        .field(8, "first append time"), .field(8, "last append time"), .field(8, "records"),
        .field(8, "leaves of the tree"), .field(32, "root"), .field(32, "head before"),
        .field(32, "head"), .field(1, "evidence: tree"), .zeros(3), .field(4, "node count"),
        .field(16, "store id"),
        .field(32, "frontier: leaves 0 to 1023"), .field(32, "leaves 1024 and 1025"),
        .field(32, "node of level 8: leaves 768 to 1023"),
        .field(32, "of level 9: leaves 512 to 1023"), .field(32, "of level 10: leaves 0 to 1023"),
      ])
  }

  private static func producer(ranges: Int) -> [Field] {
    var fields: [Field] = [
      .field(8, "producer id"), .field(2, "epoch"), .field(2, "range count"), .zeros(4),
      .field(8, "append time"),
    ]
    for _ in 0..<ranges {
      fields += [.field(4, "base sequence"), .field(4, "record count"), .field(8, "base offset")]
    }
    return fields + [.zeros(16 * (5 - ranges))]
  }

  private static var state: Example {
    var frame = Samples.state
    frame.producers.removeLast()
    return Example(
      name: "state", bytes: frame.encoded(salt: salt, at: Samples.laterPosition),
      fields: head + [
        .field(8, "previous state frame"), .field(8, "next offset"), .field(4, "entry count"),
        .zeros(4),
      ] + producer(ranges: 2))
  }

  private static var control: Example {
    Example(
      name: "control", bytes: Samples.control.encoded(salt: salt, at: Samples.laterPosition),
      fields: head + [
        .field(2, "subject: clock step"), .zeros(6), .field(8, "append time"),
        .field(8, "step: one hour back"),
      ])
  }

  private static var gap: Example {
    Example(
      name: "gap", bytes: Samples.gap.encoded(length: 64, salt: salt, at: Samples.laterPosition),
      fields: head + [
        .field(8, "first offset"), .field(4, "offsets without a record"), .zeros(4),
      ])
  }

  private static var padding: Example {
    Example(
      name: "padding",
      bytes: Frame.padding(length: 64, salt: salt, at: Samples.laterPosition), fields: head)
  }

  private static var seal: Example {
    var block = Samples.seal
    block.producers.removeLast()
    return Example(
      name: "seal",
      bytes: block.encoded(segmentID: 0x2a, salt: salt, at: Samples.laterPosition),
      fields: head + [.field(8, "base offset"), .field(8, "next offset")] + statistics + [
        .field(8, "last append time"), .field(8, "previous segment id"),
        .field(4, "index row count"), .field(4, "producer count"), .field(4, "key filter bytes"),
        .field(4, "tile bytes"), .field(8, "integrity position"), .zeros(8),
        .field(8, "ROW_OFFSET: 0, 12"),
        .field(8, "ROW_POSITION / 8: 2048, 2050"), .field(16, "ROW_TIME"),
      ] + producer(ranges: 2) + [
        .field(8, "tiles: first offset"), .field(8, "next offset"),
        .field(32, "node of level 8: leaves 768 to 1023"),
        .field(32, "of level 9: leaves 512 to 1023"), .field(32, "of level 10: leaves 0 to 1023"),
        .field(8, "trailer: magic"), .field(8, "salt"), .field(8, "segment id"),
        .field(8, "position of the seal block"), .field(4, "its length"), .zeros(4),
        .field(8, "next offset"), .zeros(8), .field(8, "checksum of the trailer"),
      ])
  }

  private static let editHead: [Field] = [.field(2, "kind"), .field(2, "edit version"), .zeros(4)]

  private static var edit: Example {
    Example(
      name: "manifest-edit", bytes: Samples.edits[4].encoded(),
      fields: editHead + [
        .field(8, "stream id"), .field(8, "segment id"), .field(8, "capacity"), .field(8, "salt"),
      ])
  }

  private static var streamEdit: Example {
    Example(
      name: "manifest-edit-stream", bytes: Samples.edits[1].encoded(),
      fields: editHead + [
        .field(8, "stream id"), .field(8, "durability class: async"), .field(8, "longest delay"),
        .field(8, "most bytes not durable"), .field(8, "first segment bytes"),
        .field(8, "segment bytes"), .field(8, "roll after records"), .field(8, "roll after time"),
        .field(8, "largest reader lag"), .field(8, "evidence: tree"), .field(8, "name length"),
        .field(14, "name \"orders/größe\""),
      ])
  }
}
