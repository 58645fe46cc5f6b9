import ByteCoding
import LogFormat
import Quantities

/// One of everything, with fixed values.
public enum Samples {
  public static let salt: UInt64 = 0x5eed_0123_4567_89ab
  public static let time: Int64 = 1_767_225_600_000_000_000
  /// Where sample frames stand.
  public static let position: UInt64 = 16_384

  public static let superblock = SuperBlock(
    storeID: UniqueIdentifier(high: 0x0011_2233_4455_4677, low: 0x8899_aabb_ccdd_eeff),
    generation: 5, epoch: 3, manifestSegmentID: 0x11, manifestSalt: 0x1122_3344_5566_7788,
    createdTime: Timestamp(rawValue: time), device: 0xfd01, inode: 0x12_3456)

  public static let header = SegmentBuilder.sampleHeader()

  public static var statistics: SegmentStatistics {
    var statistics = SegmentStatistics()
    statistics.recordCount = 3
    statistics.payloadByteCount = 100
    statistics.firstAppendTime = Timestamp(rawValue: time + 1)
    statistics.note(eventTime: Timestamp(rawValue: -5))
    statistics.note(eventTime: Timestamp(rawValue: time))
    return statistics
  }

  public static let slot = RecoverySlot(
    sequence: 9, durablePosition: FilePosition(rawValue: 20_480),
    nextOffset: Offset(rawValue: 1_003), appendTime: Timestamp(rawValue: time + 3_000),
    indexPosition: FilePosition(rawValue: 16_640),
    integrityPosition: FilePosition(rawValue: 16_672),
    statePosition: FilePosition(rawValue: 16_704), commitSequence: 4,
    storedPosition: FilePosition(rawValue: 24_576),
    bootHash: 0xb007_b007_b007_b007, epoch: 3, flags: .clean, statistics: statistics)

  public static let producers = [
    ProducerEntry(
      id: 77, epoch: 2, appendTime: Timestamp(rawValue: time),
      ranges: [
        .init(baseSequence: 0, count: 10, baseOffset: Offset(rawValue: 1_000)),
        .init(baseSequence: 10, count: 1, baseOffset: Offset(rawValue: 1_020)),
      ]),
    ProducerEntry(
      id: 78, epoch: 0, appendTime: Timestamp(rawValue: time + 5),
      ranges: [.init(baseSequence: .max, count: 1, baseOffset: Offset(rawValue: 1_021))]),
  ]

  public static let commit = CommitFrame(
    durablePosition: FilePosition(rawValue: 16_384), sequence: 2,
    nextOffset: Offset(rawValue: 1_003), appendTime: Timestamp(rawValue: time),
    groupPosition: FilePosition(rawValue: 16_384), epoch: 3)

  public static let index = IndexFrame(
    previousPosition: FilePosition(rawValue: 16_392),
    rows: [
      IndexRow(
        relativeOffset: 0, positionInWords: 2_048, appendTime: Timestamp(rawValue: time)),
      IndexRow(
        relativeOffset: 12, positionInWords: 2_050, appendTime: Timestamp(rawValue: time + 1)),
    ])
  /// Where the index, state and seal samples stand, behind what they point to.
  public static let laterPosition: UInt64 = 20_480

  public static let state = StateFrame(
    previousPosition: FilePosition(rawValue: 16_384), nextOffset: Offset(rawValue: 1_022),
    producers: producers)

  /// Some bytes in place of hashes.
  static func hashes(_ count: Int, seed: UInt8) -> [UInt8] {
    (0..<(32 * count)).map { seed &+ UInt8(truncatingIfNeeded: $0 / 32) }
  }

  /// A group of a tree that completes nodes of three levels.
  public static let integrity = IntegrityFrame(
    sequence: 3, firstOffset: Offset(rawValue: 1_000), nextOffset: Offset(rawValue: 1_026),
    firstAppendTime: Timestamp(rawValue: time), lastAppendTime: Timestamp(rawValue: time + 9),
    recordCount: 24, treeSize: 1_026, root: hashes(1, seed: 0x10),
    previousHead: hashes(1, seed: 0x20), head: hashes(1, seed: 0x30), evidence: .tree,
    storeID: header.storeID, frontier: hashes(2, seed: 0x40), nodes: hashes(3, seed: 0x50))

  public static let gap = GapFrame(firstOffset: Offset(rawValue: 1_003), count: 2)

  public static let control = ControlFrame(
    appendTime: Timestamp(rawValue: time), clockStepNanoseconds: -3_600_000_000_000)

  public static var seal: SealBlock {
    var block = SealBlock(
      baseOffset: Offset(rawValue: 1_000), nextOffset: Offset(rawValue: 1_022),
      previousSegmentID: 0x29)
    block.statistics = statistics
    block.integrityPosition = FilePosition(rawValue: 16_392)
    block.lastAppendTime = Timestamp(rawValue: time + 9)
    block.rows = index.rows
    block.producers = producers
    block.tiles = SealTiles(integrity)
    return block
  }

  public static let stamp = ProducerStamp(id: 77, epoch: 2, sequence: 11)

  /// A record with every part.
  public static let fullRecord = RecordSpec(
    "value", key: "key", type: "type", headers: [.init(name: "trace", value: [1, 2, 3])],
    eventTime: time - 1_000)

  /// Records that together need every column a batch builder writes.
  public static let variedRecords = [
    RecordSpec("plain"),
    fullRecord,
    RecordSpec("", key: "gone", isTombstone: true),
    RecordSpec("keyed", key: ""),
    RecordSpec("typed", type: "t", eventTime: time),
    RecordSpec(""),
  ]

