internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import Synchronization

/// A manifest edit that could not be made durable.
struct ManifestFailure: Error {
  let cause: FileSystemError
}

/// The manifest: stream 0, whose records are edits, and the fold over them.
///
/// Edits of one call take effect together: they are one frame. When the segment is full or a sync of
/// it fails, a fresh segment with a snapshot takes over; the superblock is the commit point of that.
final class ManifestLog: Sendable {
  let directory: StoreDirectory
  private let options: StoreOptions
  private let environment: StoreEnvironment
  private let inner: Guarded<Inner>

  struct Inner: Sendable {
    var fold: ManifestState
    var superblock: SuperBlock
    var file: SegmentFile
    var position: UInt64
    var nextOffset: Offset
    var commitSequence: UInt64
    var durablePosition: UInt64
    var slotSequence: UInt64
    /// Bytes were written without a sync since the last one.
    var hasUnsyncedBytes = false
    var lastTime: Timestamp
    var failure: FileSystemError?
    /// The segment the other superblock copy still names.
    var previousSegmentID: UInt64
  }

  init(
    directory: StoreDirectory, options: StoreOptions, environment: StoreEnvironment, inner: Inner
  ) {
    self.directory = directory
    self.options = options
    self.environment = environment
    self.inner = Guarded(inner)
  }

  /// What the manifest says now.
  var state: ManifestState { inner.withLock { $0.fold } }

  func stream(_ streamID: UInt64) -> ManifestState.Stream? {
    inner.withLock { $0.fold.streams[streamID] }
  }

  var superblock: SuperBlock { inner.withLock { $0.superblock } }

  /// Where the manifest stands, for readers in other processes.
  var place: (segmentID: UInt64, position: UInt64) {
    inner.withLock { ($0.file.segmentID, $0.position) }
  }

  /// Takes a segment identity that no file of the store ever had.
  func takeSegmentID(forStream streamID: UInt64) throws(ManifestFailure) -> UInt64 {
    try inner.withLock { inner throws(ManifestFailure) in
      let id = inner.fold.nextSegmentID
      try write([.segmentIntent(streamID: streamID, segmentID: id)], durably: true, &inner)
      return id
    }
  }

  /// Makes edits part of the manifest, as one.
  ///
  /// - Parameter durably: Whether the call returns only when they survive power loss.
  func apply(_ edits: [ManifestEdit], durably: Bool) throws(ManifestFailure) {
    try inner.withLock { inner throws(ManifestFailure) in
      try write(edits, durably: durably, &inner)
    }
  }

  /// Creates a stream under the lock, so that two creations of one name meet.
  func createStream(
    _ make: (UInt64) -> ManifestEdit.StreamDefinition
  ) throws(ManifestFailure) -> ManifestEdit.StreamDefinition {
    try inner.withLock { inner throws(ManifestFailure) in
      let definition = make(inner.fold.nextStreamID)
      if let existing = inner.fold.streamIDs[definition.name],
        let stream = inner.fold.streams[existing]
      {
        return stream.definition
      }
      try write([.createStream(definition)], durably: true, &inner)
      return definition
    }
  }

  private func write(_ edits: [ManifestEdit], durably: Bool, _ inner: inout Inner)
    throws(ManifestFailure)
  {
    if let failure = inner.failure { throw ManifestFailure(cause: failure) }
    for edit in edits {
      do throws(ManifestState.Contradiction) { try inner.fold.apply(edit) } catch {
        // Our own mistake: the edit must not reach the disk, and the fold is no longer sound.
        let failure = FileSystemError(.write, inner.file.path, .unsupported)
        inner.failure = failure
        throw ManifestFailure(cause: failure)
      }
    }
    let bytes = encode(edits, &inner)
    guard inner.position + UInt64(bytes.count) + 1_024 <= inner.file.byteCount else {
      return try rotate(&inner)
    }
    do throws(FileSystemError) {
      if durably && !inner.hasUnsyncedBytes {
        try inner.file.fileSystem.write(
          inner.file.handle, bytes: bytes, at: inner.position, durably: true)
      } else {
        try inner.file.write(bytes, at: inner.position)
        if durably { try inner.file.synchronize() }
      }
      inner.position += UInt64(bytes.count)
      inner.hasUnsyncedBytes = !durably
      if durably { inner.durablePosition = inner.position }
    } catch {
      // The file is not to be trusted any more: everything goes into a fresh one, once.
      try rotate(&inner)
    }
  }

