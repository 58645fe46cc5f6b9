/// An open regular file and the duty to close it. May be used from any thread.
public struct File: ~Copyable, Sendable {
  /// Where it was when it was opened.
  public let path: String
  /// The number of the file system's own.
  public let handle: FileHandle
  /// The file system it belongs to.
  public let system: any FileSystem

  /// Opens or creates a file by its single-component name; see `FileSystem.open`.
  public init(opening name: String, in directory: borrowing Directory, _ access: FileAccess)
    throws(FileSystemError)
  {
    self.handle = try directory.system.open(name, in: directory.handle, access)
    self.path = directory.path(of: name)
    self.system = directory.system
  }

  deinit { system.close(handle) }

  /// Size, link count and identity.
  public func status() throws(FileSystemError) -> FileStatus { try system.status(of: handle) }

  /// Reads up to `buffer.count` bytes; fewer only at the end of the file.
  ///
  /// - Returns: How many bytes at the front of the buffer were filled.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at position: UInt64)
    throws(FileSystemError) -> Int
  {
    // Safety: the caller's buffer is passed on for the length of the call.
    try unsafe system.read(handle, into: buffer, at: position)
  }

  /// Returns a copy of bytes of the file.
  ///
  /// The memory is allocated first, so the caller bounds the count.
  /// - Throws: `.unexpectedEnd` when the file ends before.
  public func copyBytes(_ byteCount: Int, at position: UInt64) throws(FileSystemError) -> [UInt8] {
    precondition(byteCount >= 0, "a byte count is never negative")
    var bytes = [UInt8](repeating: 0, count: byteCount)
    var elements = bytes.mutableSpan
    // Safety: bytes have no values that are not valid; the array's storage outlives the call.
    var memory = unsafe elements.mutableBytes
    let count = try unsafe memory.withUnsafeMutableBytes { (buffer) throws(FileSystemError) in
      try unsafe system.read(handle, into: buffer, at: position)
    }
    guard count == byteCount else { throw FileSystemError(.read, path, .unexpectedEnd) }
    return bytes
  }

  /// Writes all bytes, or throws; after an error any part may have been written.
  public func write(_ bytes: RawSpan, at position: UInt64) throws(FileSystemError) {
    try unsafe bytes.withUnsafeBytes { (buffer) throws(FileSystemError) in
      // Safety: the span keeps its bytes valid for the length of the call.
      try unsafe system.write(handle, buffer, at: position)
    }
  }

  /// Writes all bytes and makes that range durable; earlier unsynced writes are not covered.
  public func writeDurably(_ bytes: RawSpan, at position: UInt64) throws(FileSystemError) {
    try unsafe bytes.withUnsafeBytes { (buffer) throws(FileSystemError) in
      // Safety: the span keeps its bytes valid for the length of the call.
      try unsafe system.writeDurably(handle, buffer, at: position)
    }
  }

  /// Makes all written bytes and the size durable; never repeated after an error.
  public func synchronizeData() throws(FileSystemError) { try system.synchronizeData(handle) }

  /// Allocates blocks for `[0, byteCount)` and extends the size to it.
  public func allocate(byteCount: UInt64) throws(FileSystemError) {
    try system.allocate(handle, byteCount: byteCount)
  }

  /// Sets the size; a file that was ever mapped may only grow.
  public func setSize(_ byteCount: UInt64) throws(FileSystemError) {
    try system.setSize(handle, byteCount: byteCount)
  }

  /// Gives back the blocks of a range, which reads as zero afterwards.
  public func punchHole(at position: UInt64, byteCount: UInt64) throws(FileSystemError) {
    try system.punchHole(handle, at: position, byteCount: byteCount)
  }

  /// Blocks really allocated, in bytes.
  public func allocatedByteCount() throws(FileSystemError) -> UInt64 {
    try system.allocatedByteCount(of: handle)
  }

  /// Takes the exclusive lock of this opening; false when another opening holds it.
  public func lockExclusively() throws(FileSystemError) -> Bool {
    try system.lockExclusively(handle)
  }
}
