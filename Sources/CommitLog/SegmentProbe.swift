package import LogFormat
internal import PlatformIO
package import Quantities

/// One segment file as the engine sees it: the header it takes, the slot it trusts, and what recovery
/// finds. For tests that damage files; it runs the code of normal operation and nothing else.
package final class SegmentProbe: Sendable {
  private let file: SegmentFile
  private let segment: ManifestState.Segment
  private let limits: FormatLimits

  /// What recovery of the segment finds.
  package struct Finding: Equatable, Sendable {
    /// Where the walk began, and where the segment ends.
    package var position: UInt64
    /// Offset behind the last record.
    package var nextOffset: Offset
    /// Damaged places: positions and offsets.
    package var damaged: [ManifestEdit.DamagedRange]
  }

  /// Opens the file of a segment.
  package init(
    _ store: StoreReader, streamID: UInt64, segmentID: UInt64
  ) throws(OpenError) {
    guard
      let segment = store.manifest.streams[streamID]?.segments.first(where: { $0.id == segmentID })
    else { throw .streamNotFound(name: "\(streamID)") }
    self.segment = segment
    limits = store.options.limits
    do throws(FileSystemError) {
      file = try SegmentFile(
        opening: StoreDirectory.segmentName(segmentID),
        in: try store.directory.directory(ofStream: streamID),
        path: store.directory.segmentPath(streamID: streamID, segmentID: segmentID),
        fileSystem: store.directory.fileSystem, streamID: streamID, segmentID: segmentID,
        salt: segment.definition.salt, access: .reading,
        byteCountLimit: limits.segmentByteCountLimit)
    } catch {
      throw .fileSystem(error)
    }
  }

  /// Flips a bit under all mappings of the file; only where mappings are plain memory.
  package func flip(byte position: Int, bit: Int) {
    guard position >= 0, UInt64(position) < file.byteCount else { return }
    // Safety: the position lies inside the mapping; simulated mappings are memory of the process.
    unsafe (file.base + position).assumingMemoryBound(to: UInt8.self).pointee ^= 1 << UInt8(bit)
  }

  /// The header that counts.
  package var header: SegmentHeader? { try? file.header() }

  /// The slot that counts.
  package var slot: RecoverySlot? { file.newestSlot()?.slot }

  /// What recovery finds.
  package func recover() -> Finding {
    let scan = SegmentScan.recovering(
      file, segment, slot: slot, inherited: nil, limits: limits)
    return Finding(
      position: scan.position, nextOffset: scan.nextOffset ?? segment.baseOffset,
      damaged: scan.damaged.map {
        ManifestEdit.DamagedRange(
          streamID: file.streamID, segmentID: file.segmentID,
          from: FilePosition(rawValue: $0.from), to: FilePosition(rawValue: $0.to),
          firstOffset: $0.firstOffset, nextOffset: $0.nextOffset)
      })
  }
}

extension StoreReader {
  /// The manifest as the edits that rebuild it.
  package var manifestEdits: [ManifestEdit] { manifest.snapshot() }

  /// The superblock that counts.
  package var currentSuperblock: SuperBlock { superblock }
}