  /// A batch with every column of the format, the reserved ones included.
  public static var everyColumn: ColumnBatch {
    var batch = ColumnBatch(variedRecords)
    batch.producer = stamp
    batch.eventTimes = .deltas
    (batch.hasFlags, batch.hasKeys, batch.hasTypes, batch.hasHeaders) = (true, true, true, true)
    batch.messageIDs = (0..<6).map { UniqueIdentifier(high: 0xaa00 + $0, low: $0) }
    batch.streams = [1, 2, 3, 4, 5, 6]
    batch.offsetDeltas = [0, 1, 4, 5, 7, 9]
    batch.timesToLive = [0, 60, 0, 0, 3_600, 0]
    batch.commitSequence = 8
    batch.epoch = 3
    return batch
  }

  /// Every edit of the manifest.
  public static let edits: [ManifestEdit] = [
    .snapshotBegin(.init(nextSegmentID: 0x2c, nextStreamID: 8)),
    .createStream(
      .init(
        streamID: 7, name: "orders/größe", durability: .async, maxDelayNanoseconds: 10_000_000,
        maxByteCount: 1 << 20, firstSegmentByteCount: 1 << 20, segmentByteCount: 128 << 20,
        rollRecordCount: 1_000_000, rollNanoseconds: 3_600_000_000_000, maximumReaderLag: 500,
        evidence: .tree)),
    .snapshotEnd,
    .segmentIntent(streamID: 7, segmentID: 0x2a),
    .segmentPrepared(.init(streamID: 7, segmentID: 0x2a, capacity: 65_536, salt: salt)),
    .segmentActivated(
      .init(
        streamID: 7, segmentID: 0x2a, baseOffset: Offset(rawValue: 1_000),
        baseAppendTime: Timestamp(rawValue: time), previousSegmentID: 0x29)),
    .segmentEnded(
      .init(
        streamID: 7, segmentID: 0x29, endPosition: FilePosition(rawValue: 20_480),
        nextOffset: Offset(rawValue: 1_000), lastAppendTime: Timestamp(rawValue: time - 1),
        recordCount: 990, reason: .poisoned)),
    .segmentDropped(streamID: 7, segmentID: 0x28),
    .logStart(streamID: 7, offset: Offset(rawValue: 500)),
    .segmentDamaged(
      .init(
        streamID: 7, segmentID: 0x29, from: FilePosition(rawValue: 17_000),
        to: FilePosition(rawValue: 17_008), firstOffset: Offset(rawValue: 700),
        nextOffset: Offset(rawValue: 702))),
    .segmentDurable(
      .init(
        streamID: 7, segmentID: 0x2a, position: FilePosition(rawValue: 20_480),
        nextOffset: Offset(rawValue: 1_022), lastAppendTime: Timestamp(rawValue: time + 9))),
    .segmentReplaced(
      .init(
        segmentID: 0x2a,
        definition: .init(streamID: 7, segmentID: 0x2e, capacity: 1 << 20, salt: 0x5eed_2e),
        endPosition: FilePosition(rawValue: 20_400), recordCount: 21)),
    .retention(
      .init(
        streamID: 7, maximumAge: 86_400_000_000_000, maximumByteCount: 1 << 30,
        maximumRecordCount: 1_000, acknowledgement: [.removes, .protects],
        cursorNames: ["trainer", "sync \u{e9}"])),
    .retention(.init(streamID: 7)),
    .hold(
      .init(
        name: "case-17", reason: "letter of 2026-03-02", streamID: 7,
        firstOffset: Offset(rawValue: 600), nextOffset: Offset(rawValue: 900),
        time: Timestamp(rawValue: time + 10))),
    .hold(.init(name: "all", reason: "", streamID: 0, time: Timestamp(rawValue: -1))),
    .holdReleased(name: "case-17"),
    .segmentDated(streamID: 7, segmentID: 0x2a, time: Timestamp(rawValue: time + 11)),
  ]

  /// A small sealed segment with every kind of frame and every column.
  public static func segment() throws(FormatError) -> SegmentBuilder {
    var builder = SegmentBuilder()
    builder.rowSpacing = 1_024
    try builder.solo(RecordSpec("hello"))
    try builder.solo(fullRecord, producer: ProducerStamp(id: 77, epoch: 2, sequence: 10))
    try builder.solo(RecordSpec("", key: "gone", isTombstone: true))
    builder.commit()
    builder.slot()
    try builder.batch((0..<10).map { RecordSpec("plain \($0)") })
    try builder.batch(variedRecords, producer: stamp)
    builder.state()
    builder.control(step: -5_000_000_000)
    builder.commit()
    builder.slot()
    try builder.columnBatch(everyColumn)
    builder.gap(count: 3, length: 77)
    builder.padding(length: 100)
    builder.foreign(kind: 0x91, body: [1, 2, 3], flags: 0xff, columns: 0xffff)
    builder.integrity()
    var times = ColumnBatch([RecordSpec("a", eventTime: .min), RecordSpec("b", eventTime: .max)])
    times.eventTimes = .nanoseconds
    times.isNarrow = false
    try builder.columnBatch(times)
    try builder.solo(RecordSpec(bytes: [UInt8](repeating: 0x5a, count: 1_500)))
    builder.index()
    builder.commit()
    builder.seal()
    return builder
  }
}
