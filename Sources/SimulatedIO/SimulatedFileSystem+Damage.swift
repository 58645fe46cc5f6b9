public import PlatformIO

/// Looking at a disk and damaging it at rest, behind the back of the program under test.
///
/// Changes made here are durable at once, are not numbered and cannot fail by plan. Paths lead from
/// the root.
extension SimulatedFileSystem {
  /// Paths of all regular and special files, ascending.
  public var paths: [String] {
    state.withLock { $0.listFiles() }
  }

  /// Whether a regular file, special file or directory stands at a path.
  public func exists(_ path: String) -> Bool {
    state.withLock { disk in
      let intent = Intent(.status, .path(path))
      guard let (parent, name) = try? disk.parent(of: path, intent) else { return false }
      return name.isEmpty || disk.directories[parent].entries[name] != nil
    }
  }

  /// All bytes of a file, as a reader sees them now.
  ///
  /// - Throws: `.notFound` or `.notARegularFile`.
  public func readFile(_ path: String) throws(FileSystemError) -> [UInt8] {
    try inspect(path) { file in
      // An array of no capacity is one that all threads share, and making it stores into it.
      if file.byteCount == 0 { return [] }
      // Safety: as many bytes are set as are counted.
      return unsafe [UInt8](unsafeUninitializedCapacity: file.byteCount) { buffer, count in
        guard let base = buffer.baseAddress else { return }
        // Safety: the buffer has room for `byteCount` bytes.
        count = unsafe file.read(into: base, count: file.byteCount, at: 0)
      }
    }
  }

  /// Gives a file these bytes, durably, creating it and its directories if need be. Handles and
  /// mappings of an existing file stay valid and see the new bytes.
  public func replaceFile(_ path: String, with bytes: [UInt8]) throws(FileSystemError) {
    try state.withLock { (disk) throws(FileSystemError) in
      let index = try disk.makeDurableFile(path)
      let number = disk.operationCount
      disk.withFile(index) { file in
        file.resize(to: 0, number: number)
        // Safety: the bytes are used inside the closure only.
        unsafe bytes.withUnsafeBytes { bytes in
          guard let base = bytes.baseAddress else { return }
          // Safety: the buffer has `count` bytes.
          unsafe file.write(base, count: bytes.count, at: 0, number: number)
        }
        file.settle()
      }
    }
  }

  /// Flips one bit of a file, in the page cache and on the disk.
  ///
  /// - Throws: `.notFound`, `.notARegularFile`, or `.unexpectedEnd` if the file has no such byte.
  public func flipBit(
    _ path: String, byte position: Int, bit: Int
  ) throws(FileSystemError) {
    try overwrite(path, at: position, count: 1) { $0 ^ (1 << UInt8(bit & 7)) }
  }

  /// Overwrites a range of a file with one byte value: a lost or zeroed sector, for example.
  ///
  /// - Throws: `.notFound`, `.notARegularFile`, or `.unexpectedEnd` if the range leaves the file.
  public func fill(
    _ path: String, at position: Int, count: Int, with byte: UInt8
  ) throws(FileSystemError) {
    try overwrite(path, at: position, count: count) { _ in byte }
  }

  /// Cuts a file, or extends it with zeros, without its mappings noticing: they read zeros.
  public func truncate(_ path: String, to byteCount: Int) throws(FileSystemError) {
    try modify(path) { file, number in
      file.resize(to: max(0, byteCount), number: number)
      file.settle()
    }
  }

  /// Removes a file, special file or directory with all it holds. Open handles and mappings live
  /// on.
  public func removeFile(_ path: String) throws(FileSystemError) {
    try state.withLock { (disk) throws(FileSystemError) in
      let intent = Intent(.unlink, .path(path))
      let (parent, name) = try disk.parent(of: path, intent)
      guard let entry = disk.directories[parent].entries[name] else {
        throw disk.error(intent, .notFound)
      }
      disk.directories[parent].entries[name] = nil
      disk.directories[parent].durableEntries[name] = nil
      disk.changes.removeAll { $0.entry == entry }
      disk.link(entry, by: -1)
    }
  }

  /// Puts a special file at a path, in place of whatever is there.
  public func placeSpecialFile(
    _ special: SpecialFile, at path: String
  ) throws(FileSystemError) {
    try place(.special(special), at: path)
  }

  /// Puts an empty directory at a path, in place of whatever is there, with its parents.
  public func placeDirectory(at path: String) throws(FileSystemError) {
    if exists(path) { try removeFile(path) }
    state.withLock { _ = $0.makeDurableDirectory(path) }
  }

  /// Makes `status` report a number of names; nil ends that.
  public func overrideLinkCount(_ path: String, _ count: UInt64?) throws(FileSystemError) {
    try modify(path) { file, _ in file.linkCountOverride = count }
  }

  // MARK: Helpers

  private func inspect<Result: Sendable>(
    _ path: String, _ body: (SimulatedFile) -> Result
  ) throws(FileSystemError) -> Result {
    try state.withLock { (disk) throws(FileSystemError) in
      disk.noteAllStores()
      return body(disk.files[try disk.fileIndex(at: path)])
    }
  }

  private func modify(
    _ path: String, _ body: (inout SimulatedFile, Int) -> Void
  ) throws(FileSystemError) {
    try state.withLock { (disk) throws(FileSystemError) in
      let index = try disk.fileIndex(at: path)
      let number = disk.operationCount
      disk.noteStores(of: index)
      disk.withFile(index) { body(&$0, number) }
    }
  }

  private func overwrite(
    _ path: String, at position: Int, count: Int, _ edit: (UInt8) -> UInt8
  ) throws(FileSystemError) {
    try state.withLock { (disk) throws(FileSystemError) in
      let index = try disk.fileIndex(at: path)
      guard position >= 0, count >= 0, position <= disk.files[index].byteCount - count else {
        throw disk.error(Intent(.write, .path(path)), .unexpectedEnd)
      }
      disk.noteStores(of: index)
      disk.withFile(index) { file in
        var done = 0
        while done < count {
          let inside = (position + done) % Page.byteCount
          let length = min(Page.byteCount - inside, count - done)
          file.damage(page: (position + done) / Page.byteCount) { old in
            // Safety: the range lies inside the page.
            unsafe Page(editing: old) { bytes in
              for place in inside..<inside + length { unsafe bytes[place] = edit(bytes[place]) }
            }
          }
          done += length
        }
      }
    }
  }

  private func place(_ entry: Entry, at path: String) throws(FileSystemError) {
    if exists(path) { try removeFile(path) }
    try state.withLock { (disk) throws(FileSystemError) in
      let (parent, name) = try disk.parent(of: path, Intent(.open, .path(path)))
      disk.directories[parent].entries[name] = entry
      disk.directories[parent].durableEntries[name] = entry
    }
  }
}
