internal import CPlatform
internal import Glibc

extension PosixFileSystem {
  // MARK: Opening and making

  public func openDirectory(path: String) throws(FileSystemError) -> DirectoryHandle {
    try requirePath(path, .openDirectory)
    return try openDirectory(named: path, relativeTo: AT_FDCWD, flags: 0, path)
  }

  public func openDirectory(_ name: String, in parent: DirectoryHandle) throws(FileSystemError)
    -> DirectoryHandle
  {
    let path = path(of: name, in: parent)
    try requireSingleComponent(name, .openDirectory, path)
    return try openDirectory(named: name, relativeTo: parent.rawValue, flags: O_NOFOLLOW, path)
  }

  public func makeDirectory(path: String) throws(FileSystemError) {
    try requirePath(path, .makeDirectory)
    try makeDirectory(named: path, relativeTo: AT_FDCWD, path)
  }

  public func makeDirectory(_ name: String, in parent: DirectoryHandle) throws(FileSystemError) {
    let path = path(of: name, in: parent)
    try requireSingleComponent(name, .makeDirectory, path)
    try makeDirectory(named: name, relativeTo: parent.rawValue, path)
  }

  private func openDirectory(
    named name: String, relativeTo parent: Int32, flags: Int32, _ path: String
  ) throws(FileSystemError) -> DirectoryHandle {
    let all = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | flags
    let first = try systemCall(.openDirectory, path, expecting: .directory) {
      // Safety: the name is a string that lives through the call.
      unsafe piperoll_openat(parent, name, all, 0)
    }
    let descriptor = try movedAboveStandardStreams(first, .openDirectory, path)
    remember(descriptor, path)
    return DirectoryHandle(rawValue: descriptor)
  }

