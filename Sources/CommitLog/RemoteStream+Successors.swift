internal import LogFormat
internal import PlatformIO
internal import Quantities

extension RemoteStream {
  /// The stream as the next recovery will find it: a killed writer may have gone on to segments the
  /// manifest only knows as prepared, because mapped segments are left without waiting for it.
  func withSuccessors(_ stream: ManifestState.Stream) throws(ReadError) -> ManifestState.Stream {
    var stream = stream
    while let (definition, header) = try successor(of: stream) {
      var end = stream.segments.last?.end
      if let last = stream.segments.last, end == nil {
        guard let found = try self.end(of: last) else { break }
        end = found
      }
      guard header.baseOffset == end?.nextOffset ?? stream.logStart else { break }
      if let last = stream.segments.indices.last { stream.segments[last].end = end }
      let activation = ManifestEdit.SegmentActivation(
        streamID: streamID, segmentID: definition.segmentID, baseOffset: header.baseOffset,
        baseAppendTime: header.baseAppendTime, previousSegmentID: header.previousSegmentID)
      stream.segments.append(
        ManifestState.Segment(definition: definition, activation: activation))
      stream.prepared.removeAll { $0.segmentID == definition.segmentID }
    }
    return stream
  }

  /// The prepared segment whose header says that it follows the last one.
  private func successor(of stream: ManifestState.Stream) throws(ReadError)
    -> (ManifestEdit.SegmentDefinition, SegmentHeader)?
  {
    let previous = stream.segments.last?.id ?? 0
    for prepared in stream.prepared {
      guard let file = try file(of: prepared), let header = try? file.header(),
        header.segmentID == prepared.segmentID, header.salt == prepared.salt,
        header.previousSegmentID == previous
      else { continue }
      return (prepared, header)
    }
    return nil
  }

  /// Where recovery will end a segment; `nil` where it cannot.
  private func end(of segment: ManifestState.Segment) throws(ReadError)
    -> ManifestEdit.SegmentEnd?
  {
    guard let file = try file(of: segment.definition),
      file.identityProblem(store.manifest, storeID: store.superblock.storeID) == nil
    else { return nil }
    // As for the last segment: what is shown should survive the next power cut.
    try? file.synchronize()
    let scan = SegmentScan.recovering(
      file, segment, slot: file.newestSlot()?.slot, inherited: nil, limits: limits)
    return ManifestEdit.SegmentEnd(
      streamID: streamID, segmentID: segment.id,
      endPosition: FilePosition(rawValue: scan.position),
      nextOffset: scan.nextOffset ?? segment.baseOffset,
      lastAppendTime: scan.progress.lastAppendTime,
      recordCount: scan.progress.statistics.recordCount,
      reason: scan.isSealed ? .sealed : .recovered)
  }

  /// The file of a segment; `nil` when it is missing or no segment.
  private func file(of definition: ManifestEdit.SegmentDefinition) throws(ReadError)
    -> SegmentFile?
  {
    let path = store.directory.segmentPath(streamID: streamID, segmentID: definition.segmentID)
    try definition.check(limits, path: path)
    do throws(FileSystemError) {
      return try SegmentFile(
        opening: StoreDirectory.segmentName(definition.segmentID),
        in: try store.directory.directory(ofStream: streamID),
        path: path,
        fileSystem: store.directory.fileSystem, streamID: streamID,
        segmentID: definition.segmentID, salt: definition.salt, access: .reading,
        byteCountLimit: limits.segmentByteCountLimit)
    } catch {
      if error.meansDamage { return nil }
      throw .fileSystem(error)
    }
  }
}
