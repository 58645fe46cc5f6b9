internal import PlatformIO

/// How much room the file system of a store has.
public struct StoreSpace: Hashable, Sendable {
  /// How full it is.
  public enum Level: String, Sendable {
    /// There is room.
    case ample
    /// Less than twice what is kept free; time to remove segments or to make room.
    case low
    /// New segments are refused. Appends go on to the end of those prepared; removals always work.
    case full
  }

  /// Bytes of the file system in all.
  public let byteCount: UInt64
  /// Bytes this process may still use.
  public let availableByteCount: UInt64
  /// Bytes kept free, see ``StoreOptions/minimumFreePercent``.
  public let keptByteCount: UInt64

  /// How full it is.
  public var level: Level {
    if availableByteCount < keptByteCount { return .full }
    return availableByteCount / 2 < keptByteCount ? .low : .ample
  }

  init(of directory: StoreDirectory, _ options: StoreOptions) throws(FileSystemError) {
    let space = try directory.fileSystem.space(of: directory.root)
    byteCount = space.byteCount
    availableByteCount = space.availableByteCount
    let percent = space.byteCount / 100 * options.minimumFreePercent
    keptByteCount = min(percent, options.minimumFreeByteCount)
  }

  /// Whether a segment may take this much more.
  func allowsSegment(byteCount: UInt64) -> Bool {
    let (needed, overflow) = byteCount.addingReportingOverflow(keptByteCount)
    return !overflow && availableByteCount >= needed
  }
}
