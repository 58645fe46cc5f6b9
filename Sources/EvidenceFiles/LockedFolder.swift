internal import ByteCoding
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

extension Directory {
  /// Gives a name a new file with these bytes, durably; what had the name before is replaced.
  ///
  /// - Parameter mayHaveReplaced: Set before the name is given: after an error nobody knows whether a
  ///   restart will find the old file or the new one.
  func install(_ bytes: [UInt8], as name: String, mayHaveReplaced: inout Bool)
    throws(FileSystemError)
  {
    let aside = "\(name).new"
    do throws(FileSystemError) { try unlink(aside) } catch {
      guard error.reason == .notFound else { throw error }
    }
    let file = try File(opening: aside, in: self, .create)
    try file.write(bytes.rawSpan, at: 0)
    // Before the name: or a power cut could leave the name of a file without its bytes.
    try file.synchronizeData()
    mayHaveReplaced = true
    try rename(aside, to: name)
    try synchronize()
  }
}
