internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Which segments of a stream are walked, and how far.
struct SegmentPlanner: Sendable {
  private let stream: StoreMap.Stream
  private let folder: AuditedFolder

  init(_ stream: StoreMap.Stream, _ folder: AuditedFolder) {
    (self.stream, self.folder) = (stream, folder)
  }

  /// The segments that the manifest names.
  mutating func plan(_ search: inout BitSearch) -> [PlannedSegment] {
    stream.segments.map { segment in
      var planned = PlannedSegment(
        segmentID: segment.id, salt: segment.salt, baseOffset: segment.baseOffset,
        previousSegmentID: segment.activation.previousSegmentID,
        capacity: segment.definition.capacity, fileName: segment.fileName,
        endPosition: segment.end?.endPosition.rawValue, mapped: segment)
      if segment.end == nil { Self.look(&planned, folder, &search) }
      return planned
    }
  }

  /// What an active segment says of its own end.
  private static func look(
    _ planned: inout PlannedSegment, _ folder: AuditedFolder, _ search: inout BitSearch
  ) {
    if let durable = planned.mapped?.durable?.position.rawValue {
      planned.provenPosition = max(planned.provenPosition, durable)
    }
    guard let file = try? folder.open(planned.fileName),
      let preamble = try? SegmentPreamble(file, salt: planned.salt, &search)
    else { return }
    if let end = preamble.ownEnd { planned.endPosition = end.durablePosition.rawValue }
    if let slot = preamble.newestSlot {
      planned.provenPosition = max(planned.provenPosition, slot.durablePosition.rawValue)
    }
  }

  /// The segment that a killed writer, or one at work, had gone on to; `nil` when there is none.
  func successor(of segmentID: UInt64) -> PlannedSegment? {
    var search = BitSearch()
    for prepared in stream.prepared {
      let name = AuditedFolder.segmentName(
        streamID: prepared.streamID, segmentID: prepared.segmentID)
      guard let file = try? folder.open(name),
        let preamble = try? SegmentPreamble(file, salt: prepared.salt, &search),
        let header = preamble.headers.first(where: {
          $0.segmentID == prepared.segmentID && $0.salt == prepared.salt
            && $0.streamID == prepared.streamID && $0.previousSegmentID == segmentID
        })
      else { continue }
      var planned = PlannedSegment(
        segmentID: prepared.segmentID, salt: prepared.salt, baseOffset: header.baseOffset.rawValue,
        previousSegmentID: segmentID, capacity: prepared.capacity, fileName: name)
      Self.look(&planned, folder, &search)
      return planned
    }
    return nil
  }
}
