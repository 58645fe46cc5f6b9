internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The bytes of the manifest: writing edits as frames, making segments, reading them back.
enum ManifestFrames {
  /// Edits of one batch; what takes effect together fits into one but for whole snapshots, of which
  /// nothing counts before their end, and mass removals, whose first edit says what is gone.
  static let batchEditCount = 65_536

  /// Batches that hold the edits, and the commit frame behind them.
  ///
  /// - Throws: `.unsupported` for edits above the limits of the manifest, which they are far below.
  static func encode(
    _ edits: [ManifestEdit], path: String, at position: UInt64, salt: UInt64, baseOffset: Offset,
    time: Timestamp, durablePosition: UInt64, sequence: UInt64, epoch: UInt32
  ) throws(FileSystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    var done = 0
    while done < edits.count {
      let part = edits[done..<min(edits.count, done + batchEditCount)]
      do throws(FormatError) {
        bytes += try batch(
          part, at: position + UInt64(bytes.count), salt: salt,
          baseOffset: baseOffset.advanced(by: UInt64(done)), time: time, epoch: epoch)
      } catch {
        throw FileSystemError(.write, path, .unsupported)
      }
      done += part.count
    }
    let commit = CommitFrame(
      durablePosition: FilePosition(rawValue: durablePosition), sequence: sequence,
      nextOffset: baseOffset.advanced(by: UInt64(edits.count)), appendTime: time,
      groupPosition: FilePosition(rawValue: position), epoch: epoch)
    bytes += commit.encoded(salt: salt, at: position + UInt64(bytes.count))
    return bytes
  }

  private static func batch(
    _ edits: ArraySlice<ManifestEdit>, at position: UInt64, salt: UInt64, baseOffset: Offset,
    time: Timestamp, epoch: UInt32
  ) throws(FormatError) -> [UInt8] {
    var batch = BatchBuilder(limits: FormatLimits().forManifest)
    for edit in edits {
      let value = edit.encoded()
      try batch.append(value.rawSpan)
    }
    let plan = try batch.plan()
    var bytes = [UInt8](repeating: 0, count: SegmentLayout.aligned(plan.byteCount))
    // Safety: the array has the size the plan asks for; the buffer lives for the closure.
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      let word = unsafe batch.encode(
        plan, into: base, baseOffset: baseOffset, appendTime: time, epoch: epoch, salt: salt,
        position: position)
      unsafe buffer.storeLittleEndian(word, at: 0)
    }
    return bytes
  }

  /// A manifest segment that was just made: its files, where they end, and the next offset.
  struct FreshSegment {
    let files: ManifestFiles
    let position: UInt64
    let nextOffset: Offset
  }

  /// Makes a manifest segment that begins with a snapshot of `fold`; durable when this returns.
  static func createSegment(
    directory: StoreDirectory, options: StoreOptions, environment: StoreEnvironment,
    fold: inout ManifestState, storeID: UniqueIdentifier, baseOffset: Offset,
    previousSegmentID: UInt64, lastTime: Timestamp, epoch: UInt32
  ) throws(FileSystemError) -> FreshSegment {
    let id = fold.nextSegmentID
    fold.nextSegmentID += 1
    let salt = environment.random.next()
    let edits = fold.snapshot()
    let start = UInt64(SegmentLayout.preambleByteCount)
    let frames = try encode(
      edits, path: directory.path, at: start, salt: salt, baseOffset: baseOffset, time: lastTime,
      durablePosition: start, sequence: 1, epoch: epoch)
    let needed = start + 4 * UInt64(frames.count) + 16_384
    let page = UInt64(SegmentLayout.pageByteCount)
    var capacity = max(options.manifestSegmentByteCount, (needed + page - 1) / page * page)
    do throws(FileSystemError) {
      try createFiles(id, byteCount: capacity, in: directory)
    } catch {
      guard error.reason == .noSpace, Ballast.spend(in: directory) else { throw error }
      // As large as the one before, which the ballast was made for, or as small as it can be.
      let least = (start + UInt64(frames.count) + 16_384 + page - 1) / page * page
      capacity = max(options.manifestSegmentByteCount, least)
      try createFiles(id, byteCount: capacity, in: directory)
    }
    let header = SegmentHeader(
      storeID: storeID, streamID: 0, segmentID: id, baseOffset: baseOffset,
      baseAppendTime: lastTime, createdTime: lastTime, bootHash: environment.bootHash,
      capacity: capacity, salt: salt, previousSegmentID: previousSegmentID, durability: .disk)
    let system = directory.fileSystem
    let files = try ManifestFiles(
      opening: id, salt: salt, in: directory, byteCountLimit: capacity)
    for place in SegmentLayout.headerPositions {
      try files.write(header.encoded(at: place), at: place)
    }
    try files.write(frames, at: start)
    try files.synchronize()
    if environment.faults.syncsDirectories { try system.synchronize(directory.manifest) }
    return FreshSegment(
      files: files, position: start + UInt64(frames.count),
      nextOffset: baseOffset.advanced(by: UInt64(edits.count)))
  }

  /// Makes the files of a manifest segment and its mirror, or neither.
  private static func createFiles(_ id: UInt64, byteCount: UInt64, in directory: StoreDirectory)
    throws(FileSystemError)
  {
    let system = directory.fileSystem
    let names = [StoreDirectory.segmentName(id), StoreDirectory.mirrorName(id)]
    do throws(FileSystemError) {
      for name in names {
        // A leftover of a crash between here and the superblock may stand in the way.
        do throws(FileSystemError) { try system.unlink(name, in: directory.manifest) } catch {
          guard error.reason == .notFound else { throw error }
        }
        try SegmentFactory.createFile(
          name, in: directory.manifest, byteCount: byteCount, prewriting: true, fileSystem: system)
      }
    } catch {
      for name in names { try? system.unlink(name, in: directory.manifest) }
      throw error
    }
  }
}

extension FormatLimits {
  /// What the manifest's own frames keep, whatever the store's records are held to.
  var forManifest: FormatLimits {
    var limits = self
    limits.batchByteCountLimit = 1 << 30
    limits.batchRecordCountLimit = 1 << 20
    return limits
  }
}
