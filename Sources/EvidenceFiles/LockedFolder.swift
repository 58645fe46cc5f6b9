internal import PlatformIO

/// A folder that one process at a time works in.
struct LockedFolder: ~Copyable, Sendable {
  let directory: Directory
  private let lock: File

  /// Opens an existing folder and takes its lock.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - lockName: The file whose lock it is; made if need be.
  ///   - fileSystem: Where it is.
  /// - Throws: `FileSystemError`; `.alreadyExists` of `.lock` when another process has it.
  init(opening path: String, lockName: String, _ fileSystem: any FileSystem)
    throws(FileSystemError)
  {
    let directory = try Directory(opening: path, in: fileSystem)
    let lock = try Self.openLock(lockName, in: directory)
    guard try lock.lockExclusively() else {
      throw FileSystemError(.lock, directory.path(of: lockName), .alreadyExists)
    }
    self.directory = directory
    self.lock = lock
  }

  private static func openLock(_ name: String, in directory: borrowing Directory)
    throws(FileSystemError) -> File
  {
    do throws(FileSystemError) {
      return try File(opening: name, in: directory, .create)
    } catch {
      guard error.reason == .alreadyExists else { throw error }
      return try File(opening: name, in: directory, .readWrite)
    }
  }
}

extension FileSystemError {
  /// Another process works in the folder.
  var isLocked: Bool { operation == .lock && reason == .alreadyExists }
}
