import ByteCoding
import LogFormat
import Quantities

/// The golden files of `Fixtures/format-v1`: a whole store with every structure of the format.
public struct Golden: Sendable {
  /// Path under `Fixtures/format-v1`, and bytes.
  public private(set) var files: [(path: String, bytes: [UInt8])] = []
  /// Stream 7: a sealed segment with every kind of frame and column.
  public let sealed: SegmentBuilder
  /// Stream 7: the next segment, ended by recovery, with rot in its middle.
  public let rotten: SegmentBuilder
  /// The rotten bytes.
  public let damage: ManifestEdit.DamagedRange
  /// Stream 7: the last segment, active, with a torn tail.
  public let torn: SegmentBuilder
  /// Where the torn group starts to be torn, and the records before that.
  public let tornEnd: (position: UInt64, records: [Record])
  /// The manifest.
  public let manifest: SegmentBuilder
  /// Every batch of edits, in order.
  public let edits: [[ManifestEdit]]

  static let capacity: UInt64 = 32_768

  /// Builds the store: the same bytes every time.
  public init() throws(FormatError) {
    sealed = try Samples.segment()
    let rot = try Self.rottenSegment(after: sealed)
    (rotten, damage) = (rot.builder, rot.damage)
    let tear = try Self.tornSegment(after: rotten)
    (torn, tornEnd) = (tear.builder, (tear.end, tear.records))
    edits = Self.manifestEdits(
      sealed: sealed, rotten: rotten, damage: rot.damage, torn: torn, durable: tear.durable)
    manifest = try Self.manifestSegment(edits)
    files = [
      ("SUPER", Self.superblocks()),
      ("meta/\(Self.name(manifest)).seg", manifest.file(count: Int(Self.capacity))),
      ("s/\(Hexadecimal.digits(7, count: 16))/\(Self.name(sealed)).seg", sealed.file()),
      ("s/\(Hexadecimal.digits(7, count: 16))/\(Self.name(rotten)).seg", rot.file),
      ("s/\(Hexadecimal.digits(7, count: 16))/\(Self.name(torn)).seg", tear.file),
    ]
    let records = sealed.records + rotten.records.filter { !isLost($0) } + tornEnd.records
    let kept = records.filter { $0.offset.rawValue >= 1_001 }
    let lines = try kept.map { record throws(FormatError) in try Self.line(record) }
    files.append(("records.jsonl", Array(lines.joined().utf8)))
  }

  /// Whether rot took a record.
  public func isLost(_ record: Record) -> Bool {
    record.offset >= damage.firstOffset && record.offset < damage.nextOffset
  }

  private static func name(_ builder: SegmentBuilder) -> String {
    Hexadecimal.digits(builder.header.segmentID, count: 16)
  }

  // MARK: Segments

  private static func rottenSegment(after last: SegmentBuilder) throws(FormatError)
    -> (builder: SegmentBuilder, file: [UInt8], damage: ManifestEdit.DamagedRange)
  {
    var builder = SegmentBuilder(
      SegmentBuilder.sampleHeader(
        segmentID: 0x2b, baseOffset: last.nextOffset, capacity: capacity, salt: 0xbadd_ecaf,
        previous: 0x2a))
    builder.slot()
    for index in 0..<3 { try builder.solo(RecordSpec("first group \(index)")) }
    builder.commit()
    builder.slot()
    let (start, firstOffset) = (builder.position, builder.nextOffset)
    try builder.batch((0..<5).map { RecordSpec("rotten batch \($0)", key: "k\($0)") })
    let second = builder.position
    try builder.solo(RecordSpec("rotten solo"))
    let (end, nextOffset) = (builder.position, builder.nextOffset)
    try builder.solo(RecordSpec("after the rot"))
    builder.commit()
    try builder.batch((0..<4).map { RecordSpec("third group \($0)") })
    builder.commit()
    var file = builder.file(count: Int(capacity))
    // A lost sector: the end of the batch and the head of the solo record read as zeros.
    for index in Int(second) - 40..<Int(second) + 24 { file[index] = 0 }
    let damage = ManifestEdit.DamagedRange(
      streamID: 7, segmentID: 0x2b, from: FilePosition(rawValue: start),
      to: FilePosition(rawValue: end), firstOffset: Offset(rawValue: firstOffset),
      nextOffset: Offset(rawValue: nextOffset))
    return (builder, file, damage)
  }

