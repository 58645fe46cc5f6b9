internal import ByteCoding
internal import Quantities

extension ManifestEdit {
  /// The value of the manifest record that states this edit.
  public func encoded() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(kind)
    bytes.appendLittleEndian(UInt16(1))
    bytes.appendLittleEndian(UInt32(0))
    switch self {
    case .snapshotBegin(let counters):
      bytes.append(words: counters.nextSegmentID, counters.nextStreamID)
    case .snapshotEnd: break
    case .createStream(let stream): stream.append(to: &bytes)
    case .segmentIntent(let stream, let segment): bytes.append(words: stream, segment)
    case .segmentPrepared(let segment):
      bytes.append(words: segment.streamID, segment.segmentID, segment.capacity, segment.salt)
    case .segmentActivated(let start):
      bytes.append(
        words: start.streamID, start.segmentID, start.baseOffset.rawValue,
        UInt64(bitPattern: start.baseAppendTime.rawValue), start.previousSegmentID)
    case .segmentEnded(let end):
      bytes.append(
        words: end.streamID, end.segmentID, end.endPosition.rawValue, end.nextOffset.rawValue,
        UInt64(bitPattern: end.lastAppendTime.rawValue), end.recordCount,
        UInt64(end.reason.rawValue))
    case .segmentDropped(let stream, let segment): bytes.append(words: stream, segment)
    case .logStart(let stream, let offset): bytes.append(words: stream, offset.rawValue)
    case .segmentDamaged(let range):
      bytes.append(
        words: range.streamID, range.segmentID, range.from.rawValue, range.to.rawValue,
        range.firstOffset.rawValue, range.nextOffset.rawValue)
    case .segmentDurable(let prefix):
      bytes.append(
        words: prefix.streamID, prefix.segmentID, prefix.position.rawValue,
        prefix.nextOffset.rawValue, UInt64(bitPattern: prefix.lastAppendTime.rawValue))
    case .segmentReplaced(let change):
      let new = change.definition
      bytes.append(
        words: new.streamID, change.segmentID, new.segmentID, new.capacity, new.salt,
        change.endPosition.rawValue, change.recordCount)
    case .retention(let retention): retention.append(to: &bytes)
    case .hold(let hold): hold.append(to: &bytes)
    case .holdReleased(let name): bytes.append(text: name)
    case .segmentDated(let stream, let segment, let time):
      bytes.append(words: stream, segment, UInt64(bitPattern: time.rawValue))
    }
    return bytes
  }

  /// Reads the value of a manifest record; `nil` for an unknown kind that may be skipped.
  ///
  /// - Throws: `.newer` for an unknown kind or version, `.truncated` and `.damaged` for the rest.
  public static func decoded(_ value: RawSpan) throws(FormatError) -> ManifestEdit? {
    var reader = FieldReader(value, .manifestEdit)
    let kind = try reader.unsigned16()
    let version = try reader.unsigned16()
    try reader.reserved(4)
    if kind & 0x8000 != 0 { return nil }
    guard version == 1 else { throw .newer(.manifestEdit, .version) }
    let edit = try decoded(kind: kind, &reader)
    guard reader.remainingByteCount == 0 else { throw .damaged(.manifestEdit, .length) }
    return edit
  }

  private static func decoded(kind: UInt16, _ reader: inout FieldReader) throws(FormatError)
    -> ManifestEdit
  {
    switch kind {
    case 1:
      return .snapshotBegin(
        SnapshotBegin(
          nextSegmentID: try reader.unsigned64(), nextStreamID: try reader.unsigned64()))
    case 2: return .snapshotEnd
    case 3: return .createStream(try StreamDefinition(&reader))
    case 4:
      return .segmentIntent(
        streamID: try reader.unsigned64(), segmentID: try reader.unsigned64())
    case 5:
      return .segmentPrepared(
        SegmentDefinition(
          streamID: try reader.unsigned64(), segmentID: try reader.unsigned64(),
          capacity: try reader.byteCount(), salt: try reader.unsigned64()))
    case 6:
      return .segmentActivated(
        SegmentActivation(
          streamID: try reader.unsigned64(), segmentID: try reader.unsigned64(),
          baseOffset: try reader.offset(),
          baseAppendTime: Timestamp(rawValue: try reader.signed64()),
          previousSegmentID: try reader.unsigned64()))
    case 7:
      let end = SegmentEnd(
        streamID: try reader.unsigned64(), segmentID: try reader.unsigned64(),
        endPosition: FilePosition(rawValue: try reader.unsigned64()),
        nextOffset: try reader.offset(),
        lastAppendTime: Timestamp(rawValue: try reader.signed64()),
        recordCount: try reader.unsigned64(), reason: try reader.endReason())
      return .segmentEnded(end)
    case 8:
      return .segmentDropped(
        streamID: try reader.unsigned64(), segmentID: try reader.unsigned64())
    case 9: return .logStart(streamID: try reader.unsigned64(), offset: try reader.offset())
    case 10: return .segmentDamaged(try DamagedRange(&reader))
    case 11:
      let prefix = DurablePrefix(
        streamID: try reader.unsigned64(), segmentID: try reader.unsigned64(),
        position: FilePosition(rawValue: try reader.unsigned64()),
        nextOffset: try reader.offset(), lastAppendTime: Timestamp(rawValue: try reader.signed64()))
      guard SegmentLayout.isFramePosition(prefix.position.rawValue) else {
        throw .damaged(.manifestEdit, .position)
      }
      return .segmentDurable(prefix)
    case 12: return .segmentReplaced(try SegmentReplacement(&reader))
    case 13...16: return try kept(kind: kind, &reader)
    default: throw .newer(.manifestEdit, .kind)
    }
  }

  /// Edits that say what is kept.
  private static func kept(kind: UInt16, _ reader: inout FieldReader) throws(FormatError)
    -> ManifestEdit
  {
    switch kind {
    case 13: return .retention(try Retention(&reader))
    case 14: return .hold(try Hold(&reader))
    case 15:
      return .holdReleased(name: try reader.text(1...UInt64(FormatLimits.nameByteCountLimit)))
    default:
      return .segmentDated(
        streamID: try reader.unsigned64(), segmentID: try reader.unsigned64(),
        time: Timestamp(rawValue: try reader.signed64()))
    }
  }
}

