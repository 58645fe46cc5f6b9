internal import PlatformIO

/// Files of removed `disk` segments that wait to be used again. Their old bytes cannot validate under a
/// new salt, and their blocks need no allocation.
final class SpareFiles: Sendable {
  private let directory: StoreDirectory
  private let limit: Int
  private let files = Guarded<[(name: String, byteCount: UInt64)]>([])

  init(_ directory: StoreDirectory, limit: Int) {
    self.directory = directory
    self.limit = limit
  }

  /// Moves a spare file of exactly this size to its new name; false when there is none.
  func take(
    into name: String, in target: DirectoryHandle, byteCount: UInt64, syncing: Bool
  ) throws(FileSystemError) -> Bool {
    let spare = files.withLock { list -> String? in
      guard let index = list.firstIndex(where: { $0.byteCount == byteCount }) else { return nil }
      return list.remove(at: index).name
    }
    guard let spare else { return false }
    try directory.fileSystem.rename(spare, in: directory.spare, to: name, in: target)
    // The caller syncs `target`; a rename is certain only when both directories were synced.
    if syncing { try directory.fileSystem.synchronize(directory.spare) }
    return true
  }

  /// Keeps a removed file, or unlinks it when there are enough.
  ///
  /// - Parameter mayRecycle: False for files that were mapped for writing, have other names, or may
  ///   still be read.
  func put(_ name: String, in source: DirectoryHandle, byteCount: UInt64, mayRecycle: Bool)
    throws(FileSystemError)
  {
    let isKept = mayRecycle && files.withLock { $0.count < limit }
    guard isKept else { return try directory.fileSystem.unlink(name, in: source) }
    try directory.fileSystem.rename(name, in: source, to: name, in: directory.spare)
    files.withLock { $0.append((name, byteCount)) }
  }

  /// Takes over what an earlier opening left; files beyond the limit go.
  func adoptLeftovers() throws(FileSystemError) {
    let system = directory.fileSystem
    for entry in try system.entries(of: directory.spare)
    where entry.kind == .regular && StoreDirectory.segmentID(fromName: entry.name) != nil {
      // What cannot be opened is not used again; a store opens without spare files.
      guard let handle = try? system.open(entry.name, in: directory.spare, .readOnly) else {
        continue
      }
      let status = try? system.status(of: handle)
      system.close(handle)
      let isFull = files.withLock { $0.count >= limit }
      if let status, status.linkCount == 1, !isFull {
        files.withLock { $0.append((entry.name, status.byteCount)) }
      } else {
        // One that cannot go is in nobody's way.
        try? system.unlink(entry.name, in: directory.spare)
      }
    }
  }
}
