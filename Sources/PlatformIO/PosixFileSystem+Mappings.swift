internal import CPlatform
internal import Glibc

extension PosixFileSystem {
  public func map(_ file: FileHandle, byteCount: Int, writable: Bool) throws(FileSystemError)
    -> UnsafeMutableRawBufferPointer
  {
    let path = path(of: file.rawValue)
    guard byteCount > 0 else { throw FileSystemError(.map, path, .unsupported) }
    let size = try fullStatus(of: file.rawValue, .map).st_size
    guard size >= byteCount else { throw FileSystemError(.map, path, .unexpectedEnd) }
    // Safety: a new range of addresses; whoever owns the result ends it by `unmap`.
    guard let start = unsafe piperoll_map(file.rawValue, byteCount, writable) else {
      throw failure(.map, path, errno)
    }
    return unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  public func populate(_ region: UnsafeMutableRawBufferPointer) {
    // In steps, so that an interruption by a signal costs little.
    let step = 2 << 20
    var position = 0
    while position < region.count {
      let count = min(step, region.count - position)
      // Safety: a part of the caller's mapping, which is valid for the call.
      let part = unsafe UnsafeMutableRawBufferPointer(rebasing: region[position..<position + count])
      guard let (start, length) = unsafe Self.pages(of: part) else { return }
      var attempts = 0
      while unsafe piperoll_populate_write(start, length) != 0 {
        attempts += 1
        guard errno == EINTR, attempts < 100 else { return }
      }
      position += count
    }
  }

  public func advise(_ region: UnsafeMutableRawBufferPointer, _ pattern: AccessPattern) {
    // Safety: whole pages around the caller's part of a shared mapping; no advice loses bytes.
    guard let (start, length) = unsafe Self.pages(of: region) else { return }
    let advice =
      switch pattern {
      case .normal: MADV_NORMAL
      case .sequential: MADV_SEQUENTIAL
      case .random: MADV_RANDOM
      case .willNeed: MADV_WILLNEED
      case .doNotNeed: MADV_DONTNEED
      }
    _ = unsafe madvise(start, length, advice)
  }

  public func unmap(_ region: UnsafeMutableRawBufferPointer) {
    // Safety: the caller owns the mapping and uses no part of it any more.
    guard let start = region.baseAddress else { return }
    _ = unsafe munmap(start, region.count)
  }

  /// The whole pages around a part of a mapping.
  private static func pages(of region: UnsafeMutableRawBufferPointer)
    -> (start: UnsafeMutableRawPointer, byteCount: Int)?
  {
    // Safety: only the address is computed with; mappings begin and end on pages.
    guard let start = region.baseAddress, region.count > 0 else { return nil }
    let pageSize = Int(sysconf(Int32(_SC_PAGESIZE)))
    let before = Int(bitPattern: start) & (pageSize - 1)
    return unsafe (start - before, region.count + before)
  }
}
