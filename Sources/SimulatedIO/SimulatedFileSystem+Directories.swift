public import PlatformIO

/// Directories, as `FileSystem` wants them. Contracts are written there.
extension SimulatedFileSystem {
  /// Opens a directory by path. Relative paths start at the root.
  public func openDirectory(path: String) throws(FileSystemError) -> DirectoryHandle {
    let intent = Intent(.openDirectory, .path(path))
    return try look(intent) { (disk) throws(FileSystemError) in
      try disk.checkHandleCount(intent)
      return disk.open(try disk.directory(at: path, intent), path: path)
    }
  }

  /// Opens a directory inside another one.
  public func openDirectory(
    _ name: String, in parent: DirectoryHandle
  ) throws(FileSystemError) -> DirectoryHandle {
    let intent = Intent(.openDirectory, .entry(name, parent))
    return try look(intent) { (disk) throws(FileSystemError) in
      try disk.checkHandleCount(intent)
      try disk.check(name, intent)
      let directory = try disk.directory(parent, intent)
      switch disk.directories[directory].entries[name] {
      case .directory(let index)?:
        return disk.open(index, path: disk.path(of: intent.place))
      case .file?, .special?: throw disk.error(intent, .notADirectory)
      case nil: throw disk.error(intent, .notFound)
      }
    }
  }

  /// Creates a directory by path.
  public func makeDirectory(path: String) throws(FileSystemError) {
    let intent = Intent(.makeDirectory, .path(path))
    try change(intent) { (disk, _) throws(FileSystemError) in
      let (parent, name) = try disk.parent(of: path, intent)
      try disk.makeDirectory(name, in: parent, intent)
    }
  }

  /// Creates a directory inside another one.
  public func makeDirectory(_ name: String, in parent: DirectoryHandle) throws(FileSystemError) {
    let intent = Intent(.makeDirectory, .entry(name, parent))
    try change(intent) { (disk, _) throws(FileSystemError) in
      try disk.check(name, intent)
      try disk.makeDirectory(name, in: try disk.directory(parent, intent), intent)
    }
  }

  /// Names and kinds of all entries, in an order that is neither by name nor by age.
  public func entries(
    of directory: DirectoryHandle
  ) throws(FileSystemError) -> [DirectoryEntry] {
    let intent = Intent(.listDirectory, .directory(directory))
    return try look(intent) { (disk) throws(FileSystemError) in
      let index = try disk.directory(directory, intent)
      let entries = disk.directories[index].entries.map { name, entry in
        (order: scrambled(name), entry: DirectoryEntry(name: name, kind: entry.kind))
      }
      return entries.sorted { $0.order < $1.order }.map(\.entry)
    }
  }

  /// Makes creations, renames and removals in a directory durable. A rename between two directories
  /// survives for certain only when both have been synced.
  public func synchronize(_ directory: DirectoryHandle) throws(FileSystemError) {
    let intent = Intent(.synchronizeDirectory, .directory(directory))
    try change(intent) { (disk, extent) throws(FileSystemError) in
      disk.synchronizeDirectory(try disk.directory(directory, intent), extent)
    }
  }

  /// Makes the entry of a directory itself durable.
  public func synchronizeParent(ofDirectoryAt path: String) throws(FileSystemError) {
    let intent = Intent(.synchronizeDirectory, .path(path))
    try change(intent) { (disk, extent) throws(FileSystemError) in
      disk.synchronizeDirectory(try disk.parent(of: path, intent).directory, extent)
    }
  }

  /// Space of the file system.
  public func space(of directory: DirectoryHandle) throws(FileSystemError) -> FileSystemSpace {
    let intent = Intent(.spaceOfFileSystem, .directory(directory))
    return try look(intent) { (disk) throws(FileSystemError) in
      _ = try disk.directory(directory, intent)
      return FileSystemSpace(
        byteCount: disk.options.byteCapacity,
        availableByteCount: UInt64(disk.freeBlockCount) * UInt64(Page.byteCount),
        isReadOnly: disk.options.isReadOnly, isCopyOnWrite: disk.options.isCopyOnWrite)
    }
  }

