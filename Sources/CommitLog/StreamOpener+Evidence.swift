internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import PlatformIO
internal import Quantities

extension StreamOpener {
  /// The last intact group of chain and tree.
  struct LastGroup {
    let segmentID: UInt64
    let state: EvidenceState

    /// Offset behind it.
    var nextOffset: Offset { Offset(rawValue: state.nextOffset) }
  }

  /// Chain and tree of the stream as its last intact group left them; `nil` for a stream without.
  func evidence(_ stream: ManifestState.Stream, after last: LastGroup?) -> StreamEvidence? {
    guard let coverage = EvidenceCoverage(rawValue: stream.definition.evidence.rawValue) else {
      return nil
    }
    return StreamEvidence(
      storeID: core.storeID, definition: stream.definition, coverage: coverage,
      state: last?.state ?? .initial)
  }

  /// Finds the last intact group; `nil` when there is none yet, or the stream has no evidence.
  ///
  /// - Parameter active: The segment that goes on and the last group in it, by position; 0 for none.
  func lastGroup(
    _ stream: ManifestState.Stream, active: (file: SegmentFile, position: UInt64)?
  ) throws(OpenError) -> LastGroup? {
    guard stream.definition.evidence != .none else { return nil }
    if let active, active.position != 0 {
      return LastGroup(
        segmentID: active.file.segmentID,
        state: try state(of: active.file, at: active.position, stream))
    }
    for segment in stream.segments.reversed() where segment.id != active?.file.segmentID {
      // A file that is missing or damaged is reported by reads and `verify`; what an earlier one says
      // holds too, and what came behind it is hashed again.
      guard let end = segment.end, let file = try fileIfSound(segment.definition) else { continue }
      let position = lastGroup(in: file, segment, end)
      if position != 0 {
        return LastGroup(segmentID: segment.id, state: try state(of: file, at: position, stream))
      }
    }
    guard stream.logStart == .zero else {
      throw .damaged(
        path: core.directory.path, position: 0, .damaged(.integrityFrame, .empty))
    }
    return nil
  }

  /// Where the last integrity frame of an ended segment stands; 0 for nowhere.
  private func lastGroup(
    in file: SegmentFile, _ segment: ManifestState.Segment, _ end: ManifestEdit.SegmentEnd
  ) -> UInt64 {
    if end.reason == .sealed,
      let seal = SegmentEntry.seal(file, end: end.endPosition.rawValue, limits)
    {
      return seal.integrityPosition.rawValue
    }
    var scan = SegmentScan(
      baseOffset: segment.baseOffset, baseAppendTime: segment.activation.baseAppendTime,
      provenPosition: end.endPosition.rawValue, producerLimit: limits.producerCountLimit)
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    scan.walk(reader, to: min(end.endPosition.rawValue, file.byteCount))
    return scan.progress.integrityPosition
  }

  /// What a group says, if it holds.
  private func state(
    of file: SegmentFile, at position: UInt64, _ stream: ManifestState.Stream
  ) throws(OpenError) -> EvidenceState {
    do throws(FormatError) {
      let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
      let frame = try reader.frame(at: position, verifying: true)
      guard frame.head.kind == .integrity else { throw .damaged(.integrityFrame, .kind) }
      let group = try IntegrityFrame(frame.bytes)
      guard let state = group.state(stream.definition) else {
        throw .damaged(.integrityFrame, .checksum)
      }
      return state
    } catch {
      throw .damaged(path: file.path, position: position, error)
    }
  }
}
