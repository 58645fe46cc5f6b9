internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// An open segment file and its mapping. Closes both when the last user lets go.
///
/// Files that were mapped are never shrunk, so the mapping stays valid while it exists, unless somebody
/// outside truncates the file: the file system then counts lost pages, and readers turn that into an
/// error.
@safe final class SegmentFile: Sendable {
  let fileSystem: any FileSystem
  let handle: FileHandle
  let path: String
  let streamID: UInt64
  let segmentID: UInt64
  let salt: UInt64
  let byteCount: UInt64
  let isMappedWritable: Bool
  // Safety: the mapping is made once, before the value is shared, and ends in deinit. Readers only
  // look below a watermark; writers write each byte once, above it.
  nonisolated(unsafe) private let mapping: UnsafeMutableRawBufferPointer
  private let watch: MappingWatch
  /// One bit a row region: its frames were verified.
  let verified = VerifiedRegions()

  /// Opens an existing segment file.
  ///
  /// - Parameter mapping: Whether the whole file is mapped, and how.
  init(
    opening name: String, in directory: DirectoryHandle, path: String,
    fileSystem: any FileSystem, streamID: UInt64, segmentID: UInt64, salt: UInt64,
    access: Access, byteCountLimit: UInt64
  ) throws(FileSystemError) {
    let handle = try fileSystem.open(
      name, in: directory, access == .reading ? .readOnly : .readWrite)
    do throws(FileSystemError) {
      if access == .reading { try Self.share(handle, name, directory, path, fileSystem) }
      let status = try fileSystem.status(of: handle)
      guard status.byteCount <= byteCountLimit else {
        throw FileSystemError(.map, path, .unsupported)
      }
      guard status.byteCount >= UInt64(SegmentLayout.preambleByteCount) else {
        throw FileSystemError(.map, path, .unexpectedEnd)
      }
      byteCount = status.byteCount
      // Safety: kept by this object alone and ended in deinit; the watch keeps addresses only.
      unsafe mapping = try fileSystem.map(
        handle, byteCount: Int(status.byteCount), writable: access == .mappedWriting)
      watch = unsafe MappingWatch(
        mapping, in: fileSystem, writable: access == .mappedWriting)
    } catch {
      fileSystem.close(handle)
      throw error
    }
    self.fileSystem = fileSystem
    self.handle = handle
    self.path = path
    self.streamID = streamID
    self.segmentID = segmentID
    self.salt = salt
    isMappedWritable = access == .mappedWriting
  }

  /// Has writers, in any process, see that the file is read and must not be used for another segment.
  /// Refuses a file that has left its name since it was opened.
  private static func share(
    _ handle: FileHandle, _ name: String, _ directory: DirectoryHandle, _ path: String,
    _ fileSystem: any FileSystem
  ) throws(FileSystemError) {
    // Where files cannot be locked, the writer cannot use them again either.
    guard let isShared = try? fileSystem.lockShared(handle) else { return }
    guard isShared else { throw FileSystemError(.open, path, .notFound) }
    let again = try fileSystem.open(name, in: directory, .readOnly)
    defer { fileSystem.close(again) }
    guard try fileSystem.status(of: again).identity == fileSystem.status(of: handle).identity
    else { throw FileSystemError(.open, path, .notFound) }
  }

  /// What a segment file is opened for.
  enum Access: Sendable {
    /// Reading through a read-only mapping.
    case reading
    /// Writing with `pwrite`, reading through a read-only mapping.
    case writing
    /// Writing by stores into the mapping.
    case mappedWriting
  }

  deinit {
    watch.end()
    // Safety: the last user is gone, and with it every borrow of the bytes.
    unsafe fileSystem.unmap(mapping)
    fileSystem.close(handle)
  }

  /// The whole file, borrowed.
  var bytes: RawSpan {
    @_lifetime(borrow self) get {
      // Safety: the mapping lives as long as self.
      unsafe _overrideLifetime(mapping.bytes, borrowing: self)
    }
  }

  /// The mapping, for stores by the writer of a mapped segment and for hot reading.
  var base: UnsafeMutableRawPointer {
    // Safety: a mapping of at least the preamble always has a base address.
    unsafe mapping.baseAddress.unsafelyUnwrapped
  }

  /// Bytes of the mapping in use; for hints.
  func region(from position: UInt64, count: Int) -> UnsafeMutableRawBufferPointer {
    let start = unsafe min(Int(clamping: position), mapping.count)
    let end = unsafe min(start + max(0, count), mapping.count)
    return unsafe UnsafeMutableRawBufferPointer(rebasing: mapping[start..<end])
  }

  /// Whether pages were lost under the mapping.
  var wasTruncated: Bool { watch.faultCount > 0 }

  /// Writes bytes (not yet durable).
  func write(_ bytes: [UInt8], at position: UInt64) throws(FileSystemError) {
    try fileSystem.write(handle, bytes: bytes, at: position)
  }

  /// Makes everything written durable.
  func synchronize() throws(FileSystemError) { try fileSystem.synchronizeData(handle) }

  /// Reads the header: page 0, or its copy in page 3.
  func header() throws(FormatError) -> SegmentHeader {
    var first: FormatError?
    for position in SegmentLayout.headerPositions {
      do throws(FormatError) {
        let start = Int(position)
        let page = bytes.extracting(start..<(start + SegmentHeader.byteCount))
        return try SegmentHeader(page, at: position)
      } catch {
        if case .newer = error { throw error }
        if first == nil { first = error }
      }
    }
    throw first ?? .damaged(.segmentHeader, .empty)
  }

  /// The newest intact recovery slot. It may name a position that a shortened file no longer has.
  func newestSlot() -> (slot: RecoverySlot, index: Int)? {
    var best: (slot: RecoverySlot, index: Int)?
    for (index, position) in SegmentLayout.slotPositions.enumerated() {
      let start = Int(position)
      let sector = bytes.extracting(start..<(start + RecoverySlot.byteCount))
      guard let slot = try? RecoverySlot(sector, salt: salt, at: position) else { continue }
      if best.map({ $0.slot.sequence < slot.sequence }) ?? true { best = (slot, index) }
    }
    return best
  }
}

/// Which regions between index rows were verified by this process.
final class VerifiedRegions: Sendable {
  private let bits = Guarded<[UInt64]>([])

  func contains(_ region: Int) -> Bool {
    bits.withLock { words in
      region / 64 < words.count && words[region / 64] & 1 << UInt64(region % 64) != 0
    }
  }

  func insert(_ region: Int) {
    bits.withLock { words in
      while words.count <= region / 64 { words.append(0) }
      words[region / 64] |= 1 << UInt64(region % 64)
    }
  }
}