  private func makeDirectory(named name: String, relativeTo parent: Int32, _ path: String)
    throws(FileSystemError)
  {
    // Safety: the name is a string that lives through the calls, the structure is ours.
    _ = try systemCall(.makeDirectory, path) { unsafe mkdirat(parent, name, 0o700) }
    var status = stat()
    _ = try systemCall(.makeDirectory, path) {
      unsafe fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW)
    }
    // The umask may have taken bits away, a set-group-ID parent may have added one.
    guard status.st_mode & 0o7777 != 0o700 else { return }
    _ = try systemCall(.makeDirectory, path) {
      unsafe fchmodat(parent, name, 0o700, AT_SYMLINK_NOFOLLOW)
    }
  }

  // MARK: Contents

  public func entries(of directory: DirectoryHandle) throws(FileSystemError) -> [DirectoryEntry] {
    let path = path(of: directory.rawValue)
    // An opening of its own: a duplicate would share its place in the list with other threads.
    let descriptor = try systemCall(.listDirectory, path, expecting: .directory) {
      // Safety: a literal.
      unsafe piperoll_openat(directory.rawValue, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    }
    guard let list = unsafe fdopendir(descriptor) else {
      let number = errno
      _ = Glibc.close(descriptor)
      throw failure(.listDirectory, path, number)
    }
    // Safety: the list is open until here; it owns the descriptor.
    defer { _ = unsafe closedir(list) }
    var entries: [DirectoryEntry] = []
    while true {
      errno = 0
      // Safety: each entry is copied before the next is asked for; only this thread has the list.
      guard let entry = unsafe readdir(list) else {
        let number = errno
        if number != 0 { throw failure(.listDirectory, path, number) }
        return entries
      }
      if let known = unsafe Self.entry(at: entry, listing: descriptor) { entries.append(known) }
    }
  }

  /// Copies one entry; nil for the directory itself and its parent.
  private static func entry(at entry: UnsafeMutablePointer<dirent>, listing directory: Int32)
    -> DirectoryEntry?
  {
    let place = MemoryLayout<dirent>.offset(of: \.d_name) ?? 19
    // Safety: the name is NUL-terminated inside an entry that is valid until the next `readdir`.
    let name = unsafe UnsafeRawPointer(entry).advanced(by: place)
      .assumingMemoryBound(to: CChar.self)
    guard let text = unsafe String(validatingCString: name) else {
      return DirectoryEntry(name: unsafe String(cString: name), kind: .other)
    }
    if text == "." || text == ".." { return nil }
    switch unsafe Int(entry.pointee.d_type) {
    case Int(DT_REG): return DirectoryEntry(name: text, kind: .regular)
    case Int(DT_DIR): return DirectoryEntry(name: text, kind: .directory)
    case Int(DT_UNKNOWN):
      return DirectoryEntry(name: text, kind: kind(of: text, in: directory))
    default: return DirectoryEntry(name: text, kind: .other)
    }
  }

  /// Asks for a kind the file system does not list.
  private static func kind(of name: String, in directory: Int32) -> FileKind {
    var status = stat()
    // Safety: the name lives through the call, the structure is ours.
    guard unsafe fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .other }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .regular
    case S_IFDIR: return .directory
    default: return .other
    }
  }

  // MARK: Names

  public func rename(
    _ name: String, in directory: DirectoryHandle, to newName: String,
    in newDirectory: DirectoryHandle
  ) throws(FileSystemError) {
    let path = path(of: name, in: directory)
    try requireSingleComponent(name, .rename, path)
    try requireSingleComponent(newName, .rename, self.path(of: newName, in: newDirectory))
    _ = try systemCall(.rename, path) {
      // Safety: both names live through the call.
      unsafe renameat(directory.rawValue, name, newDirectory.rawValue, newName)
    }
  }

  public func unlink(_ name: String, in directory: DirectoryHandle) throws(FileSystemError) {
    let path = path(of: name, in: directory)
    try requireSingleComponent(name, .unlink, path)
    // Safety: the name lives through the call.
    _ = try systemCall(.unlink, path, expecting: .file) {
      unsafe unlinkat(directory.rawValue, name, 0)
    }
  }

  public func removeDirectory(_ name: String, in directory: DirectoryHandle)
    throws(FileSystemError)
  {
    let path = path(of: name, in: directory)
    try requireSingleComponent(name, .removeDirectory, path)
    // Safety: the name lives through the call.
    _ = try systemCall(.removeDirectory, path, expecting: .directory) {
      unsafe unlinkat(directory.rawValue, name, AT_REMOVEDIR)
    }
  }

  // MARK: Durability and facts

  public func synchronize(_ directory: DirectoryHandle) throws(FileSystemError) {
    _ = try systemCall(.synchronizeDirectory, path(of: directory.rawValue)) {
      fsync(directory.rawValue)
    }
  }

  public func synchronizeParent(ofDirectoryAt path: String) throws(FileSystemError) {
    try requirePath(path, .synchronizeDirectory)
    // By way of `..`, which is right for relative paths, trailing slashes and links alike.
    let parent = path + "/.."
    let descriptor = try systemCall(.synchronizeDirectory, parent, expecting: .directory) {
      // Safety: the path lives through the call.
      unsafe piperoll_openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    }
    defer { _ = Glibc.close(descriptor) }
    _ = try systemCall(.synchronizeDirectory, parent) { fsync(descriptor) }
  }

  public func space(of directory: DirectoryHandle) throws(FileSystemError) -> FileSystemSpace {
    let path = path(of: directory.rawValue)
    var space = statvfs()
    var type: UInt64 = 0
    // Safety: both structures are ours and outlive the calls.
    _ = try systemCall(.spaceOfFileSystem, path) { unsafe fstatvfs(directory.rawValue, &space) }
    _ = try systemCall(.spaceOfFileSystem, path) {
      unsafe piperoll_file_system_type(directory.rawValue, &type)
    }
    return FileSystemSpace(
      byteCount: saturatingProduct(UInt64(space.f_blocks), UInt64(space.f_frsize)),
      availableByteCount: saturatingProduct(UInt64(space.f_bavail), UInt64(space.f_frsize)),
      isReadOnly: UInt64(space.f_flag) & UInt64(ST_RDONLY) != 0,
      isCopyOnWrite: copyOnWriteTypes.contains(type))
  }

  public func identity(of directory: DirectoryHandle) throws(FileSystemError) -> FileIdentity {
    let status = try fullStatus(of: directory.rawValue, .status)
    return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  public func close(_ directory: DirectoryHandle) { release(directory.rawValue) }
}

/// Numbers by which `statfs` names the file systems that write over a block in another place
/// (linux/magic.h): btrfs, zfs, bcachefs, overlayfs, aufs, nilfs2. XFS shares blocks only between
/// files cloned on purpose, which ours are not.
private let copyOnWriteTypes: Set<UInt64> = [
  0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e, 0x794c_7630, 0x6175_6673, 0x3434,
]

/// A product of two counts the system reports, at most the largest number.
private func saturatingProduct(_ left: UInt64, _ right: UInt64) -> UInt64 {
  let (product, overflow) = left.multipliedReportingOverflow(by: right)
  return overflow ? .max : product
}
