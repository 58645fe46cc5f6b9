internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension SegmentScan {
  /// Walks a segment that no manifest edit ends, from what a slot proves to its last intact frame.
  ///
  /// - Parameter inherited: The producers at the start of the segment.
  static func recovering(
    _ file: SegmentFile, slot: RecoverySlot?, baseOffset: Offset, baseAppendTime: Timestamp,
    inherited: ProducerTable?, limits: FormatLimits
  ) -> SegmentScan {
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    let start = UInt64(SegmentLayout.preambleByteCount)
    var scan: SegmentScan
    if let slot,
      let begun = SegmentScan(
        slot: slot, baseOffset: baseOffset, baseAppendTime: baseAppendTime, reader: reader)
    {
      scan = begun
    } else {
      scan = SegmentScan(
        baseOffset: baseOffset, baseAppendTime: baseAppendTime,
        provenPosition: slot?.durablePosition.rawValue ?? start,
        producerLimit: limits.producerCountLimit)
      if let slot { scan.note(slot) }
    }
    if let inherited, scan.progress.statePosition == 0 || scan.position == start {
      scan.producers = inherited
    }
    scan.walk(reader, to: file.byteCount)
    scan.finish()
    if let slot { scan.noteLostEnd(slot, byteCount: file.byteCount) }
    return scan
  }
}

extension SegmentFile {
  /// Why this file cannot be the segment whose name it has: no slot holds for its salt, and its header
  /// is that of another store, or of a segment that counts.
  ///
  /// A file that was used again after its segment was dropped keeps that segment's header until the
  /// first group; such a header means nothing.
  func identityProblem(_ state: ManifestState, storeID: UniqueIdentifier) -> FormatError? {
    guard newestSlot() == nil, let header = try? header() else { return nil }
    if header.segmentID == segmentID, header.salt == salt { return nil }
    if header.storeID != storeID || state.isLive(header, besides: segmentID) {
      return .damaged(.segmentHeader, .identity)
    }
    return nil
  }
}
