internal import PlatformIO

/// Space of a store that nothing is written to, so that it can be given back on a full disk.
///
/// Removals must work there: they are edits of the manifest, and when its segment is full they need a
/// fresh one and a mirror. The ballast is as large as both.
enum Ballast {
  /// Sets the space aside where the disk has it, which is no reason to fail where it has not.
  ///
  /// Nothing is synced: a file that did not survive a crash is made again.
  static func provide(in directory: StoreDirectory, manifestByteCount: UInt64) {
    let byteCount = 2 * manifestByteCount
    let system = directory.fileSystem
    do throws(FileSystemError) {
      let handle = try open(in: directory)
      defer { system.close(handle) }
      let status = try system.status(of: handle)
      guard status.byteCount < byteCount else { return }
      try system.allocate(handle, byteCount: byteCount)
    } catch {
      // Half of it helps nobody.
      if error.reason == .noSpace { spend(in: directory) }
    }
  }

  private static func open(in directory: StoreDirectory) throws(FileSystemError) -> FileHandle {
    let system = directory.fileSystem
    let name = StoreDirectory.ballastName
    do throws(FileSystemError) {
      return try system.open(name, in: directory.root, .readWrite)
    } catch {
      guard error.reason == .notFound else { throw error }
      return try system.open(name, in: directory.root, .create)
    }
  }

  /// Gives the space back; false when there was none.
  @discardableResult
  static func spend(in directory: StoreDirectory) -> Bool {
    do throws(FileSystemError) {
      try directory.fileSystem.unlink(StoreDirectory.ballastName, in: directory.root)
      return true
    } catch {
      return false
    }
  }
}
