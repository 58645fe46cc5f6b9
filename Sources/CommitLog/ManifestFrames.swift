internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The bytes of the manifest: writing edits as frames, making segments, reading them back.
enum ManifestFrames {
  /// One batch that holds the edits, and the commit frame behind it.
  static func encode(
    _ edits: [ManifestEdit], at position: UInt64, salt: UInt64, baseOffset: Offset,
    time: Timestamp, durablePosition: UInt64, sequence: UInt64, epoch: UInt32
  ) -> [UInt8] {
    var batch = BatchBuilder(limits: FormatLimits(batchByteCountLimit: 1 << 30))
    for edit in edits {
      let value = edit.encoded()
      // Edits are far below every limit: a few hundred bytes each.
      try? batch.append(value.rawSpan)
    }
    guard let plan = try? batch.plan() else { return [] }
    let frameByteCount = SegmentLayout.aligned(plan.byteCount)
    var bytes = [UInt8](repeating: 0, count: frameByteCount)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      guard let base = buffer.baseAddress else { return }
      let word = unsafe batch.encode(
        plan, into: base, baseOffset: baseOffset, appendTime: time, epoch: epoch, salt: salt,
        position: position)
      unsafe buffer.storeLittleEndian(word, at: 0)
    }
    let commit = CommitFrame(
      durablePosition: FilePosition(rawValue: durablePosition), sequence: sequence,
      nextOffset: baseOffset.advanced(by: UInt64(edits.count)), appendTime: time,
      groupPosition: FilePosition(rawValue: position), epoch: epoch)
    bytes += commit.encoded(salt: salt, at: position + UInt64(frameByteCount))
    return bytes
  }

  /// Makes a manifest segment that begins with a snapshot of `fold`; durable when this returns.
  static func createSegment(
    directory: StoreDirectory, options: StoreOptions, environment: StoreEnvironment,
    fold: inout ManifestState, storeID: UniqueIdentifier, baseOffset: Offset,
    previousSegmentID: UInt64, lastTime: Timestamp, epoch: UInt32
  ) throws(FileSystemError) -> (file: SegmentFile, position: UInt64, nextOffset: Offset) {
    let id = fold.nextSegmentID
    fold.nextSegmentID += 1
    let salt = environment.random.next()
    let edits = fold.snapshot()
    let start = UInt64(SegmentLayout.preambleByteCount)
    let frames = encode(
      edits, at: start, salt: salt, baseOffset: baseOffset, time: lastTime,
      durablePosition: start, sequence: 1, epoch: epoch)
    let needed = start + 4 * UInt64(frames.count) + 16_384
    let page = UInt64(SegmentLayout.pageByteCount)
    let capacity = max(options.manifestSegmentByteCount, (needed + page - 1) / page * page)
    let header = SegmentHeader(
      storeID: storeID, streamID: 0, segmentID: id, baseOffset: baseOffset,
      baseAppendTime: lastTime, createdTime: lastTime, bootHash: environment.bootHash,
      capacity: capacity, salt: salt, previousSegmentID: previousSegmentID, durability: .disk)
    let system = directory.fileSystem
    let name = StoreDirectory.segmentName(id)
    // A leftover of a crash between here and the superblock may stand in the way.
    do throws(FileSystemError) { try system.unlink(name, in: directory.manifest) } catch {
      guard error.reason == .notFound else { throw error }
    }
    let path = directory.segmentPath(streamID: 0, segmentID: id)
    try SegmentFactory.createFile(
      name, in: directory.manifest, byteCount: capacity, prewriting: true, fileSystem: system)
    let file = try SegmentFile(
      opening: name, in: directory.manifest, path: path, fileSystem: system, streamID: 0,
      segmentID: id, salt: salt, access: .writing, byteCountLimit: capacity)
    for place in SegmentLayout.headerPositions {
      try file.write(header.encoded(at: place), at: place)
    }
    try file.write(frames, at: start)
    try file.synchronize()
    if environment.faults.syncsDirectories { try system.synchronize(directory.manifest) }
    return (
      file, start + UInt64(frames.count), baseOffset.advanced(by: UInt64(edits.count))
    )
  }
}

/// The file `SUPER` with its two copies.
enum SuperBlockFile {
  /// Replaces the older copy, durably.
  static func write(_ superblock: SuperBlock, in directory: StoreDirectory)
    throws(FileSystemError)
  {
    let system = directory.fileSystem
    let handle = try system.open(StoreDirectory.superblockName, in: directory.root, .readWrite)
    defer { system.close(handle) }
    let place = SuperBlock.positions[Int(superblock.generation % 2)]
    let bytes = superblock.encoded(at: place)
    try system.write(handle, bytes: bytes, at: place)
    try system.synchronizeData(handle)
  }

  /// Creates the file with both copies; the store exists from then on.
  static func create(_ superblock: SuperBlock, in directory: StoreDirectory)
    throws(FileSystemError)
  {
    let system = directory.fileSystem
    let aside = StoreDirectory.superblockName + ".new"
    do throws(FileSystemError) { try system.unlink(aside, in: directory.root) } catch {
      guard error.reason == .notFound else { throw error }
    }
    let handle = try system.open(aside, in: directory.root, .create)
    defer { system.close(handle) }
    var bytes = [UInt8](repeating: 0, count: SuperBlock.fileByteCount)
    let place = Int(SuperBlock.positions[Int(superblock.generation % 2)])
    bytes.replaceSubrange(
      place..<(place + SuperBlock.byteCount), with: superblock.encoded(at: UInt64(place)))
    try system.write(handle, bytes: bytes, at: 0)
    try system.synchronizeData(handle)
    try system.rename(
      aside, in: directory.root, to: StoreDirectory.superblockName, in: directory.root)
    try system.synchronize(directory.root)
  }

  /// Reads the newer intact copy.
  static func read(in directory: StoreDirectory) throws(OpenError) -> SuperBlock {
    let system = directory.fileSystem
    var bytes: [UInt8]
    do throws(FileSystemError) {
      let handle = try system.open(StoreDirectory.superblockName, in: directory.root, .readOnly)
      defer { system.close(handle) }
      bytes = try system.read(handle, byteCount: SuperBlock.fileByteCount, at: 0)
    } catch {
      if error.reason == .notFound { throw .notAStore(path: directory.path) }
      throw .fileSystem(error)
    }
    let path = "\(directory.path)/\(StoreDirectory.superblockName)"
    let missing = SuperBlock.fileByteCount - bytes.count
    bytes += [UInt8](repeating: 0, count: missing)
    do throws(FormatError) {
      return try SuperBlock.newest(
        copy(bytes, at: SuperBlock.positions[0]), copy(bytes, at: SuperBlock.positions[1]))
    } catch {
      if case .newer = error { throw .newer(path: path, error) }
      throw .damaged(path: path, position: 0, error)
    }
  }

  private static func copy(_ bytes: [UInt8], at position: UInt64) -> Result<SuperBlock, FormatError>
  {
    do throws(FormatError) {
      let sector = bytes.rawSpan.extracting(Int(position)..<(Int(position) + SuperBlock.byteCount))
      return .success(try SuperBlock(sector, at: position))
    } catch {
      return .failure(error)
    }
  }
}
