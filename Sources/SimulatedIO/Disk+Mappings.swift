internal import PlatformIO

/// Mappings, and the stores that come through them.
extension Disk {
  /// Shows a file's bytes in memory.
  ///
  /// - Returns: The address, the same for every mapping of a file.
  mutating func map(
    _ file: Int, byteCount: Int, writable: Bool, _ intent: Intent
  ) throws(FileSystemError) -> UInt {
    guard byteCount > 0 else { throw error(intent, .system(errorNumber: 22)) }
    guard byteCount <= files[file].byteCount else { throw error(intent, .unexpectedEnd) }
    if let arena = files[file].arena, arena.byteCount < byteCount {
      // The file outgrew its reservation. It may move only while nobody looks.
      if files[file].mappedRegionCount > 0 { throw error(intent, .outOfMemory) }
      files[file].arena = nil
    }
    if files[file].arena == nil {
      let rounded = (byteCount + Page.byteCount - 1) / Page.byteCount * Page.byteCount
      guard let arena = Arena(byteCount: max(options.reservationByteCount, rounded)) else {
        throw error(intent, .outOfMemory)
      }
      arena.fill(with: files[file].pages)
      files[file].arena = arena
    }
    guard let arena = files[file].arena else { throw error(intent, .outOfMemory) }
    if writable {
      arena.touchedByteCount = max(arena.touchedByteCount, byteCount)
      files[file].writableByteCount = max(files[file].writableByteCount, byteCount)
      if !storedThrough.contains(file) { storedThrough.append(file) }
    }
    files[file].mappedRegionCount += 1
    // Safety: only the number is kept.
    let address = unsafe UInt(bitPattern: arena.base)
    regions[address, default: []].append(
      MappedRegion(file: file, byteCount: byteCount, isWritable: writable))
    return address
  }

  /// Ends a mapping. Stores that came through it are noticed first.
  mutating func unmap(address: UInt, byteCount: Int) {
    guard var here = regions[address],
      let index = here.firstIndex(where: { $0.byteCount == byteCount && !$0.isWritable })
        ?? here.firstIndex(where: { $0.byteCount == byteCount })
    else {
      misuseCount += 1
      return
    }
    let region = here.remove(at: index)
    regions[address] = here.isEmpty ? nil : here
    if region.isWritable {
      noteStores(of: region.file)
      let remaining = here.filter(\.isWritable).map(\.byteCount).max() ?? 0
      files[region.file].writableByteCount = remaining
      if remaining == 0 { storedThrough.removeAll { $0 == region.file } }
    }
    files[region.file].mappedRegionCount -= 1
    releaseSpaceIfUnused(region.file)
  }

  /// Looks for stores through mappings at the boundary of an operation, as far as that is cheap;
  /// larger mappings are looked at when their file is synced, unmapped or crashes.
  mutating func noteStores() {
    if storedThrough.isEmpty { return }
    var budget = options.storeScanByteCountLimit
    for file in storedThrough {
      budget -= files[file].writableByteCount
      if budget >= 0 { noteStores(of: file) }
    }
  }

  /// Looks for stores through mappings of every file.
  mutating func noteAllStores() {
    for file in storedThrough { noteStores(of: file) }
  }

  /// Looks for stores through mappings of one file.
  mutating func noteStores(of file: Int) {
    let number = operationCount
    storesIntoHolesCount += withFile(file) { $0.noteStores(number: number) }
  }
}
