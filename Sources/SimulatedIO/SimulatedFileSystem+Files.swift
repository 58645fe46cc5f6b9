public import PlatformIO

/// Files and mappings, as `FileSystem` wants them. Contracts are written there.
extension SimulatedFileSystem {
  /// Opens or creates a regular file.
  public func open(
    _ name: String, in directory: DirectoryHandle, _ access: FileAccess
  ) throws(FileSystemError) -> FileHandle {
    let intent = Intent(.open, .entry(name, directory))
    guard access == .create else {
      return try look(intent) { (disk) throws(FileSystemError) in
        try disk.openExisting(name, in: directory, isWritable: access == .readWrite, intent)
      }
    }
    // The handle is made after the numbered operation, so that a creation that takes place and is
    // reported as failed leaves no handle behind.
    announce(intent)
    return try state.withLock { (disk) throws(FileSystemError) in
      try disk.checkHandleCount(intent)
      try disk.check(name, intent)
      let file = try disk.change(intent) { (disk, _) throws(FileSystemError) in
        let index = try disk.directory(directory, intent)
        if disk.directories[index].entries[name] != nil {
          throw disk.error(intent, .alreadyExists)
        }
        if disk.directories[index].isRemoved { throw disk.error(intent, .notFound) }
        let file = disk.makeFile()
        disk.add(.file(file), name, in: index)
        return file
      }
      return disk.open(file, path: disk.path(of: intent.place), isWritable: true)
    }
  }

  /// Size, link count and identity.
  public func status(of file: FileHandle) throws(FileSystemError) -> FileStatus {
    let intent = Intent(.status, .file(file))
    return try look(intent) { (disk) throws(FileSystemError) in
      let found = disk.files[try disk.file(file, intent)]
      return FileStatus(
        byteCount: UInt64(found.byteCount),
        linkCount: found.linkCountOverride ?? UInt64(found.linkCount),
        identity: FileIdentity(device: disk.options.deviceNumber, inode: found.inode))
    }
  }

  /// Reads up to `buffer.count` bytes at a position.
  public func read(
    _ file: FileHandle, into buffer: UnsafeMutableRawBufferPointer, at position: UInt64
  ) throws(FileSystemError) -> Int {
    let intent = Intent(.read, .file(file), position: position, byteCount: UInt64(buffer.count))
    return try look(intent) { (disk) throws(FileSystemError) in
      let index = try disk.file(file, intent)
      guard let base = buffer.baseAddress, position < UInt64(disk.files[index].byteCount) else {
        return 0
      }
      // Safety: the buffer has `count` bytes and belongs to the caller during the call.
      return unsafe disk.files[index].read(into: base, count: buffer.count, at: Int(position))
    }
  }

  /// Writes all bytes at a position. On a full disk the part that fits is written.
  public func write(
    _ file: FileHandle, _ bytes: UnsafeRawBufferPointer, at position: UInt64
  ) throws(FileSystemError) {
    let intent = Intent(.write, .file(file), position: position, byteCount: UInt64(bytes.count))
    try change(intent) { (disk, extent) throws(FileSystemError) in
      let index = try disk.file(file, intent, forWriting: true)
      // Safety: the buffer belongs to the caller during the call.
      unsafe try disk.write(index, bytes, intent, extent, isDurable: false)
    }
  }

  /// Writes all bytes and makes them, and a size they extend, durable; not the bytes around them.
  ///
  /// An observer is called a second time in the middle, when the bytes are on their way: a power cut
  /// then keeps any part of them. Not so while a fault plan is set.
  public func writeDurably(
    _ file: FileHandle, _ bytes: UnsafeRawBufferPointer, at position: UInt64
  ) throws(FileSystemError) {
    let intent = Intent(
      .writeDurably, .file(file), position: position, byteCount: UInt64(bytes.count))
    let isObserved = try change(intent) { (disk, extent) throws(FileSystemError) in
      let index = try disk.file(file, intent, forWriting: true)
      let isObserved = disk.observer != nil && disk.faults == nil
      // Safety: the buffer belongs to the caller during the call.
      unsafe try disk.write(index, bytes, intent, extent, isDurable: !isObserved)
      return isObserved
    }
    guard isObserved else { return }
    announce(intent)
    try state.withLock { (disk) throws(FileSystemError) in
      let index = try disk.file(file, intent, forWriting: true)
      disk.files[index].synchronize(Int(position)..<Int(position) + bytes.count)
    }
  }

  /// Makes all written bytes, stores through mappings and the size durable.
  public func synchronizeData(_ file: FileHandle) throws(FileSystemError) {
    let intent = Intent(.synchronizeData, .file(file))
    try change(intent) { (disk, extent) throws(FileSystemError) in
      disk.synchronizeData(try disk.file(file, intent), extent)
    }
  }