extension ManifestEdit.DamagedRange {
  fileprivate init(_ reader: inout FieldReader) throws(FormatError) {
    self.init(
      streamID: try reader.unsigned64(), segmentID: try reader.unsigned64(),
      from: FilePosition(rawValue: try reader.unsigned64()),
      to: FilePosition(rawValue: try reader.unsigned64()),
      firstOffset: try reader.offset(), nextOffset: try reader.offset())
    guard from < to, firstOffset <= nextOffset else { throw .damaged(.manifestEdit, .order) }
  }
}

extension ManifestEdit.SegmentReplacement {
  fileprivate init(_ reader: inout FieldReader) throws(FormatError) {
    let streamID = try reader.unsigned64()
    let oldID = try reader.unsigned64()
    let definition = ManifestEdit.SegmentDefinition(
      streamID: streamID, segmentID: try reader.unsigned64(), capacity: try reader.byteCount(),
      salt: try reader.unsigned64())
    let end = try reader.unsigned64()
    guard definition.segmentID > oldID else { throw .damaged(.manifestEdit, .order) }
    guard SegmentLayout.isFramePosition(end), end <= definition.capacity else {
      throw .damaged(.manifestEdit, .position)
    }
    self.init(
      segmentID: oldID, definition: definition, endPosition: FilePosition(rawValue: end),
      recordCount: try reader.unsigned64())
  }
}

extension ManifestEdit.StreamDefinition {
  /// Stands beside the evidence.
  private static let erasableFlag: UInt64 = 1 << 8

  fileprivate func append(to bytes: inout [UInt8]) {
    bytes.append(
      words: streamID, UInt64(durability.rawValue), maxDelayNanoseconds, maxByteCount,
      firstSegmentByteCount, segmentByteCount, rollRecordCount, rollNanoseconds,
      maximumReaderLag, UInt64(evidence.rawValue) | (erasableID == nil ? 0 : Self.erasableFlag)
    )
    bytes.append(text: name)
    if let erasableID { bytes += erasableID.bytes }
  }

  fileprivate init(_ reader: inout FieldReader) throws(FormatError) {
    let streamID = try reader.unsigned64()
    let rawClass = try reader.unsigned64()
    guard let durability = UInt8(exactly: rawClass).flatMap(DurabilityClass.init(rawValue:)) else {
      throw .newer(.manifestEdit, .feature)
    }
    let maxDelay = try reader.unsigned64()
    let maxBytes = try reader.unsigned64()
    let firstSegment = try reader.byteCount()
    let segment = try reader.byteCount()
    let rollRecords = try reader.unsigned64()
    let rollTime = try reader.unsigned64()
    let lag = try reader.unsigned64()
    let rawEvidence = try reader.unsigned64()
    let isErasable = rawEvidence & Self.erasableFlag != 0
    guard
      let evidence = UInt8(exactly: rawEvidence & ~Self.erasableFlag)
        .flatMap(EvidenceClass.init(rawValue:))
    else {
      throw .newer(.manifestEdit, .feature)
    }
    let name = try reader.text(1...UInt64(FormatLimits.nameByteCountLimit))
    self.init(
      streamID: streamID, name: name, durability: durability, maxDelayNanoseconds: maxDelay,
      maxByteCount: maxBytes, firstSegmentByteCount: firstSegment, segmentByteCount: segment,
      rollRecordCount: rollRecords, rollNanoseconds: rollTime, maximumReaderLag: lag,
      evidence: evidence, erasableID: isErasable ? try reader.identifier() : nil)
  }
}

extension FieldReader {
  /// A text behind the count of its bytes.
  mutating func text(_ byteCounts: ClosedRange<UInt64>) throws(FormatError) -> String {
    let count = try unsigned64()
    guard byteCounts.contains(count) else { throw .damaged(.manifestEdit, .length) }
    guard let text = String(validating: try bytes(count: Int(count)), as: UTF8.self) else {
      throw .damaged(.manifestEdit, .text)
    }
    return text
  }

  mutating func offset() throws(FormatError) -> Offset {
    let offset = Offset(rawValue: try unsigned64())
    guard offset <= .maximum else { throw .damaged(.manifestEdit, .offset) }
    return offset
  }

  /// The size of a segment file: no real one comes near the bound.
  fileprivate mutating func byteCount() throws(FormatError) -> UInt64 {
    let count = try unsigned64()
    guard count < SegmentLayout.byteCountLimit else { throw .damaged(.manifestEdit, .length) }
    return count
  }

  fileprivate mutating func endReason() throws(FormatError) -> ManifestEdit.EndReason {
    let raw = try unsigned64()
    guard let reason = UInt8(exactly: raw).flatMap(ManifestEdit.EndReason.init(rawValue:)) else {
      throw .newer(.manifestEdit, .feature)
    }
    return reason
  }
}

extension Array where Element == UInt8 {
  mutating func append(words: UInt64...) {
    for word in words { appendLittleEndian(word) }
  }

  /// A text behind the count of its bytes.
  mutating func append(text: String) {
    append(words: UInt64(text.utf8.count))
    self += Array(text.utf8)
  }
}
