import ByteCoding
import LogFormat
import Quantities

/// Builds a whole valid segment in memory with `LogFormat` alone.
public struct SegmentBuilder: Sendable {
  /// The header the file will carry.
  public let header: SegmentHeader
  /// The file up to the last frame; the preamble is filled in by ``file(count:)``.
  public private(set) var bytes: [UInt8]
  /// Every frame: where it stands and its raw kind.
  public private(set) var frames: [(position: UInt64, kind: UInt8)] = []
  /// Every record, as a reader must find it.
  public private(set) var records: [Record] = []
  /// Offset of the next record.
  public private(set) var nextOffset: UInt64
  /// Append clock; raised by a microsecond with each frame of records.
  public private(set) var appendTime: Int64
  /// Everything before this position counts as durable.
  public private(set) var durablePosition: UInt64 = 16_384
  /// Bytes between index rows.
  public var rowSpacing = 16_384
  /// Writer epoch of what is appended.
  public var epoch: UInt32 = 3

  private var groupPosition: UInt64 = 16_384
  private var commitSequence: UInt64 = 0
  private var pendingRows: [IndexRow] = []
  private var allRows: [IndexRow] = []
  private var indexPosition: UInt64 = 0
  private var statePosition: UInt64 = 0
  private var integrityPosition: UInt64 = 0
  private var integrityOffset: UInt64?
  private var integritySequence: UInt64 = 0
  private var tiles: SealTiles?
  private var firstStampPosition: UInt64 = 0
  private var producers: [UInt64: ProducerEntry] = [:]
  private var statistics = SegmentStatistics()
  private var slots: [RecoverySlot?] = [nil, nil]
  private var slotSequence: UInt64 = 0

  /// Starts an empty segment.
  public init(_ header: SegmentHeader = SegmentBuilder.sampleHeader()) {
    self.header = header
    bytes = [UInt8](repeating: 0, count: SegmentLayout.preambleByteCount)
    nextOffset = header.baseOffset.rawValue
    appendTime = header.baseAppendTime.rawValue
  }

  /// A header with fixed identities and times.
  public static func sampleHeader(
    streamID: UInt64 = 7, segmentID: UInt64 = 0x2a, baseOffset: UInt64 = 1_000,
    capacity: UInt64 = 65_536, salt: UInt64 = 0x5eed_0123_4567_89ab, previous: UInt64 = 0x29
  ) -> SegmentHeader {
    SegmentHeader(
      storeID: UniqueIdentifier(high: 0x0011_2233_4455_4677, low: 0x8899_aabb_ccdd_eeff),
      streamID: streamID, segmentID: segmentID, baseOffset: Offset(rawValue: baseOffset),
      baseAppendTime: Timestamp(rawValue: 1_767_225_600_000_000_000),
      createdTime: Timestamp(rawValue: 1_767_225_600_000_001_000),
      bootHash: 0xb007_b007_b007_b007, capacity: capacity, salt: salt,
      previousSegmentID: previous, durability: .disk)
  }

  /// Where the next frame will stand.
  public var position: UInt64 { UInt64(bytes.count) }

  // MARK: Records

  /// Adds a solo record.
  public mutating func solo(_ record: RecordSpec, producer: ProducerStamp? = nil)
    throws(FormatError)
  {
    appendTime += 1_000
    let (offset, time, place, salt) = (nextOffset, appendTime, position, header.salt)
    let frame = try record.withInput { input throws(FormatError) in
      RecordSpec.soloFrame(
        input, producer: producer, offset: offset, appendTime: time, salt: salt, position: place)
    }
    note(producer, count: 1)
    append(frame, kind: .soloRecord)
    try note([record], offsets: [offset])
  }

  /// Adds a batch written by ``BatchBuilder``.
  public mutating func batch(_ batch: [RecordSpec], producer: ProducerStamp? = nil)
    throws(FormatError)
  {
    appendTime += 1_000
    let frame = try RecordSpec.batchFrame(
      batch, producer: producer, baseOffset: nextOffset, appendTime: appendTime, epoch: epoch,
      salt: header.salt, position: position)
    note(producer, count: UInt32(batch.count))
    append(frame, kind: .batch)
    try note(batch, offsets: (0..<UInt64(batch.count)).map { nextOffset + $0 })
  }

  /// Adds a batch with any columns.
  public mutating func columnBatch(_ batch: ColumnBatch) throws(FormatError) {
    appendTime += 1_000
    let frame = try batch.encoded(
      baseOffset: nextOffset, appendTime: appendTime, salt: header.salt, position: position)
    let start = nextOffset
    let deltas = batch.offsetDeltas ?? (0..<UInt32(batch.records.count)).map { $0 }
    note(batch.producer, count: UInt32(batch.records.count))
    append(frame, kind: .batch)
    try note(batch.records, offsets: deltas.map { start + UInt64($0) })
    nextOffset = start + UInt64(batch.lastOffsetDelta ?? deltas.last ?? 0) + 1
  }

