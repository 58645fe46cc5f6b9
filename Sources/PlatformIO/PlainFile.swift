internal import CPlatform
internal import Glibc

/// A file outside every store that a user names, read or written from front to back.
///
/// Unlike files of a store it may be anything that has a path: links are followed, FIFOs and devices
/// are read and written. One thread reads at a time; writes of several threads do not mix when the
/// file was opened with ``init(appendingTo:)``.
public final class PlainFile: Sendable {
  /// The path as it was given.
  public let path: String
  /// Size in bytes when it was opened; `nil` for what is not a regular file.
  public let byteCount: UInt64?
  private let descriptor: Int32

  /// Opens an existing file for reading.
  public convenience init(reading path: String) throws(FileSystemError) {
    try self.init(path, O_RDONLY)
  }

  /// Creates a file, or empties it when it exists, for writing.
  public convenience init(replacing path: String) throws(FileSystemError) {
    try self.init(path, O_WRONLY | O_CREAT | O_TRUNC)
  }

  /// Opens a file, or creates it, so that every write goes to its end.
  public convenience init(appendingTo path: String) throws(FileSystemError) {
    try self.init(path, O_WRONLY | O_CREAT | O_APPEND)
  }

  private init(_ path: String, _ flags: Int32) throws(FileSystemError) {
    try requirePath(path, .open)
    let first = try systemCall(.open, path, expecting: .file) {
      // Safety: the path is a string that lives through the call.
      unsafe piperoll_openat(AT_FDCWD, path, flags | O_CLOEXEC | O_NOCTTY, 0o666)
    }
    descriptor = try movedAboveStandardStreams(first, .open, path)
    self.path = path
    var status = stat()
    // Safety: the structure is ours and outlives the call; a failure leaves it zero.
    _ = unsafe fstat(descriptor, &status)
    byteCount = status.st_mode & S_IFMT == S_IFREG ? UInt64(clamping: status.st_size) : nil
    if status.st_mode & S_IFMT == S_IFDIR {
      throw FileSystemError(.open, path, .notARegularFile)
    }
  }

  deinit { _ = Glibc.close(descriptor) }

  /// The path without links, `.` and `..`; the path as given where it cannot be resolved.
  public var resolvedPath: String {
    // Safety: the system allocates the text, which is copied and freed here.
    guard let text = unsafe realpath(path, nil) else { return path }
    defer { unsafe free(text) }
    return unsafe String(cString: text)
  }

  /// Reads some bytes behind those that were read before.
  ///
  /// - Parameters:
  ///   - buffer: Takes the bytes from its start on.
  ///   - goesOn: Asked when a signal came while there was nothing to read yet; the read ends with
  ///     `.system(EINTR)` when it says no.
  /// - Returns: How many; 0 at the end.
  public func read(
    into buffer: inout MutableRawSpan, goingOnAfterSignals goesOn: () -> Bool = { true }
  ) throws(FileSystemError) -> Int {
    let descriptor = descriptor
    var result = 0
    var number: Int32 = 0
    repeat {
      // Safety: the system writes at most `count` bytes into the span inside the closure.
      result = unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
      }
      number = result < 0 ? errno : 0
    } while number == EINTR && goesOn()
    guard result >= 0 else { throw failure(.read, path, number, expecting: .file) }
    return result
  }

  /// Writes all bytes, in one call of the system where it takes them at once.
  public func write(_ bytes: RawSpan) throws(FileSystemError) {
    var position = 0
    while position < bytes.byteCount {
      let rest = bytes.extracting(position..<bytes.byteCount)
      position += try systemCall(.write, path, expecting: .file) {
        // Safety: the system reads the span inside the closure and keeps no pointer.
        unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
      }
    }
  }

  /// Makes what was written durable, where the file can.
  public func synchronize() throws(FileSystemError) {
    guard byteCount != nil else { return }
    _ = try systemCall(.synchronizeData, path) { fdatasync(descriptor) }
  }
}