  /// Device and inode of a directory.
  public func identity(of directory: DirectoryHandle) throws(FileSystemError) -> FileIdentity {
    let intent = Intent(.status, .directory(directory))
    return try look(intent) { (disk) throws(FileSystemError) in
      let index = try disk.directory(directory, intent)
      return FileIdentity(
        device: disk.options.deviceNumber, inode: disk.directories[index].inode)
    }
  }

  /// Renames, replacing an existing target atomically.
  public func rename(
    _ name: String, in directory: DirectoryHandle, to newName: String,
    in newDirectory: DirectoryHandle
  ) throws(FileSystemError) {
    let intent = Intent(.rename, .entry(name, directory))
    try change(intent) { (disk, _) throws(FileSystemError) in
      try disk.check(name, intent)
      try disk.check(newName, intent)
      let source = try disk.directory(directory, intent)
      let target = try disk.directory(newDirectory, intent)
      try disk.rename(name, in: source, to: newName, in: target, intent)
    }
  }

  /// Removes a file's name, or that of a special file.
  public func unlink(_ name: String, in directory: DirectoryHandle) throws(FileSystemError) {
    let intent = Intent(.unlink, .entry(name, directory))
    try change(intent) { (disk, _) throws(FileSystemError) in
      try disk.check(name, intent)
      let index = try disk.directory(directory, intent)
      switch disk.directories[index].entries[name] {
      case nil: throw disk.error(intent, .notFound)
      case .directory?: throw disk.error(intent, .notARegularFile)
      case let entry?: disk.remove(entry, name, in: index)
      }
    }
  }

  /// Removes an empty directory.
  public func removeDirectory(
    _ name: String, in directory: DirectoryHandle
  ) throws(FileSystemError) {
    let intent = Intent(.removeDirectory, .entry(name, directory))
    try change(intent) { (disk, _) throws(FileSystemError) in
      try disk.check(name, intent)
      let index = try disk.directory(directory, intent)
      guard let entry = disk.directories[index].entries[name] else {
        throw disk.error(intent, .notFound)
      }
      guard case .directory(let removed) = entry else { throw disk.error(intent, .notADirectory) }
      if !disk.directories[removed].entries.isEmpty {
        throw disk.error(intent, .system(errorNumber: 39))
      }
      disk.remove(entry, name, in: index)
    }
  }

  /// Releases a handle.
  public func close(_ directory: DirectoryHandle) {
    state.withLock { disk in
      if disk.openDirectories.removeValue(forKey: directory.rawValue) == nil {
        disk.misuseCount += 1
      }
    }
  }
}

/// FNV-1a of a name: an order nobody can rely on, the same in every run.
private func scrambled(_ name: String) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return hash
}

extension Disk {
  mutating func makeDirectory(
    _ name: String, in parent: Int, _ intent: Intent
  ) throws(FileSystemError) {
    if name.isEmpty || directories[parent].entries[name] != nil {
      throw error(intent, .alreadyExists)
    }
    if directories[parent].isRemoved { throw error(intent, .notFound) }
    directories.append(SimulatedDirectory(inode: nextInode))
    nextInode += 1
    add(.directory(directories.count - 1), name, in: parent)
  }

  mutating func synchronizeDirectory(_ directory: Int, _ extent: Extent) {
    switch extent {
    case .whole: synchronizeEntries(of: directory)
    case .part:
      synchronizeEntries(of: directory, limit: (pendingChangeCount(in: directory) + 1) / 2)
    }
  }

  mutating func rename(
    _ name: String, in source: Int, to newName: String, in target: Int, _ intent: Intent
  ) throws(FileSystemError) {
    guard let entry = directories[source].entries[name], !directories[target].isRemoved else {
      throw error(intent, .notFound)
    }
    switch (entry, directories[target].entries[newName]) {
    case (_, nil): break
    case (.directory, .directory(let replaced)?):
      if replaced != target, directories[replaced].entries.isEmpty { break }
      throw error(intent, .system(errorNumber: 39))
    case (.directory, _?): throw error(intent, .notADirectory)
    case (_, .directory?): throw error(intent, .notARegularFile)
    default: break
    }
    move(entry, name, in: source, to: newName, in: target)
  }
}
