internal import CPlatform
internal import Glibc

extension PosixFileSystem {
  public func read(
    _ file: FileHandle, into buffer: UnsafeMutableRawBufferPointer, at position: UInt64
  ) throws(FileSystemError) -> Int {
    var done = 0
    // Safety: the caller's buffer is valid for the call, and `done` never passes its count.
    while let rest = unsafe buffer.part(after: done) {
      let start = try offset(position, plus: done, file, .read)
      let count = try systemCall(.read, path(of: file.rawValue)) {
        unsafe pread(file.rawValue, rest.baseAddress, rest.count, start)
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  public func write(_ file: FileHandle, _ bytes: UnsafeRawBufferPointer, at position: UInt64)
    throws(FileSystemError)
  {
    var done = 0
    // Safety: the caller's bytes are valid for the call, and `done` never passes their count.
    while let rest = unsafe bytes.part(after: done) {
      let start = try offset(position, plus: done, file, .write)
      let count = try systemCall(.write, path(of: file.rawValue)) {
        unsafe pwrite(file.rawValue, rest.baseAddress, rest.count, start)
      }
      done += try progress(count, file, .write)
    }
  }

  public func writeDurably(
    _ file: FileHandle, _ bytes: UnsafeRawBufferPointer, at position: UInt64
  ) throws(FileSystemError) {
    var done = 0
    // Safety: as in `write`.
    while let rest = unsafe bytes.part(after: done), let start = rest.baseAddress {
      let offset = try offset(position, plus: done, file, .writeDurably)
      do throws(FileSystemError) {
        let count = try systemCall(.writeDurably, path(of: file.rawValue)) {
          unsafe piperoll_write_durably(file.rawValue, start, rest.count, offset)
        }
        done += try progress(count, file, .writeDurably)
      } catch {
        guard error.reason == .unsupported else { throw error }
        try unsafe write(file, rest, at: position + UInt64(done))
        return try synchronizeData(file)
      }
    }
  }

  public func synchronizeData(_ file: FileHandle) throws(FileSystemError) {
    // EINTR comes from a wait that was cut short after the pages were found well written; an error
    // of the pages is reported before it, so repeating hides nothing.
    _ = try systemCall(.synchronizeData, path(of: file.rawValue)) { fdatasync(file.rawValue) }
  }

  public func allocate(_ file: FileHandle, byteCount: UInt64) throws(FileSystemError) {
    try allocate(file, at: 0, byteCount: byteCount)
  }

  /// Allocates blocks for a range and extends the size to its end where that is larger.
  func allocate(_ file: FileHandle, at position: UInt64, byteCount: UInt64)
    throws(FileSystemError)
  {
    guard byteCount > 0 else { return }
    let path = path(of: file.rawValue)
    let start = try fileOffset(position, .allocate, path)
    let count = try fileOffset(byteCount, .allocate, path)
    // A large allocation starts over when interrupted; under a steady clock signal it would never
    // end, hence the limit.
    _ = try systemCall(.allocate, path, interruptionLimit: 100) {
      piperoll_allocate(file.rawValue, start, count)
    }
  }

  public func punchHole(_ file: FileHandle, at position: UInt64, byteCount: UInt64)
    throws(FileSystemError)
  {
    guard byteCount > 0 else { return }
    let path = path(of: file.rawValue)
    let start = try fileOffset(position, .punchHole, path)
    let count = try fileOffset(byteCount, .punchHole, path)
    _ = try systemCall(.punchHole, path) { piperoll_punch_hole(file.rawValue, start, count) }
  }

  /// Where to go on after `done` bytes, as the system counts.
  private func offset(
    _ position: UInt64, plus done: Int, _ file: FileHandle, _ operation: FileSystemError.Operation
  ) throws(FileSystemError) -> off_t {
    let (sum, overflow) = position.addingReportingOverflow(UInt64(done))
    return try fileOffset(overflow ? .max : sum, operation, path(of: file.rawValue))
  }

  /// A write that takes nothing would be repeated for ever.
  private func progress(
    _ count: Int, _ file: FileHandle, _ operation: FileSystemError.Operation
  ) throws(FileSystemError) -> Int {
    guard count > 0 else {
      throw FileSystemError(operation, path(of: file.rawValue), .inputOutput)
    }
    return count
  }
}

extension UnsafeMutableRawBufferPointer {
  /// What is left after some bytes; nil when nothing is.
  fileprivate func part(after count: Int) -> UnsafeMutableRawBufferPointer? {
    // Safety: a slice of the same memory.
    count < self.count ? unsafe UnsafeMutableRawBufferPointer(rebasing: self[count...]) : nil
  }
}

extension UnsafeRawBufferPointer {
  /// What is left after some bytes; nil when nothing is.
  fileprivate func part(after count: Int) -> UnsafeRawBufferPointer? {
    // Safety: a slice of the same memory.
    count < self.count ? unsafe UnsafeRawBufferPointer(rebasing: self[count...]) : nil
  }
}
