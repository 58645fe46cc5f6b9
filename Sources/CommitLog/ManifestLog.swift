internal import LogFormat
internal import PlatformIO
internal import Quantities

/// A manifest edit that could not be made durable.
struct ManifestFailure: Error {
  let cause: FileSystemError

  /// The same for who opens something.
  var openError: OpenError { cause.reason == .closed ? .closed : .fileSystem(cause) }
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
    var files: ManifestFiles
    var position: UInt64
    var nextOffset: Offset
    var commitSequence: UInt64
    var durablePosition: UInt64
    var slotSequence: UInt64
    /// Bytes were written without a sync since the last one.
    var hasUnsyncedBytes = false
    var lastTime: Timestamp
    var failure: FileSystemError?
    /// A sync failed: these files are never synced again as proof, the next edit goes into fresh ones.
    var isPoisoned = false
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
    inner.withLock { ($0.files.main.segmentID, $0.position) }
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
      if let existing = inner.fold.streamID(named: definition.name),
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
        let failure = FileSystemError(.write, inner.files.main.path, .unsupported)
        inner.failure = failure
        throw ManifestFailure(cause: failure)
      }
    }
    let bytes: [UInt8]
    do throws(FileSystemError) { bytes = try encode(edits, &inner) } catch {
      inner.failure = error
      throw ManifestFailure(cause: error)
    }
    guard !inner.isPoisoned, inner.position + UInt64(bytes.count) + 1_024 <= inner.files.byteCount
    else {
      return try rotate(&inner)
    }
    do throws(FileSystemError) {
      if durably && !inner.hasUnsyncedBytes {
        try inner.files.write(bytes, at: inner.position, durably: true)
      } else {
        try inner.files.write(bytes, at: inner.position)
        if durably { try inner.files.synchronize() }
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
  private func encode(_ edits: [ManifestEdit], _ inner: inout Inner) throws(FileSystemError)
    -> [UInt8]
  {
    let time = environment.time.now()
    inner.lastTime =
      time > inner.lastTime ? time : Timestamp(rawValue: inner.lastTime.rawValue &+ 1)
    inner.commitSequence += 1
    let bytes = try ManifestFrames.encode(
      edits, path: inner.files.main.path, at: inner.position, salt: inner.files.main.salt,
      baseOffset: inner.nextOffset, time: inner.lastTime, durablePosition: inner.durablePosition,
      sequence: inner.commitSequence, epoch: UInt32(truncatingIfNeeded: inner.superblock.epoch))
    inner.nextOffset = inner.nextOffset.advanced(by: UInt64(edits.count))
    return bytes
  }

  /// Starts a fresh manifest segment with a snapshot and makes the superblock name it.
  private func rotate(_ inner: inout Inner) throws(ManifestFailure) {
    do throws(FileSystemError) {
      let old = inner.files.main.segmentID
      let fresh = try ManifestFrames.createSegment(
        directory: directory, options: options, environment: environment,
        fold: &inner.fold, storeID: inner.superblock.storeID, baseOffset: inner.nextOffset,
        previousSegmentID: old, lastTime: inner.lastTime,
        epoch: UInt32(truncatingIfNeeded: inner.superblock.epoch))
      try SuperBlockFile.write(&inner.superblock, naming: fresh.files.main, in: directory)
      inner.begin(fresh)
      // Neither superblock copy names it any more.
      for name in [StoreDirectory.segmentName(old), StoreDirectory.mirrorName(old)] {
        try? directory.fileSystem.unlink(name, in: directory.manifest)
      }
      Ballast.provide(in: directory, manifestByteCount: inner.files.byteCount)
    } catch {
      inner.failure = error
      throw ManifestFailure(cause: error)
    }
  }

  /// A manifest that goes on in fresh files, because one of its copies is damaged or missing.
  static func fresh(
    _ replay: ManifestReplay, _ directory: StoreDirectory, _ superblock: SuperBlock,
    options: StoreOptions, environment: StoreEnvironment
  ) throws(FileSystemError) -> ManifestLog {
    var fold = replay.fold
    var superblock = superblock
    let time = max(environment.time.now(), replay.lastTime)
    let fresh = try ManifestFrames.createSegment(
      directory: directory, options: options, environment: environment, fold: &fold,
      storeID: superblock.storeID, baseOffset: replay.scan.nextOffset ?? .zero,
      previousSegmentID: replay.segmentID, lastTime: time,
      epoch: UInt32(truncatingIfNeeded: superblock.epoch))
    try SuperBlockFile.write(&superblock, naming: fresh.files.main, in: directory)
    var inner = Inner(
      fold: fold, superblock: superblock, files: fresh.files, position: 0, nextOffset: .zero,
      commitSequence: 0, durablePosition: 0, slotSequence: 0, lastTime: time, failure: nil)
    inner.begin(fresh)
    return ManifestLog(
      directory: directory, options: options, environment: environment, inner: inner)
  }

  /// Sets space aside for the next rotation, where there is room now.
  func provideBallast() {
    let byteCount = inner.withLock { $0.files.byteCount }
    Ballast.provide(in: directory, manifestByteCount: byteCount)
  }

  /// Sets files of other manifest segments aside: what an earlier writer left when it was cut, and
  /// what was found damaged. They are evidence, and the newest whole segment in the directory is
  /// always the one that counts.
  func setOthersAside() throws(FileSystemError) {
    let current = inner.withLock { $0.files.main.segmentID }
    let system = directory.fileSystem
    var moved = false
    for entry in try system.entries(of: directory.manifest) where entry.kind == .regular {
      guard let id = StoreDirectory.manifestID(fromName: entry.name), id != current else {
        continue
      }
      try system.rename(
        entry.name, in: directory.manifest, to: "meta-\(entry.name)", in: directory.quarantine)
      moved = true
    }
    guard moved else { return }
    try system.synchronize(directory.quarantine)
    try system.synchronize(directory.manifest)
  }

  /// Refuses everything that comes later.
  func close() {
    inner.withLock { inner in
      if inner.failure == nil {
        inner.failure = FileSystemError(.write, inner.files.main.path, .closed)
      }
    }
  }

  /// States durably that the manifest ends here (`clean`), or that it may grow from here.
  func writeSlot(clean: Bool) throws(FileSystemError) {
    try inner.withLock { inner throws(FileSystemError) in
      if let failure = inner.failure { throw failure }
      if inner.isPoisoned {
        do throws(ManifestFailure) { try rotate(&inner) } catch { throw error.cause }
      }
      if inner.hasUnsyncedBytes {
        do throws(FileSystemError) { try inner.files.synchronize() } catch {
          inner.isPoisoned = true
          throw error
        }
        inner.hasUnsyncedBytes = false
        inner.durablePosition = inner.position
      }
      inner.slotSequence += 1
      let place = SegmentLayout.slotPositions[Int(inner.slotSequence % 2)]
      let mark = SegmentMark(
        segmentID: inner.files.main.segmentID, position: inner.position,
        nextOffset: inner.nextOffset,
        appendTime: inner.lastTime, indexFramePosition: 0, integrityPosition: 0, statePosition: 0,
        commitSequence: inner.commitSequence, statistics: SegmentStatistics())
      let slot = mark.slot(
        sequence: inner.slotSequence, bootHash: environment.bootHash,
        epoch: UInt32(truncatingIfNeeded: inner.superblock.epoch), flags: clean ? .clean : [])
      do throws(FileSystemError) {
        try inner.files.write(
          slot.encoded(salt: inner.files.main.salt, at: place), at: place)
        try inner.files.synchronize()
      } catch {
        inner.isPoisoned = true
        throw error
      }
    }
  }
}

extension ManifestLog.Inner {
  /// Goes on in a segment that holds a snapshot and nothing else.
  mutating func begin(_ fresh: ManifestFrames.FreshSegment) {
    files = fresh.files
    position = fresh.position
    durablePosition = fresh.position
    nextOffset = fresh.nextOffset
    commitSequence = 1
    slotSequence = 0
    hasUnsyncedBytes = false
    isPoisoned = false
  }
}