  private static func tornSegment(after last: SegmentBuilder) throws(FormatError)
    -> (
      builder: SegmentBuilder, file: [UInt8], end: UInt64, records: [Record],
      durable: ManifestEdit.DurablePrefix
    )
  {
    var builder = SegmentBuilder(
      SegmentBuilder.sampleHeader(
        segmentID: 0x2c, baseOffset: last.nextOffset, capacity: capacity, salt: 0x7042_7042,
        previous: 0x2b))
    builder.slot()
    try builder.batch((0..<3).map { RecordSpec("durable \($0)") })
    builder.commit()
    let durable = ManifestEdit.DurablePrefix(
      streamID: 7, segmentID: 0x2c, position: FilePosition(rawValue: builder.position),
      nextOffset: Offset(rawValue: builder.nextOffset),
      lastAppendTime: Timestamp(rawValue: builder.appendTime))
    builder.slot()
    try builder.batch((0..<3).map { RecordSpec("written, not acknowledged \($0)") })
    let (end, records) = (builder.position, builder.records)
    try builder.solo(RecordSpec("torn: the end of this record did not reach the disk"))
    builder.commit()
    var file = builder.file(count: Int(capacity))
    for index in Int(end) + 48..<Int(builder.position) { file[index] = 0 }
    return (builder, file, end, records, durable)
  }

  // MARK: Manifest

  private static func superblocks() -> [UInt8] {
    var file = [UInt8](repeating: 0, count: SuperBlock.fileByteCount)
    var block = Samples.superblock
    file.replaceSubrange(4_096..<4_608, with: block.encoded(at: 4_096))
    block.generation -= 1
    block.manifestSegmentID = 0x10
    file.replaceSubrange(0..<512, with: block.encoded(at: 0))
    return file
  }

  private static func activation(_ builder: SegmentBuilder) -> [ManifestEdit] {
    let header = builder.header
    return [
      .segmentPrepared(
        .init(
          streamID: header.streamID, segmentID: header.segmentID, capacity: header.capacity,
          salt: header.salt)),
      .segmentActivated(
        .init(
          streamID: header.streamID, segmentID: header.segmentID, baseOffset: header.baseOffset,
          baseAppendTime: header.baseAppendTime, previousSegmentID: header.previousSegmentID)),
    ]
  }

  private static func end(_ builder: SegmentBuilder, _ reason: ManifestEdit.EndReason, lost: UInt64)
    -> ManifestEdit
  {
    .segmentEnded(
      .init(
        streamID: 7, segmentID: builder.header.segmentID,
        endPosition: FilePosition(rawValue: builder.position),
        nextOffset: Offset(rawValue: builder.nextOffset),
        lastAppendTime: Timestamp(rawValue: builder.appendTime),
        recordCount: UInt64(builder.records.count) - lost, reason: reason))
  }