  /// Allocates blocks for `[0, byteCount)` and extends the size to it.
  public func allocate(_ file: FileHandle, byteCount: UInt64) throws(FileSystemError) {
    let intent = Intent(.allocate, .file(file), byteCount: byteCount)
    try change(intent) { (disk, extent) throws(FileSystemError) in
      try disk.allocate(try disk.file(file, intent, forWriting: true), intent, extent)
    }
  }

  /// Sets the size.
  public func setSize(_ file: FileHandle, byteCount: UInt64) throws(FileSystemError) {
    let intent = Intent(.setSize, .file(file), byteCount: byteCount)
    try change(intent) { (disk, _) throws(FileSystemError) in
      try disk.setSize(try disk.file(file, intent, forWriting: true), intent)
    }
  }

  /// Gives back the blocks of a range, which reads as zero afterwards.
  public func punchHole(
    _ file: FileHandle, at position: UInt64, byteCount: UInt64
  ) throws(FileSystemError) {
    let intent = Intent(.punchHole, .file(file), position: position, byteCount: byteCount)
    try change(intent) { (disk, extent) throws(FileSystemError) in
      try disk.punchHole(try disk.file(file, intent, forWriting: true), intent, extent)
    }
  }

  /// Bytes of the file's allocated blocks.
  public func allocatedByteCount(of file: FileHandle) throws(FileSystemError) -> UInt64 {
    let intent = Intent(.status, .file(file))
    return try look(intent) { (disk) throws(FileSystemError) in
      UInt64(disk.files[try disk.file(file, intent)].blocks.count) * UInt64(Page.byteCount)
    }
  }

  /// Takes the exclusive lock, held by this opening until it is closed.
  public func lockExclusively(_ file: FileHandle) throws(FileSystemError) -> Bool {
    let intent = Intent(.lock, .file(file))
    return try look(intent) { (disk) throws(FileSystemError) in
      let index = try disk.file(file, intent)
      let holder = disk.files[index].lockHolder ?? file.rawValue
      guard holder == file.rawValue,
        disk.files[index].lockSharers.subtracting([holder]).isEmpty
      else { return false }
      disk.files[index].lockHolder = holder
      disk.files[index].lockSharers = []
      return true
    }
  }

  /// Takes a shared lock, held by this opening until it is closed; gives up an exclusive one.
  public func lockShared(_ file: FileHandle) throws(FileSystemError) -> Bool {
    let intent = Intent(.lock, .file(file))
    return try look(intent) { (disk) throws(FileSystemError) in
      let index = try disk.file(file, intent)
      guard disk.files[index].lockHolder ?? file.rawValue == file.rawValue else { return false }
      disk.files[index].lockHolder = nil
      disk.files[index].lockSharers.insert(file.rawValue)
      return true
    }
  }

  /// Releases a handle and its lock.
  public func close(_ file: FileHandle) {
    state.withLock { $0.close(file) }
  }

  // MARK: Mappings

  /// Maps `[0, byteCount)` of a file. All mappings of a file share one address, which stays while
  /// any is left.
  public func map(
    _ file: FileHandle, byteCount: Int, writable: Bool
  ) throws(FileSystemError) -> UnsafeMutableRawBufferPointer {
    let intent = Intent(.map, .file(file), byteCount: UInt64(clamping: byteCount))
    let address = try look(intent) { (disk) throws(FileSystemError) in
      let index = try disk.file(file, intent, forWriting: writable)
      return try disk.map(index, byteCount: byteCount, writable: writable, intent)
    }
    // Safety: the address is that of a reservation of at least `byteCount` bytes, which lives until
    // the last mapping of the file has ended.
    return unsafe UnsafeMutableRawBufferPointer(
      start: UnsafeMutableRawPointer(bitPattern: address), count: byteCount)
  }

  /// Does nothing: memory has no page faults to take ahead.
  public func populate(_ region: UnsafeMutableRawBufferPointer) {}

  /// Does nothing: memory needs no hints.
  public func advise(_ region: UnsafeMutableRawBufferPointer, _ pattern: AccessPattern) {}

  /// Ends a mapping.
  public func unmap(_ region: UnsafeMutableRawBufferPointer) {
    let address = UInt(bitPattern: region.baseAddress)
    let byteCount = region.count
    state.withLock { $0.unmap(address: address, byteCount: byteCount) }
  }
}

extension Disk {
  fileprivate mutating func openExisting(
    _ name: String, in directory: DirectoryHandle, isWritable: Bool, _ intent: Intent
  ) throws(FileSystemError) -> FileHandle {
    try checkHandleCount(intent)
    try check(name, intent)
    switch directories[try self.directory(directory, intent)].entries[name] {
    case nil: throw error(intent, .notFound)
    case .directory?, .special?: throw error(intent, .notARegularFile)
    case .file(let index)?:
      if isWritable && options.isReadOnly { throw error(intent, .readOnlyFileSystem) }
      return open(index, path: path(of: intent.place), isWritable: isWritable)
    }
  }
}