  private mutating func note(_ batch: [RecordSpec], offsets: [UInt64]) throws(FormatError) {
    for (record, offset) in zip(batch, offsets) {
      if statistics.recordCount == 0 {
        statistics.firstAppendTime = Timestamp(rawValue: appendTime)
      }
      statistics.recordCount += 1
      statistics.payloadByteCount += UInt64(try record.body().count)
      if let time = record.eventTime { statistics.note(eventTime: time) }
      records.append(try record.record(offset: offset, appendTime: appendTime))
      nextOffset = offset + 1
    }
  }

  private mutating func note(_ producer: ProducerStamp?, count: UInt32) {
    guard let producer else { return }
    if firstStampPosition == 0 { firstStampPosition = position }
    let range = ProducerEntry.Range(
      baseSequence: producer.sequence, count: count, baseOffset: Offset(rawValue: nextOffset))
    var entry =
      producers[producer.id]
      ?? ProducerEntry(
        id: producer.id, epoch: producer.epoch, appendTime: Timestamp(rawValue: 0), ranges: [])
    entry.epoch = producer.epoch
    entry.appendTime = Timestamp(rawValue: appendTime)
    entry.ranges = entry.ranges.suffix(ProducerEntry.rangeCountLimit - 1) + [range]
    producers[producer.id] = entry
  }

  // MARK: Other frames

  /// Adds a frame and makes the index row due before it.
  public mutating func append(_ frame: [UInt8], kind: FrameKind) {
    append(frame, rawKind: kind.rawValue)
  }

  /// Adds a frame of any kind.
  public mutating func append(_ frame: [UInt8], rawKind: UInt8) {
    let last = allRows.last.map { Int($0.position) } ?? 0
    if allRows.isEmpty || bytes.count - last >= rowSpacing {
      let previous = records.last?.appendTime ?? header.baseAppendTime
      let row = IndexRow(
        relativeOffset: UInt32(nextOffset - header.baseOffset.rawValue),
        positionInWords: UInt32(position / 8), appendTime: previous)
      pendingRows.append(row)
      allRows.append(row)
    }
    frames.append((position, rawKind))
    bytes += frame
  }

  /// Writes the rows not written yet into an index frame.
  public mutating func index() {
    let frame = IndexFrame(
      previousPosition: FilePosition(rawValue: indexPosition), rows: pendingRows)
    let start = position
    append(frame.encoded(salt: header.salt, at: start), kind: .indexRows)
    pendingRows.removeAll { $0.position < start }
    indexPosition = start
  }

  /// Writes the producers.
  public mutating func state() {
    let frame = StateFrame(
      previousPosition: FilePosition(rawValue: statePosition),
      nextOffset: Offset(rawValue: nextOffset), producers: sortedProducers)
    let start = position
    append(frame.encoded(salt: header.salt, at: start), kind: .state)
    statePosition = start
  }

  private var sortedProducers: [ProducerEntry] { producers.values.sorted { $0.id < $1.id } }

  /// States a clock step.
  public mutating func control(step: Int64) {
    let frame = ControlFrame(
      appendTime: Timestamp(rawValue: appendTime), clockStepNanoseconds: step)
    append(frame.encoded(salt: header.salt, at: position), kind: .control)
  }

  /// States a group of a tree with all records so far that no group has; bytes stand in for its hashes.
  public mutating func integrity() {
    let first = integrityOffset ?? header.baseOffset.rawValue
    integritySequence += 1
    let count = Int(IntegrityFrame.nodeCount(firstOffset: first, nextOffset: nextOffset))
    let frame = IntegrityFrame(
      sequence: integritySequence, firstOffset: Offset(rawValue: first),
      nextOffset: Offset(rawValue: nextOffset), firstAppendTime: header.baseAppendTime,
      lastAppendTime: Timestamp(rawValue: appendTime), recordCount: nextOffset - first,
      treeSize: nextOffset, root: Samples.hashes(1, seed: 1),
      previousHead: Samples.hashes(1, seed: 2), head: Samples.hashes(1, seed: 3), evidence: .tree,
      storeID: header.storeID,
      frontier: Samples.hashes(nextOffset.nonzeroBitCount, seed: 4),
      nodes: Samples.hashes(count, seed: 5))
    let start = position
    append(frame.encoded(salt: header.salt, at: start), kind: .integrity)
    if tiles?.append(frame) != true { tiles = SealTiles(frame) }
    integrityOffset = nextOffset
    integrityPosition = start
  }

