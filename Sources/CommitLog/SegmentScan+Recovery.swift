internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension SegmentScan {
  /// Walks a segment that no manifest edit ends, from what a slot proves to its last intact frame.
  ///
  /// - Parameters:
  ///   - file: The segment's file.
  ///   - segment: What the manifest says of it.
  ///   - slot: The newest slot that holds.
  ///   - inherited: The producers at the start of the segment.
  ///   - limits: Bounds for what is read.
  ///   - trustingClean: Whether nothing is looked for behind the position of a slot that says that the
  ///     segment was closed in order.
  static func recovering(
    _ file: SegmentFile, _ segment: ManifestState.Segment, slot: RecoverySlot?,
    inherited: ProducerTable?, limits: FormatLimits, trustingClean: Bool = false
  ) -> SegmentScan {
    let baseOffset = segment.baseOffset
    let baseAppendTime = segment.activation.baseAppendTime
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
    if let durable = segment.durable { scan.note(durable) }
    if let inherited, scan.progress.statePosition == 0 || scan.position == start {
      scan.producers = inherited
    }
    var end = file.byteCount
    if trustingClean, let slot, slot.flags.contains(.clean),
      // What stands behind it was written later: the slot that said so is lost.
      (try? reader.frame(at: slot.durablePosition.rawValue, verifying: true)) == nil
    {
      end = min(end, slot.durablePosition.rawValue)
    }
    scan.walk(reader, to: end)
    scan.finish()
    scan.noteLostEnd(byteCount: file.byteCount)
    return scan
  }
}

extension SegmentFile {
  /// Why this file cannot be the segment whose name it has: no slot holds for its salt, and its header
  /// is that of another store, or of a segment that counts; or there is none, and its bytes are nothing
  /// that a segment begins with.
  ///
  /// A file that was used again after its segment was dropped keeps that segment's header until the
  /// first group; such a header means nothing.
  func identityProblem(_ state: ManifestState, storeID: UniqueIdentifier) -> FormatError? {
    guard newestSlot() == nil else { return nil }
    guard let header = try? header() else { return hasForeignStart ? Self.otherIdentity : nil }
    if header.segmentID == segmentID, header.salt == salt { return nil }
    if header.storeID != storeID || state.isLive(header, besides: segmentID) {
      return Self.otherIdentity
    }
    return nil
  }

  private static var otherIdentity: FormatError { .damaged(.segmentHeader, .identity) }

  /// Whether no cut of the power can have left what stands in place of both headers: a header begins
  /// with its magic, and where it was not written there are zeros, byte by byte.
  private var hasForeignStart: Bool {
    SegmentLayout.headerPositions.allSatisfy { place in
      let word = bytes.littleEndianUnsigned64(at: Int(place)) ?? 0
      return (0..<8).contains { index in
        let byte = UInt8(truncatingIfNeeded: word >> UInt64(8 * index))
        return byte != 0
          && byte != UInt8(truncatingIfNeeded: SegmentHeader.magic >> UInt64(8 * index))
      }
    }
  }

  /// Whether nothing was ever written to this segment, as far as its preamble and first frame tell.
  private var isUnused: Bool {
    guard newestSlot() == nil else { return false }
    if let header = try? header(), header.salt == salt { return false }
    let reader = FrameReader(bytes, salt: salt, limits: FormatLimits())
    do throws(FormatError) {
      _ = try reader.frame(at: UInt64(SegmentLayout.preambleByteCount), verifying: true)
      return false
    } catch {
      return true
    }
  }

  /// Whether this file is empty and a prepared one has its bytes: the two were exchanged.
  func isExchanged(
    _ stream: ManifestState.Stream?, in directory: StoreDirectory, _ limits: FormatLimits
  ) -> Bool {
    guard let stream, isUnused, let parent = try? directory.directory(ofStream: streamID) else {
      return false
    }
    return stream.prepared.contains { prepared in
      guard
        let file = try? SegmentFile(
          opening: StoreDirectory.segmentName(prepared.segmentID), in: parent,
          path: directory.segmentPath(streamID: streamID, segmentID: prepared.segmentID),
          fileSystem: fileSystem, streamID: streamID, segmentID: prepared.segmentID,
          salt: prepared.salt, access: .reading, byteCountLimit: limits.segmentByteCountLimit),
        let header = try? file.header()
      else { return false }
      return header.segmentID == segmentID && header.salt == salt
    }
  }
}
