/// The seam between the engine and a file system: every effect on a disk passes through here.
///
/// Paths are never joined inside a store: a store holds one directory handle, everything below it is
/// reached relative to a handle, by a single path component, and links are never followed
/// (`O_NOFOLLOW`), so that nothing outside the store can be touched by way of it.
///
/// The two implementations are `PosixFileSystem` (system calls) and `SimulatedFileSystem` of the
/// `FaultKit` product (written and synced bytes kept apart, faults on demand). All methods may be
/// called from any thread. Handles are plain numbers; `File` and `Directory` own them.
public protocol FileSystem: AnyObject, Sendable {
  // MARK: Directories

  /// Opens an existing directory by path; only the store's own directory is opened this way, and a
  /// link at its last component is followed.
  func openDirectory(path: String) throws(FileSystemError) -> DirectoryHandle
  /// Opens a directory inside another one by its single-component name, not following links.
  func openDirectory(_ name: String, in parent: DirectoryHandle) throws(FileSystemError)
    -> DirectoryHandle
  /// Creates one directory by path with mode 0700, whatever the umask; its parent must exist.
  func makeDirectory(path: String) throws(FileSystemError)
  /// Creates a directory inside another one with mode 0700, whatever the umask.
  func makeDirectory(_ name: String, in parent: DirectoryHandle) throws(FileSystemError)
  /// Names and kinds of all entries but `.` and `..`, in no particular order. Names that are not
  /// UTF-8 are returned with replacement characters and kind `.other`, so they never match ours.
  func entries(of directory: DirectoryHandle) throws(FileSystemError) -> [DirectoryEntry]
  /// Makes creations, renames and removals in a directory durable.
  func synchronize(_ directory: DirectoryHandle) throws(FileSystemError)
  /// Makes the entry of a directory itself durable, in its parent.
  func synchronizeParent(ofDirectoryAt path: String) throws(FileSystemError)
  /// Space of the file system a directory is on.
  func space(of directory: DirectoryHandle) throws(FileSystemError) -> FileSystemSpace
  /// Device and inode of a directory; a copy of a store differs in them.
  func identity(of directory: DirectoryHandle) throws(FileSystemError) -> FileIdentity
  /// Renames within one file system; an existing target is replaced atomically.
  func rename(
    _ name: String, in directory: DirectoryHandle, to newName: String,
    in newDirectory: DirectoryHandle) throws(FileSystemError)
  /// Removes a file's name; its bytes live on while it is open or mapped.
  func unlink(_ name: String, in directory: DirectoryHandle) throws(FileSystemError)
  /// Removes an empty directory.
  func removeDirectory(_ name: String, in directory: DirectoryHandle) throws(FileSystemError)
  /// Releases a handle. Never fails; errors of `close` say nothing about durability.
  func close(_ directory: DirectoryHandle)

  // MARK: Files

  /// Opens a regular file (anything else is `.notARegularFile`), never following a link, never
  /// blocking, close-on-exec, on a descriptor above 2. `.create` fails when the name exists.
  func open(_ name: String, in directory: DirectoryHandle, _ access: FileAccess)
    throws(FileSystemError) -> FileHandle
  /// Size, kind, link count and identity.
  func status(of file: FileHandle) throws(FileSystemError) -> FileStatus
  /// Reads up to `buffer.count` bytes at a position; returns fewer only at the end of the file.
  func read(_ file: FileHandle, into buffer: UnsafeMutableRawBufferPointer, at position: UInt64)
    throws(FileSystemError) -> Int
  /// Writes all bytes at a position, or throws; after an error any part may have been written.
  func write(_ file: FileHandle, _ bytes: UnsafeRawBufferPointer, at position: UInt64)
    throws(FileSystemError)
  /// Writes all bytes and makes that range durable, as one call (`RWF_DSYNC`) where the system can.
  /// Earlier unsynced writes of the file are not covered.
  func writeDurably(_ file: FileHandle, _ bytes: UnsafeRawBufferPointer, at position: UInt64)
    throws(FileSystemError)
  /// Makes all written bytes (and stores through mappings) and the size durable (`fdatasync`).
  ///
  /// After an error the bytes of earlier writes may be lost although a second call succeeds; callers
  /// never retry: they go on in a fresh file.
  func synchronizeData(_ file: FileHandle) throws(FileSystemError)
  /// Allocates blocks for `[0, byteCount)` and extends the size to it. Bytes read as zero. Never
  /// emulated by writing: `.unsupported` where the file system cannot.
  func allocate(_ file: FileHandle, byteCount: UInt64) throws(FileSystemError)
  /// Sets the size. Never called on a file that was ever mapped, except to grow it.
  func setSize(_ file: FileHandle, byteCount: UInt64) throws(FileSystemError)
  /// Gives back the blocks of a range, keeping the size; the range reads as zero afterwards.
  func punchHole(_ file: FileHandle, at position: UInt64, byteCount: UInt64)
    throws(FileSystemError)
  /// Blocks really allocated, in bytes.
  func allocatedByteCount(of file: FileHandle) throws(FileSystemError) -> UInt64
  /// Takes the exclusive lock of an open file description (`F_OFD_SETLK`); false when another holds
  /// it. The lock ends with the last descriptor of this opening, or its process.
  func lockExclusively(_ file: FileHandle) throws(FileSystemError) -> Bool
  /// Takes a shared lock of an open file description; false when another holds the exclusive one.
  func lockShared(_ file: FileHandle) throws(FileSystemError) -> Bool
  /// Releases a handle. Never fails.
  func close(_ file: FileHandle)

