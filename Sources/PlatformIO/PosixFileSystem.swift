internal import CPlatform
internal import Glibc

/// The file system of the machine, by system calls.
///
/// One value serves a whole process; it may be shared by all threads. Errors name full paths: the
/// path of each open handle is remembered here. Calls interrupted by a signal are repeated.
///
/// Creating the first value sets SIGXFSZ to be ignored if nobody has chosen otherwise, because its
/// default action would end the host process at the first write over `RLIMIT_FSIZE`; the write then
/// fails with `.noSpace`. The choice is inherited by programs the process starts.
///
/// Handles opened for writing and locks are not shared with a forked child: there they refuse every
/// transfer (`EBADF`), and locks stay with the parent. Mappings are inherited.
public final class PosixFileSystem: FileSystem {
  /// Full paths of the open handles, by descriptor.
  private let paths = Guarded<[Int32: String]>([:])

  /// Makes a file system; see the type about SIGXFSZ.
  public init() { Self.ignoreFileSizeSignal() }

  /// Sets SIGXFSZ to be ignored, unless it is handled or ignored already.
  public static func ignoreFileSizeSignal() { piperoll_ignore_file_size_signal() }

  // MARK: Paths of handles

  /// The path of an open handle, for errors.
  func path(of descriptor: Int32) -> String {
    paths.withLock { $0[descriptor] } ?? "(descriptor \(descriptor))"
  }

  /// The path of a name inside an open directory, for errors.
  func path(of name: String, in directory: DirectoryHandle) -> String {
    let parent = path(of: directory.rawValue)
    return parent.hasSuffix("/") ? parent + name : parent + "/" + name
  }

  /// Remembers the path of a descriptor just opened.
  func remember(_ descriptor: Int32, _ path: String) {
    paths.withLock { $0[descriptor] = path }
  }

  /// Closes a descriptor and forgets its path.
  func release(_ descriptor: Int32) {
    // Forgotten before it is closed: right after, another thread may be given the same number.
    paths.withLock { $0[descriptor] = nil }
    piperoll_fork_close(descriptor)
  }

  // MARK: Files

  public func open(_ name: String, in directory: DirectoryHandle, _ access: FileAccess)
    throws(FileSystemError) -> FileHandle
  {
    let path = path(of: name, in: directory)
    try requireSingleComponent(name, .open, path)
    let flags: Int32 =
      switch access {
      case .readOnly: O_RDONLY
      case .readWrite: O_RDWR
      case .create: O_RDWR | O_CREAT | O_EXCL
      }
    // A child forked between opening and registering would share the opening, and a lock on it.
    if access != .readOnly { piperoll_fork_hold_off() }
    defer { if access != .readOnly { piperoll_fork_let_go() } }
    // Not blocking: a FIFO in the place of a file would hold up a plain open for ever.
    let guarded = flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY
    let first = try systemCall(.open, path, expecting: .file) {
      // Safety: the name is a string that lives through the call.
      unsafe piperoll_openat(directory.rawValue, name, guarded, 0o600)
    }
    do throws(FileSystemError) {
      let descriptor = try checkedDescriptor(first, path, isNew: access == .create)
      if access != .readOnly { _ = piperoll_fork_register(descriptor) }
      remember(descriptor, path)
      return FileHandle(rawValue: descriptor)
    } catch {
      // Safety: as above. A file that could not be given its mode is not left behind.
      if access == .create { _ = unsafe unlinkat(directory.rawValue, name, 0) }
      throw error
    }
  }

  public func status(of file: FileHandle) throws(FileSystemError) -> FileStatus {
    let status = try fullStatus(of: file.rawValue, .status)
    return FileStatus(
      byteCount: UInt64(clamping: status.st_size), linkCount: UInt64(status.st_nlink),
      identity: FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino)))
  }

  public func setSize(_ file: FileHandle, byteCount: UInt64) throws(FileSystemError) {
    let path = path(of: file.rawValue)
    let size = try fileOffset(byteCount, .setSize, path)
    _ = try systemCall(.setSize, path) { ftruncate(file.rawValue, size) }
  }

  public func allocatedByteCount(of file: FileHandle) throws(FileSystemError) -> UInt64 {
    UInt64(clamping: try fullStatus(of: file.rawValue, .status).st_blocks) &* 512
  }

  public func lockExclusively(_ file: FileHandle) throws(FileSystemError) -> Bool {
    try lock(file, piperoll_lock_exclusively)
  }

  public func lockShared(_ file: FileHandle) throws(FileSystemError) -> Bool {
    try lock(file, piperoll_lock_shared)
  }

  private func lock(_ file: FileHandle, _ take: (Int32) -> Int32) throws(FileSystemError) -> Bool {
    while take(file.rawValue) != 0 {
      let number = errno
      switch number {
      case EINTR: continue
      case EAGAIN, EACCES: return false
      default: throw failure(.lock, path(of: file.rawValue), number)
      }
    }
    return true
  }

  /// Closes a file and gives up its lock.
  ///
  /// A child that was forked has a copy of the descriptor until it executes another program, and closing ours
  /// would leave the lock with it. Such a child itself must not give up what belongs to its parent.
  public func close(_ file: FileHandle) {
    if piperoll_fork_generation() == 0 { _ = piperoll_unlock(file.rawValue) }
    release(file.rawValue)
  }

  // MARK: Helpers

  /// `fstat` of an open handle.
  func fullStatus(of descriptor: Int32, _ operation: FileSystemError.Operation)
    throws(FileSystemError) -> stat
  {
    var status = stat()
    _ = try systemCall(operation, path(of: descriptor)) {
      // Safety: the structure is ours and outlives the call.
      unsafe fstat(descriptor, &status)
    }
    return status
  }

  /// Refuses anything but a regular file, gives a new one the mode 0600 whatever the umask, and
  /// moves the descriptor above 2. Closes it before it throws.
  private func checkedDescriptor(_ first: Int32, _ path: String, isNew: Bool)
    throws(FileSystemError) -> Int32
  {
    let descriptor = try movedAboveStandardStreams(first, .open, path)
    do throws(FileSystemError) {
      var status = stat()
      // Safety: the structure is ours and outlives the call.
      _ = try systemCall(.open, path) { unsafe fstat(descriptor, &status) }
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw FileSystemError(.open, path, .notARegularFile)
      }
      if isNew, status.st_mode & 0o7777 != 0o600 {
        _ = try systemCall(.open, path) { fchmod(descriptor, 0o600) }
      }
      return descriptor
    } catch {
      _ = Glibc.close(descriptor)
      throw error
    }
  }
}
