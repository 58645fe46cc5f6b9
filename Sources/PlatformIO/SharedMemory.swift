internal import Glibc

/// Memory shared by the processes of one user that work on one store: a file on a memory file
/// system (`/dev/shm`), or beside the store where there is none.
///
/// Everything in it is a hint. Another process of the same user may write anything there at any
/// time, so whatever is read is bounded before it is used, and nothing else depends on it.
public final class SharedMemory: Sendable {
  /// The whole file, mapped for reading and writing under the SIGBUS guard.
  public let region: MappedRegion
  /// The file, for people.
  public let path: String
  private let directory: Directory
  private let file: File
  private let name: String
  private let system: PosixFileSystem

  /// The directory to try first.
  public static let standardDirectory = "/dev/shm"

  /// Opens a shared file, or creates it with mode 0600 and all bytes zero.
  ///
  /// - Parameters:
  ///   - name: A single path component.
  ///   - directory: Where; the caller tries another one when this fails.
  ///   - byteCount: How much is mapped; the file is grown to it (sparse) and never cut.
  ///   - reserved: Byte range whose blocks are allocated now; others by `reserve` before first use.
  /// - Throws: `.permissionDenied` when another user owns the file, `.notARegularFile` for links,
  ///   FIFOs and the like, `.noSpace` when the blocks cannot be had.
  public init(
    opening name: String, in directory: String = SharedMemory.standardDirectory, byteCount: Int,
    reserving reserved: Range<Int>
  ) throws(FileSystemError) {
    precondition(byteCount > 0, "a mapping has at least one byte")
    precondition(reserved.lowerBound >= 0 && reserved.upperBound <= byteCount, "inside the mapping")
    let system = PosixFileSystem()
    let parent = try Directory(opening: directory, in: system)
    let file = try Self.openOrCreate(name, in: parent)
    try Self.requireOwnership(of: file, system)
    // Grown by allocating its last byte: setting the size could cut what another process, of a
    // version that needs more, has grown at the same time.
    try Self.reserve(byteCount - 1..<byteCount, of: file, system)
    try Self.reserve(reserved, of: file, system)
    region = try MappedRegion(mapping: file, byteCount: byteCount, writable: true)
    path = file.path
    self.directory = parent
    self.file = file
    self.name = name
    self.system = system
  }

  /// Allocates the blocks of a range, so that a first store in it cannot meet a full file system.
  ///
  /// - Throws: `.noSpace` when they cannot be had; nothing of the range may be used then.
  public func reserve(_ range: Range<Int>) throws(FileSystemError) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= region.byteCount, "inside the mapping")
    try Self.reserve(range, of: file, system)
  }

  /// Removes the name; the memory lives on for those who have it mapped.
  public func unlink() throws(FileSystemError) { try directory.unlink(name) }

  /// Takes the lock by which processes agree who may remove the name; false when another holds it. It
  /// ends with this value.
  public func lock() throws(FileSystemError) -> Bool { try system.lockExclusively(file.handle) }

  /// Whether those who open the name now get this memory.
  public var isNamed: Bool {
    guard let status = try? system.status(of: file.handle) else { return false }
    return status.linkCount > 0
  }

  /// Opens the file, or creates it; both again when another process creates or removes it.
  private static func openOrCreate(_ name: String, in directory: borrowing Directory)
    throws(FileSystemError) -> File
  {
    var attempts = 0
    while true {
      attempts += 1
      do throws(FileSystemError) {
        return try File(opening: name, in: directory, .readWrite)
      } catch {
        guard error.reason == .notFound else { throw error }
      }
      do throws(FileSystemError) {
        return try File(opening: name, in: directory, .create)
      } catch {
        guard error.reason == .alreadyExists, attempts < 10 else { throw error }
      }
    }
  }

  /// Refuses a file another user made, and closes one of ours to others.
  private static func requireOwnership(of file: borrowing File, _ system: PosixFileSystem)
    throws(FileSystemError)
  {
    let descriptor = file.handle.rawValue
    let status = try system.fullStatus(of: descriptor, .status)
    guard status.st_uid == geteuid() else {
      throw FileSystemError(.open, file.path, .permissionDenied)
    }
    if status.st_mode & 0o7777 != 0o600 {
      _ = try systemCall(.open, file.path) { fchmod(descriptor, 0o600) }
    }
  }

  private static func reserve(
    _ range: Range<Int>, of file: borrowing File, _ system: PosixFileSystem
  ) throws(FileSystemError) {
    try system.allocate(
      file.handle, at: UInt64(range.lowerBound), byteCount: UInt64(range.count))
  }
}
