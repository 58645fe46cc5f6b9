internal import CPlatform

/// Counts the faults the SIGBUS guard turned into zeros in one mapping.
///
/// Mappings of a simulated file system are not watched: they cannot fault.
public struct MappingWatch: Sendable {
  private let slot: Int32?

  /// Begins to watch a mapping, where the guard is enabled; see `MappingGuard`.
  public init(
    _ region: UnsafeMutableRawBufferPointer, in fileSystem: any FileSystem, writable: Bool
  ) {
    // Safety: only the addresses are kept; `end()` is called before the range is unmapped.
    guard fileSystem is PosixFileSystem, let start = region.baseAddress else {
      slot = nil
      return
    }
    slot = unsafe MappingGuard.register(start, region.count, writable: writable)
  }

  /// Faults so far; once it is not 0, bytes read from the mapping may be zeros that were never in
  /// the file.
  public var faultCount: UInt64 { slot.map { piperoll_guard_hits($0) } ?? 0 }

  /// Ends the watch; called once, before the mapping ends.
  public func end() {
    if let slot { piperoll_guard_unregister(slot) }
  }
}
