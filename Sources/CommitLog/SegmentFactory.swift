internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Makes segment files ready before they are needed: allocated, filled, named and known to the
/// manifest, so that the append path meets no block allocation, page fault or full disk.
enum SegmentFactory {
  /// Creates a file of zeros; its bytes are durable when this returns, its name is the caller's.
  ///
  /// - Parameter prewriting: Whether zeros are really written, so that later syncs need no journal
  ///   commit for unwritten extents.
  static func createFile(
    _ name: String, in directory: DirectoryHandle, byteCount: UInt64, prewriting: Bool,
    fileSystem: any FileSystem
  ) throws(FileSystemError) {
    let handle = try fileSystem.open(name, in: directory, .create)
    defer { fileSystem.close(handle) }
    var mustWrite = prewriting
    do throws(FileSystemError) {
      try fileSystem.allocate(handle, byteCount: byteCount)
    } catch {
      guard error.reason == .unsupported else { throw error }
      mustWrite = true
    }
    if mustWrite {
      let step = 1 << 20
      let zeros = [UInt8](repeating: 0, count: Int(min(byteCount, UInt64(step))))
      var position: UInt64 = 0
      while position < byteCount {
        let count = Int(min(UInt64(step), byteCount - position))
        try fileSystem.write(
          handle, bytes: count == step ? zeros : Array(zeros[..<count]), at: position)
        position += UInt64(count)
      }
    }
    try fileSystem.synchronizeData(handle)
  }

  /// Makes a segment ready for a stream, in the room of removed files where there is no other.
  static func prepare(
    _ definition: ManifestEdit.StreamDefinition, byteCount: UInt64, core: StoreCore
  ) throws(ManifestFailure) -> PreparedSegment {
    let removed = core.removedFiles.count
    do throws(ManifestFailure) {
      return try prepareOnce(definition, byteCount: byteCount, core: core)
    } catch {
      core.removedFiles.removeAll()
      guard core.removedFiles.count > removed else { throw error }
      return try prepareOnce(definition, byteCount: byteCount, core: core)
    }
  }

  /// An intent is durable before the file exists, so that a crash leaves nothing that could be taken
  /// for data, and nothing that could not be told from it.
  private static func prepareOnce(
    _ definition: ManifestEdit.StreamDefinition, byteCount: UInt64, core: StoreCore
  ) throws(ManifestFailure) -> PreparedSegment {
    try refuseWhenFull(byteCount, core)
    let id = try core.manifest.takeSegmentID(forStream: definition.streamID)
    let salt = core.random.next()
    let segment = ManifestEdit.SegmentDefinition(
      streamID: definition.streamID, segmentID: id, capacity: byteCount, salt: salt)
    let isMapped = definition.durability != .disk
    let system = core.fileSystem
    let file: SegmentFile
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: definition.streamID, creating: true)
      let name = StoreDirectory.segmentName(id)
      let recycled =
        isMapped
        ? false
        : try core.spares.take(
          into: name, in: directory, byteCount: byteCount,
          syncing: core.faults.syncsDirectories)
      if recycled {
        try fillHoles(name, in: directory, byteCount: byteCount, system)
      } else {
        try createFile(
          name, in: directory, byteCount: byteCount, prewriting: !isMapped, fileSystem: system)
      }
      if core.faults.syncsDirectories { try system.synchronize(directory) }
      file = try SegmentFile(
        opening: name, in: directory,
        path: core.directory.segmentPath(streamID: definition.streamID, segmentID: id),
        fileSystem: system, streamID: definition.streamID, segmentID: id, salt: salt,
        access: isMapped ? .mappedWriting : .writing,
        byteCountLimit: core.options.limits.segmentByteCountLimit)
      // Safety: the region is the mapping of `file`, which lives on.
      if isMapped { unsafe system.populate(file.region(from: 0, count: Int(byteCount))) }
    } catch {
      abandon(definition.streamID, id, core)
      throw ManifestFailure(cause: error)
    }
    try core.manifest.apply([.segmentPrepared(segment)], durably: true)
    return PreparedSegment(file: file, definition: segment)
  }

  /// Gives a file that is used again the space back that was taken from behind its end.
  private static func fillHoles(
    _ name: String, in directory: DirectoryHandle, byteCount: UInt64, _ system: any FileSystem
  ) throws(FileSystemError) {
    let handle = try system.open(name, in: directory, .readWrite)
    defer { system.close(handle) }
    do throws(FileSystemError) { try system.allocate(handle, byteCount: byteCount) } catch {
      // Where nothing can be allocated, nothing was punched out either.
      guard error.reason == .unsupported else { throw error }
    }
  }

  /// Removes what a failed preparation may have left.
  static func abandon(_ streamID: UInt64, _ segmentID: UInt64, _ core: StoreCore) {
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: streamID)
      try core.fileSystem.unlink(StoreDirectory.segmentName(segmentID), in: directory)
    } catch {
      // The intent stays: the next opening tries again.
      guard error.reason == .notFound else { return }
    }
    try? core.manifest.apply(
      [.segmentDropped(streamID: streamID, segmentID: segmentID)], durably: false)
  }

  /// New segments are refused before the disk is really full, so that what is open can go on and
  /// removals still work.
  static func refuseWhenFull(_ byteCount: UInt64, _ core: StoreCore)
    throws(ManifestFailure)
  {
    let space: StoreSpace
    do throws(FileSystemError) {
      space = try StoreSpace(of: core.directory, core.options)
    } catch {
      throw ManifestFailure(cause: error)
    }
    guard space.allowsSegment(byteCount: byteCount) else {
      throw ManifestFailure(
        cause: FileSystemError(.allocate, core.directory.path, .noSpace))
    }
  }

  /// The size of the segment after one of `byteCount` bytes.
  static func nextByteCount(
    after byteCount: UInt64?, minimum: UInt64, _ definition: ManifestEdit.StreamDefinition
  ) -> UInt64 {
    let wanted =
      byteCount.map { min($0 &* 2, definition.segmentByteCount) }
      ?? definition.firstSegmentByteCount
    let size = max(wanted, minimum, definition.firstSegmentByteCount)
    let page = UInt64(SegmentLayout.pageByteCount)
    return (size + page - 1) / page * page
  }
}

extension StreamLog {
  /// Makes sure that a successor of at least this size is ready.
  func provideSuccessor(minimumByteCount: UInt64) throws(AppendError) {
    try preparing.withLock { _ throws(AppendError) in
      let needed = try state.withLock { state throws(AppendError) -> (UInt64, UInt64)? in
        if state.isClosing { throw Self.refusal(state) }
        let minimum = max(minimumByteCount, state.leastByteCount)
        if state.successors.contains(where: { $0.file.byteCount >= minimum }) { return nil }
        return (state.segment.byteCount, minimum)
      }
      guard let (current, minimum) = needed else { return }
      let size = SegmentFactory.nextByteCount(after: current, minimum: minimum, definition)
      do throws(ManifestFailure) {
        let prepared = try SegmentFactory.prepare(definition, byteCount: size, core: core)
        state.withLock { $0.successors.append(prepared) }
      } catch {
        throw .full(path: core.directory.path, cause: error.cause)
      }
    }
  }

  /// Has the next segment made ready in the background.
  func prepareSuccessorSoon() {
    core.later { [weak self] in
      guard let self, self.failure == nil else { return }
      // A full disk is reported by the append that really needs the segment.
      try? self.provideSuccessor(minimumByteCount: 0)
    }
  }
}