  // MARK: Mappings

  /// Maps `[0, byteCount)` of a file, shared. The range must lie inside the file's size.
  func map(_ file: FileHandle, byteCount: Int, writable: Bool) throws(FileSystemError)
    -> UnsafeMutableRawBufferPointer
  /// Takes the page faults of a range of a writable mapping now (`MADV_POPULATE_WRITE`); a hint.
  func populate(_ region: UnsafeMutableRawBufferPointer)
  /// How a mapping will be read; a hint.
  func advise(_ region: UnsafeMutableRawBufferPointer, _ pattern: AccessPattern)
  /// Ends a mapping made by `map`.
  func unmap(_ region: UnsafeMutableRawBufferPointer)
}

/// An open directory, as the implementation numbers it.
public struct DirectoryHandle: Hashable, Sendable {
  /// The implementation's own number: a descriptor for `PosixFileSystem`.
  public let rawValue: Int32
  /// Wraps the implementation's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// An open file, as the implementation numbers it.
public struct FileHandle: Hashable, Sendable {
  /// The implementation's own number: a descriptor for `PosixFileSystem`.
  public let rawValue: Int32
  /// Wraps the implementation's number.
  public init(rawValue: Int32) { self.rawValue = rawValue }
}

/// What a file is opened for.
public enum FileAccess: Sendable {
  /// Reading an existing file.
  case readOnly
  /// Reading and writing an existing file.
  case readWrite
  /// Creating a file of mode 0600 that must not exist yet, for reading and writing.
  case create
}

/// What a directory entry is.
public enum FileKind: Sendable {
  /// A regular file.
  case regular
  /// A directory.
  case directory
  /// A symbolic link, device, socket, FIFO, or something unknown.
  case other
}

/// One name in a directory.
public struct DirectoryEntry: Hashable, Sendable {
  /// A single path component.
  public let name: String
  /// What the name stands for, links not followed.
  public let kind: FileKind
  /// Makes an entry.
  public init(name: String, kind: FileKind) {
    self.name = name
    self.kind = kind
  }
}

/// Device and inode: equal for two names of one file, different for a copy.
public struct FileIdentity: Hashable, Sendable {
  /// Number of the device the file is on.
  public let device: UInt64
  /// Number of the file on its device.
  public let inode: UInt64
  /// Makes an identity.
  public init(device: UInt64, inode: UInt64) {
    self.device = device
    self.inode = inode
  }
}

/// What is known about an open file.
public struct FileStatus: Sendable {
  /// Size in bytes.
  public let byteCount: UInt64
  /// Number of names of the file; a segment with more than one must not be recycled.
  public let linkCount: UInt64
  /// Device and inode.
  public let identity: FileIdentity
  /// Makes a status.
  public init(byteCount: UInt64, linkCount: UInt64, identity: FileIdentity) {
    self.byteCount = byteCount
    self.linkCount = linkCount
    self.identity = identity
  }
}

/// Space and nature of a file system.
public struct FileSystemSpace: Sendable {
  /// Bytes in all.
  public let byteCount: UInt64
  /// Bytes this process may still use.
  public let availableByteCount: UInt64
  /// Mounted read-only.
  public let isReadOnly: Bool
  /// Writing over an allocated block may need new space (copy on write, reflink, overlay), so that
  /// stores through a mapping could fail with a signal.
  public let isCopyOnWrite: Bool
  /// Makes a description.
  public init(
    byteCount: UInt64, availableByteCount: UInt64, isReadOnly: Bool, isCopyOnWrite: Bool
  ) {
    self.byteCount = byteCount
    self.availableByteCount = availableByteCount
    self.isReadOnly = isReadOnly
    self.isCopyOnWrite = isCopyOnWrite
  }
}

/// How a mapping will be read.
public enum AccessPattern: Sendable {
  /// No hint.
  case normal
  /// From the front to the back, once.
  case sequential
  /// Here and there.
  case random
  /// Soon: read it in now.
  case willNeed
  /// Not again soon: the pages may be dropped.
  case doNotNeed
}

extension FileSystem {
  /// Writes an array's bytes at a position, or throws.
  public func write(_ file: FileHandle, bytes: [UInt8], at position: UInt64, durably: Bool = false)
    throws(FileSystemError)
  {
    var result: Result<Void, FileSystemError> = .success(())
    // Safety: the buffer lives for the closure.
    unsafe bytes.withUnsafeBytes { buffer in
      do throws(FileSystemError) {
        if durably {
          try unsafe writeDurably(file, buffer, at: position)
        } else {
          try unsafe write(file, buffer, at: position)
        }
      } catch {
        result = .failure(error)
      }
    }
    try result.get()
  }

  /// Reads up to `byteCount` bytes at a position; fewer only at the end of the file.
  public func read(_ file: FileHandle, byteCount: Int, at position: UInt64)
    throws(FileSystemError) -> [UInt8]
  {
    var result: Result<Int, FileSystemError> = .success(0)
    // Safety: the buffer lives for the closure; `read` says how much of it was filled.
    var bytes = [UInt8](repeating: 0, count: byteCount)
    unsafe bytes.withUnsafeMutableBytes { buffer in
      do throws(FileSystemError) {
        result = .success(try unsafe read(file, into: buffer, at: position))
      } catch {
        result = .failure(error)
      }
    }
    bytes.removeLast(bytes.count - (try result.get()))
    return bytes
  }
}
