internal import PlatformIO

/// Files, by handle.
extension Disk {
  // MARK: Opening and closing

  mutating func makeFile() -> Int {
    var file = SimulatedFile(inode: nextInode)
    nextInode += 1
    file.versionCountLimit = max(1, options.versionCountLimit)
    if let index = vacancies.popLast() {
      files[index] = file
      return index
    }
    files.append(file)
    return files.count - 1
  }

  /// A new handle for a file.
  mutating func open(_ file: Int, path: String, isWritable: Bool) -> FileHandle {
    let handle = takeHandleNumber()
    openFiles[handle] = OpenFile(file: file, path: path, isWritable: isWritable)
    files[file].openHandleCount += 1
    return FileHandle(rawValue: handle)
  }

  /// A new handle for a directory.
  mutating func open(_ directory: Int, path: String) -> DirectoryHandle {
    let handle = takeHandleNumber()
    openDirectories[handle] = OpenDirectory(directory: directory, path: path)
    return DirectoryHandle(rawValue: handle)
  }

  private mutating func takeHandleNumber() -> Int32 {
    defer { nextHandle += 1 }
    return nextHandle
  }

  /// Refuses to open more than the process may.
  func checkHandleCount(_ intent: Intent) throws(FileSystemError) {
    if openFiles.count + openDirectories.count >= options.openHandleLimit {
      throw error(intent, .tooManyOpenFiles)
    }
  }

  mutating func close(_ handle: FileHandle) {
    guard let open = openFiles.removeValue(forKey: handle.rawValue) else {
      misuseCount += 1
      return
    }
    files[open.file].openHandleCount -= 1
    if files[open.file].lockHolder == handle.rawValue { files[open.file].lockHolder = nil }
    files[open.file].lockSharers.remove(handle.rawValue)
    releaseSpaceIfUnused(open.file)
  }

  /// The open file behind a handle.
  mutating func file(
    _ handle: FileHandle, _ intent: Intent, forWriting: Bool = false
  ) throws(FileSystemError) -> Int {
    guard let open = openFiles[handle.rawValue], open.isWritable || !forWriting else {
      misuseCount += 1
      throw error(intent, .system(errorNumber: 9))
    }
    return open.file
  }

  /// Counts a file's space as free once no name, handle or mapping is left. Its contents stay,
  /// since a crash may bring the name back.
  mutating func releaseSpaceIfUnused(_ index: Int) {
    guard !files[index].isInUse else { return }
    usedBlockCount -= files[index].blocks.count
    files[index].blocks = BlockMap()
    files[index].arena = nil
    releasedFileCount += 1
    keepStale(files[index].pages)
  }

  /// The end of a range, refused where no file can be that large.
  func end(
    of byteCount: UInt64, at position: UInt64, _ intent: Intent
  ) throws(FileSystemError) -> Int {
    let (end, overflow) = position.addingReportingOverflow(byteCount)
    guard !overflow, end <= options.fileByteCountLimit, end < UInt64(Int.max) / 2 else {
      throw error(intent, .noSpace)
    }
    return Int(end)
  }

  // MARK: Changing

  mutating func write(
    _ file: Int, _ bytes: UnsafeRawBufferPointer, _ intent: Intent, _ extent: Extent,
    isDurable: Bool
  ) throws(FileSystemError) {
    let end = try end(of: UInt64(bytes.count), at: intent.position, intent)
    let position = end - bytes.count
    var count = bytes.count
    if case .part(let wanted) = extent { count = max(0, min(wanted ?? count / 2, count)) }
    let free = freeBlockCount
    let fitting = files[file].fittingByteCount(of: count, at: position, freeBlockCount: free)
    let number = operationCount
    if fitting > 0, let base = bytes.baseAddress {
      withFile(file) { file in
        // Safety: `fitting` is at most `bytes.count`.
        unsafe file.write(base, count: fitting, at: position, number: number)
        if isDurable, case .whole = extent, fitting == bytes.count {
          file.synchronize(position..<position + fitting)
        }
      }
    }
    if fitting < count { throw error(intent, .noSpace) }
  }

  mutating func synchronizeData(_ file: Int, _ extent: Extent) {
    noteStores(of: file)
    switch extent {
    case .whole: files[file].synchronize()
    case .part: files[file].synchronize(pageCountLimit: (files[file].dirty.count + 1) / 2)
    }
  }

  mutating func allocate(
    _ file: Int, _ intent: Intent, _ extent: Extent
  ) throws(FileSystemError) {
    if !options.supportsAllocation { throw error(intent, .unsupported) }
    var end = try end(of: intent.byteCount, at: 0, intent)
    if case .part(let wanted) = extent { end = max(0, min(wanted ?? end / 2, end)) }
    let blocks = 0..<(end + Page.byteCount - 1) / Page.byteCount
    if files[file].blocks.missingCount(in: blocks) > freeBlockCount {
      throw error(intent, .noSpace)
    }
    let number = operationCount
    withFile(file) { file in
      file.blocks.insert(blocks)
      if end > file.byteCount { file.resize(to: end, number: number) }
    }
  }

  mutating func setSize(_ file: Int, _ intent: Intent) throws(FileSystemError) {
    let end = try end(of: intent.byteCount, at: 0, intent)
    let number = operationCount
    if end < files[file].byteCount {
      keepStale(files[file].pages.dropFirst((end + Page.byteCount - 1) / Page.byteCount))
    }
    withFile(file) { $0.resize(to: end, number: number) }
  }

  mutating func punchHole(
    _ file: Int, _ intent: Intent, _ extent: Extent
  ) throws(FileSystemError) {
    if !options.supportsHoles { throw error(intent, .unsupported) }
    let wholeEnd = try end(of: intent.byteCount, at: intent.position, intent)
    let start = wholeEnd - Int(intent.byteCount)
    var count = Int(intent.byteCount)
    if case .part(let wanted) = extent { count = max(0, min(wanted ?? count / 2, count)) }
    let range = start..<min(start + count, max(start, files[file].byteCount))
    let first = (start + Page.byteCount - 1) / Page.byteCount
    let last = range.upperBound / Page.byteCount
    let number = operationCount
    if first < last { keepStale(files[file].pages.dropFirst(first).prefix(last - first)) }
    withFile(file) { file in
      file.clear(range, number: number)
      if first < last { file.blocks.remove(first..<last) }
    }
  }
}