  /// Gives up `count` offsets and `length` bytes; what follows the head is noise.
  public mutating func gap(count: UInt32, length: Int) {
    let frame = GapFrame(firstOffset: Offset(rawValue: nextOffset), count: count)
    var bytes = frame.encoded(length: UInt32(length), salt: header.salt, at: position)
    let total = SegmentLayout.aligned(length)
    while bytes.count < total { bytes.append(UInt8(truncatingIfNeeded: bytes.count &* 31)) }
    append(bytes, kind: .gap)
    nextOffset += UInt64(count)
  }

  /// Adds padding of `length` bytes; what follows the head is noise.
  public mutating func padding(length: Int) {
    var frame = Frame.padding(length: UInt32(length), salt: header.salt, at: position)
    let total = SegmentLayout.aligned(length)
    while frame.count < total { frame.append(UInt8(truncatingIfNeeded: frame.count &* 37)) }
    append(frame, kind: .padding)
  }

  /// Adds a frame of an unknown or reserved kind.
  public mutating func foreign(kind: UInt8, body: [UInt8], flags: UInt8 = 0, columns: UInt16 = 0) {
    var frame: [UInt8] = []
    frame.appendLittleEndian(UInt32(16 + body.count))
    frame += [kind, flags]
    frame.appendLittleEndian(columns)
    frame.appendLittleEndian(UInt64(0))
    frame += body
    let length = frame.count
    while frame.count % 8 != 0 { frame.append(0) }
    Forge.mend(&frame, .frame(salt: header.salt, position: position))
    precondition(length <= frame.count)
    append(frame, rawKind: kind)
  }

  /// Ends the group; what was before it is durable from now on when the next group is written.
  public mutating func commit() {
    commitSequence += 1
    let frame = CommitFrame(
      durablePosition: FilePosition(rawValue: durablePosition), sequence: commitSequence,
      nextOffset: Offset(rawValue: nextOffset), appendTime: Timestamp(rawValue: appendTime),
      groupPosition: FilePosition(rawValue: groupPosition), epoch: epoch)
    append(frame.encoded(salt: header.salt, at: position), kind: .commit)
    durablePosition = position
    groupPosition = position
  }

  // MARK: Slots and end

  /// Writes the next slot: what is durable now.
  public mutating func slot(flags: RecoverySlot.Flags = []) {
    slotSequence += 1
    slots[Int(slotSequence % 2)] = RecoverySlot(
      sequence: slotSequence, durablePosition: FilePosition(rawValue: durablePosition),
      nextOffset: Offset(rawValue: nextOffset), appendTime: Timestamp(rawValue: appendTime),
      indexPosition: FilePosition(rawValue: indexPosition),
      integrityPosition: FilePosition(rawValue: integrityPosition),
      statePosition: FilePosition(
        rawValue: statePosition != 0 ? statePosition : firstStampPosition),
      commitSequence: commitSequence, storedPosition: FilePosition(rawValue: position),
      bootHash: header.bootHash, epoch: epoch, flags: flags, statistics: statistics)
  }

  /// The seal block of what was added so far.
  public var sealBlock: SealBlock {
    var block = SealBlock(
      baseOffset: header.baseOffset, nextOffset: Offset(rawValue: nextOffset),
      previousSegmentID: header.previousSegmentID)
    block.statistics = statistics
    block.integrityPosition = FilePosition(rawValue: integrityPosition)
    block.lastAppendTime = Timestamp(rawValue: appendTime)
    block.rows = allRows.filter { $0.position < position }
    block.producers = sortedProducers
    block.tiles = tiles
    return block
  }

  /// Writes the seal block and both slots.
  public mutating func seal() {
    let block = sealBlock.encoded(
      segmentID: header.segmentID, salt: header.salt, at: position)
    append(block, kind: .seal)
    durablePosition = position
    slot(flags: .sealed)
    slot(flags: .sealed)
  }

  /// The file: headers, slots, frames, zeros up to `count` bytes (at least up to the last frame).
  public func file(count: Int = 0) -> [UInt8] {
    var file = bytes
    for position in SegmentLayout.headerPositions {
      file.replaceSubrange(
        Int(position)..<Int(position) + SegmentHeader.byteCount,
        with: header.encoded(at: position))
    }
    for (slot, position) in zip(slots, SegmentLayout.slotPositions) {
      guard let slot else { continue }
      file.replaceSubrange(
        Int(position)..<Int(position) + RecoverySlot.byteCount,
        with: slot.encoded(salt: header.salt, at: position))
    }
    if file.count < count { file += [UInt8](repeating: 0, count: count - file.count) }
    return file
  }
}