  private static func manifestEdits(
    sealed: SegmentBuilder, rotten: SegmentBuilder, damage: ManifestEdit.DamagedRange,
    torn: SegmentBuilder, durable: ManifestEdit.DurablePrefix
  ) -> [[ManifestEdit]] {
    let streams: [ManifestEdit] = [
      Samples.edits[1],
      .createStream(
        .init(
          streamID: 8, name: "empty", durability: .disk, maxDelayNanoseconds: 0, maxByteCount: 0,
          firstSegmentByteCount: 1 << 20, segmentByteCount: 1 << 27, rollRecordCount: 0,
          rollNanoseconds: 0, maximumReaderLag: 0)),
    ]
    let poisoned = ManifestEdit.segmentEnded(
      .init(
        streamID: 7, segmentID: 0x29, endPosition: FilePosition(rawValue: 20_480),
        nextOffset: Offset(rawValue: 1_000), lastAppendTime: Timestamp(rawValue: Samples.time - 1),
        recordCount: 10, reason: .poisoned))
    let before = SegmentBuilder.sampleHeader(
      segmentID: 0x29, baseOffset: 990, capacity: capacity, salt: 0x29, previous: 0)
    let lost = damage.nextOffset.rawValue - damage.firstOffset.rawValue
    return [
      [.snapshotBegin(.init(nextSegmentID: 0x2c, nextStreamID: 9))] + streams,
      activation(SegmentBuilder(before)) + [poisoned] + activation(sealed) + [.snapshotEnd],
      [.segmentIntent(streamID: 7, segmentID: 0x2b)],
      [end(sealed, .sealed, lost: 0)] + activation(rotten),
      [
        .segmentReplaced(
          .init(
            segmentID: 0x29,
            definition: .init(streamID: 7, segmentID: 0x2e, capacity: capacity, salt: 0x2e),
            endPosition: FilePosition(rawValue: 20_400), recordCount: 9)),
        .segmentIntent(streamID: 7, segmentID: 0x29),
      ],
      [.segmentDropped(streamID: 7, segmentID: 0x29)],
      [.segmentDropped(streamID: 7, segmentID: 0x2e)],
      [.logStart(streamID: 7, offset: Offset(rawValue: 1_001))],
      [.segmentIntent(streamID: 7, segmentID: 0x2c)],
      [end(rotten, .recovered, lost: lost), .segmentDamaged(damage)] + activation(torn),
      [.segmentIntent(streamID: 8, segmentID: 0x2d)],
      [.segmentDurable(durable)],
      Array(Samples.edits.suffix(6).dropLast())
        + [
          .segmentDated(
            streamID: 7, segmentID: durable.segmentID, time: Timestamp(rawValue: Samples.time + 11))
        ],
    ]
  }

  private static func manifestSegment(_ edits: [[ManifestEdit]]) throws(FormatError)
    -> SegmentBuilder
  {
    var builder = SegmentBuilder(
      SegmentBuilder.sampleHeader(
        streamID: 0, segmentID: Samples.superblock.manifestSegmentID, baseOffset: 40,
        capacity: capacity, salt: Samples.superblock.manifestSalt, previous: 0x10))
    builder.slot()
    for batch in edits {
      let records = batch.map { RecordSpec(bytes: $0.encoded()) }
      if records.count == 1 { try builder.solo(records[0]) } else { try builder.batch(records) }
      builder.commit()
      builder.slot()
    }
    // A kind of a newer minor version that may be skipped.
    try builder.solo(RecordSpec(bytes: [1, 0x80, 9, 0, 0, 0, 0, 0, 1, 2, 3]))
    builder.commit()
    return builder
  }

  // MARK: Records as text

  /// A record as a line of JSON: numbers, names as text, all other bytes in hexadecimal.
  public static func line(_ record: Record) throws(FormatError) -> String {
    func hex(_ bytes: [UInt8]?) -> String {
      bytes.map { "\"\(Hexadecimal.text($0))\"" } ?? "null"
    }
    let headers = try RecordHeaders.decoded(record.headers.rawSpan).map {
      "[\"\($0.name)\", \"\(Hexadecimal.text($0.value))\"]"
    }
    return "{\"stream\": 7, \"offset\": \(record.offset), \"append_time\": \(record.appendTime), "
      + "\"event_time\": \(record.eventTime?.description ?? "null"), \"key\": \(hex(record.key)), "
      + "\"type\": \(hex(record.type)), \"headers\": [\(headers.joined(separator: ", "))], "
      + "\"tombstone\": \(record.isTombstone), \"value\": \(hex(record.value))}\n"
  }
}
