internal import CPlatform

/// A shared mapping of the front of a file, ended when its last user lets go of it.
///
/// Its file may be closed before; it must not be cut. When someone else cuts it all the same, a
/// guarded region reads as zeros past the new end and counts a fault, instead of ending the
/// process.
// Safety: `@unchecked Sendable` because the addresses never change between `init` and `deinit`;
// who may store where is the business of its users.
@safe
public final class MappedRegion: @unchecked Sendable {
  /// The address of its first byte: page-aligned, valid while the region is.
  @unsafe
  public let baseAddress: UnsafeMutableRawPointer
  /// Its size in bytes.
  public let byteCount: Int
  /// Stores are allowed.
  public let isWritable: Bool
  private let system: any FileSystem
  private let guardSlot: Int32?

  /// Maps `[0, byteCount)` of a file.
  ///
  /// - Parameters:
  ///   - file: Stays open for the call only; the mapping does not need it.
  ///   - byteCount: At least 1; the file must be as large already.
  ///   - writable: Whether stores are allowed; they reach the file.
  ///   - guarded: Ask for the SIGBUS guard; see `MappingGuard` for when there is none.
  /// - Throws: `.unexpectedEnd` when the file is smaller, `.outOfMemory` without address space.
  public init(mapping file: borrowing File, byteCount: Int, writable: Bool, guarded: Bool = true)
    throws(FileSystemError)
  {
    let region = try unsafe file.system.map(file.handle, byteCount: byteCount, writable: writable)
    guard let start = region.baseAddress else {
      throw FileSystemError(.map, file.path, .outOfMemory)
    }
    unsafe baseAddress = start
    self.byteCount = region.count
    isWritable = writable
    system = file.system
    guardSlot =
      guarded ? unsafe MappingGuard.register(start, region.count, writable: writable) : nil
  }

  deinit {
    if let guardSlot { piperoll_guard_unregister(guardSlot) }
    // Safety: the last reference is gone, and with it every borrow of the bytes.
    unsafe system.unmap(buffer)
  }

  /// All its bytes, to read. After use, compare `faultCount`.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    borrowing get {
      // Safety: the mapping lives as long as `self`, which the span borrows.
      let span = unsafe RawSpan(_unsafeStart: UnsafeRawPointer(baseAddress), byteCount: byteCount)
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// All its bytes, as memory; valid while the region is.
  @unsafe
  public var buffer: UnsafeMutableRawBufferPointer {
    // Safety: base and count describe the mapping.
    unsafe UnsafeMutableRawBufferPointer(start: baseAddress, count: byteCount)
  }

  /// The SIGBUS guard watches it.
  public var isGuarded: Bool { guardSlot != nil }

  /// Faults the guard turned into zeros since the region was mapped; once it is not 0, bytes read
  /// may be zeros that were never in the file, and stores may be lost.
  public var faultCount: UInt64 { guardSlot.map { piperoll_guard_hits($0) } ?? 0 }

  /// The file was cut, or could not be read, under the mapping.
  public var wasTruncated: Bool { faultCount > 0 }

  /// Takes the page faults of a range now, so that stores do not; a hint.
  ///
  /// - Parameter range: Byte positions inside a writable region.
  public func populate(_ range: Range<Int>) {
    // Safety: slicing traps outside the mapping.
    unsafe system.populate(UnsafeMutableRawBufferPointer(rebasing: buffer[range]))
  }

  /// Tells how a range will be read; a hint.
  public func advise(_ range: Range<Int>, _ pattern: AccessPattern) {
    // Safety: slicing traps outside the mapping.
    unsafe system.advise(UnsafeMutableRawBufferPointer(rebasing: buffer[range]), pattern)
  }
}
