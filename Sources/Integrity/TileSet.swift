internal import Cryptography

/// The resources of a tiled log of some size (C2SP tlog-tiles): what is to be written, in which order, and
/// how it looks.
public struct TileSet: Sequence, Sendable {
  /// Leaves of the log.
  public let size: UInt64

  /// The resources of a log with so many leaves.
  public init(size: UInt64) { self.size = size }

  /// Bundles of entries first, then tiles from the lowest level up, each kind left to right.
  public func makeIterator() -> Iterator { Iterator(size: size) }

  /// Goes through the resources.
  public struct Iterator: IteratorProtocol {
    private let size: UInt64
    /// -1 for bundles.
    private var level = -1
    private var index: UInt64 = 0

    fileprivate init(size: UInt64) { self.size = size }

    /// The next resource.
    public mutating func next() -> TilePath? {
      while level < 8 {
        let (full, partialWidth) = TilePath.tileCount(level: Swift.max(level, 0), size: size)
        let kind: TilePath.Kind = level < 0 ? .entries : .hashes(level: level)
        if index < full || index == full && partialWidth > 0 {
          defer { index += 1 }
          return TilePath(
            kind, index: index, width: index < full ? TilePath.fullWidth : partialWidth)
        }
        level += 1
        index = 0
      }
      return nil
    }
  }

  /// Longest entry that a bundle can hold, in bytes.
  public static let entryByteCountLimit = 65_535

  /// A bundle of entries: each behind its length in two bytes, big-endian.
  ///
  /// - Parameter entries: Data of leaves, each at most ``entryByteCountLimit`` bytes.
  public static func bundle(_ entries: some Sequence<[UInt8]>) -> [UInt8] {
    var bytes: [UInt8] = []
    for entry in entries {
      precondition(entry.count <= entryByteCountLimit)
      bytes.append(UInt8(truncatingIfNeeded: entry.count >> 8))
      bytes.append(UInt8(truncatingIfNeeded: entry.count))
      bytes += entry
    }
    return bytes
  }

  /// The entries of a bundle; `nil` when its lengths do not add up, or it has not the entries it should.
  ///
  /// - Parameters:
  ///   - bytes: The bundle.
  ///   - width: How many entries it should have.
  public static func entries(ofBundle bytes: [UInt8], width: Int) -> [[UInt8]]? {
    var entries: [[UInt8]] = []
    var position = 0
    while position < bytes.count {
      guard entries.count < width, bytes.count - position >= 2 else { return nil }
      let count = Int(bytes[position]) << 8 | Int(bytes[position + 1])
      position += 2
      guard bytes.count - position >= count else { return nil }
      entries.append(Array(bytes[position..<(position + count)]))
      position += count
    }
    return entries.count == width ? entries : nil
  }
}

extension TreeHashes {
  /// The bytes of a tile of hashes.
  ///
  /// - Precondition: The path names a tile of hashes, and all its leaves are there.
  public func tile(_ path: TilePath) throws(Failure) -> [UInt8] {
    guard case .hashes(let level) = path.kind else { preconditionFailure("a bundle has no hashes") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(path.width * Digest.byteCount)
    let first = path.index * UInt64(TilePath.fullWidth)
    for index in first..<(first + UInt64(path.width)) {
      bytes += try hash(level: 8 * level, index: index).bytes
    }
    return bytes
  }
}