  /// The frames of some edits at the current position: a batch and a commit frame.
  private func encode(_ edits: [ManifestEdit], _ inner: inout Inner) -> [UInt8] {
    let time = environment.time.now()
    inner.lastTime =
      time > inner.lastTime ? time : Timestamp(rawValue: inner.lastTime.rawValue &+ 1)
    inner.commitSequence += 1
    let bytes = ManifestFrames.encode(
      edits, at: inner.position, salt: inner.file.salt, baseOffset: inner.nextOffset,
      time: inner.lastTime, durablePosition: inner.durablePosition,
      sequence: inner.commitSequence, epoch: UInt32(truncatingIfNeeded: inner.superblock.epoch))
    inner.nextOffset = inner.nextOffset.advanced(by: UInt64(edits.count))
    return bytes
  }

  /// Starts a fresh manifest segment with a snapshot and makes the superblock name it.
  private func rotate(_ inner: inout Inner) throws(ManifestFailure) {
    do throws(FileSystemError) {
      let old = inner.file.segmentID
      let obsolete = inner.previousSegmentID
      let fresh = try ManifestFrames.createSegment(
        directory: directory, options: options, environment: environment,
        fold: &inner.fold, storeID: inner.superblock.storeID, baseOffset: inner.nextOffset,
        previousSegmentID: old, lastTime: inner.lastTime,
        epoch: UInt32(truncatingIfNeeded: inner.superblock.epoch))
      var superblock = inner.superblock
      superblock.generation += 1
      superblock.manifestSegmentID = fresh.file.segmentID
      superblock.manifestSalt = fresh.file.salt
      try SuperBlockFile.write(superblock, in: directory)
      inner.superblock = superblock
      inner.file = fresh.file
      inner.position = fresh.position
      inner.durablePosition = fresh.position
      inner.nextOffset = fresh.nextOffset
      inner.commitSequence = 1
      inner.slotSequence = 0
      inner.hasUnsyncedBytes = false
      inner.previousSegmentID = old
      if obsolete != 0, obsolete != old {
        // Neither superblock copy names it any more.
        try? directory.fileSystem.unlink(
          StoreDirectory.segmentName(obsolete), in: directory.manifest)
      }
    } catch {
      inner.failure = error
      throw ManifestFailure(cause: error)
    }
  }

  /// States durably that the manifest ends here (`clean`), or that it may grow from here.
  func writeSlot(clean: Bool) throws(FileSystemError) {
    try inner.withLock { inner throws(FileSystemError) in
      if let failure = inner.failure { throw failure }
      if inner.hasUnsyncedBytes {
        try inner.file.synchronize()
        inner.hasUnsyncedBytes = false
        inner.durablePosition = inner.position
      }
      inner.slotSequence += 1
      let place = SegmentLayout.slotPositions[Int(inner.slotSequence % 2)]
      let mark = SegmentMark(
        segmentID: inner.file.segmentID, position: inner.position, nextOffset: inner.nextOffset,
        appendTime: inner.lastTime, indexFramePosition: 0, statePosition: 0,
        commitSequence: inner.commitSequence, statistics: SegmentStatistics())
      let slot = mark.slot(
        sequence: inner.slotSequence, bootHash: environment.bootHash,
        epoch: UInt32(truncatingIfNeeded: inner.superblock.epoch), flags: clean ? .clean : [])
      try inner.file.write(slot.encoded(salt: inner.file.salt, at: place), at: place)
      try inner.file.synchronize()
    }
  }
}
