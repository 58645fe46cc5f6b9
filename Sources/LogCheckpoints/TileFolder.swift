public import Cryptography
public import Integrity
public import PlatformIO

/// The hashes of a log that was written as static files (C2SP tlog-tiles), to make proofs from.
///
/// Nothing in the folder is believed: what is made from wrong tiles does not lead to a signed root.
public struct TileFolder: TreeHashes, Sendable {
  private let path: String
  private let fileSystem: any FileSystem
  private let size: UInt64

  /// The hashes of a log with so many leaves, in a folder.
  ///
  /// - Parameters:
  ///   - path: The folder that has `checkpoint` and `tile`.
  ///   - size: Leaves of the log, which say how wide its last tiles are.
  ///   - fileSystem: Where it is.
  public init(_ path: String, size: UInt64, _ fileSystem: any FileSystem) {
    (self.path, self.size, self.fileSystem) = (path, size, fileSystem)
  }

  /// The checkpoint in a folder, as it lies there.
  ///
  /// - Throws: ``TileFolderError``.
  public static func checkpoint(_ path: String, _ fileSystem: any FileSystem)
    throws(TileFolderError) -> SignedNote
  {
    let bytes = try read("checkpoint", in: path, limit: SignedNote.byteCountLimit, fileSystem)
    do throws(NoteError) { return try SignedNote(bytes) } catch {
      throw .checkpoint(path: path, error)
    }
  }

  public func hash(level: Int, index: UInt64) throws(TileFolderError) -> Digest {
    let (tileLevel, height) = (level / 8, level % 8)
    let first = index << UInt64(height)
    let hashes = try tile(tileLevel, first / UInt64(TilePath.fullWidth))
    let start = Int(first % UInt64(TilePath.fullWidth))
    guard hashes.count >= start + 1 << height else {
      throw .missing(path: path, level: tileLevel, index: first / UInt64(TilePath.fullWidth))
    }
    // A subtree of a tile does not reach beyond it.
    var nodes = Array(hashes[start..<(start + 1 << height)])
    while nodes.count > 1 {
      nodes = stride(from: 0, to: nodes.count, by: 2).map {
        MerkleTree.nodeHash(nodes[$0], nodes[$0 + 1])
      }
    }
    return nodes[0]
  }

  /// The hashes of a tile: of the partial one of this size, or of the full one that took its place.
  private func tile(_ level: Int, _ index: UInt64) throws(TileFolderError) -> [Digest] {
    let (full, partialWidth) = TilePath.tileCount(level: level, size: size)
    let widths = index < full ? [TilePath.fullWidth] : [partialWidth, TilePath.fullWidth]
    for width in widths {
      guard let name = TilePath(.hashes(level: level), index: index, width: width) else { continue }
      do throws(TileFolderError) {
        let bytes = try Self.read(
          name.text, in: path, limit: width * Digest.byteCount, fileSystem)
        guard bytes.count == width * Digest.byteCount else {
          throw .width(path: path, name: name.text, byteCount: bytes.count)
        }
        return stride(from: 0, to: bytes.count, by: Digest.byteCount).compactMap {
          Digest(Array(bytes[$0..<($0 + Digest.byteCount)]))
        }
      } catch {
        guard case .file(let cause) = error, cause.reason == .notFound else { throw error }
      }
    }
    throw .missing(path: path, level: level, index: index)
  }

  private static func read(
    _ name: String, in path: String, limit: Int, _ fileSystem: any FileSystem
  ) throws(TileFolderError) -> [UInt8] {
    do throws(FileSystemError) {
      var folders = [try fileSystem.openDirectory(path: path)]
      defer { for folder in folders { fileSystem.close(folder) } }
      let parts = name.split(separator: "/").map { String($0) }
      for part in parts.dropLast() {
        folders.append(try fileSystem.openDirectory(part, in: folders[folders.count - 1]))
      }
      let file = try fileSystem.open(
        parts[parts.count - 1], in: folders[folders.count - 1], .readOnly)
      defer { fileSystem.close(file) }
      let count = try fileSystem.status(of: file).byteCount
      guard count <= UInt64(limit) else {
        throw FileSystemError(.read, "\(path)/\(name)", .unsupported)
      }
      return try fileSystem.read(file, byteCount: Int(count), at: 0)
    } catch {
      throw .file(error)
    }
  }
}

/// Why hashes cannot be had from a folder of tiles.
public enum TileFolderError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file system refused.
  case file(FileSystemError)
  /// The checkpoint in the folder is none.
  case checkpoint(path: String, NoteError)
  /// A tile is not there.
  case missing(path: String, level: Int, index: UInt64)
  /// A tile has not as many hashes as its name says.
  case width(path: String, name: String, byteCount: Int)

  public var description: String {
    switch self {
    case .file(let error): error.description
    case .checkpoint(let path, let error):
      "'\(escapedForTerminal(path))/checkpoint': \(error)"
    case .missing(let path, let level, let index):
      "'\(escapedForTerminal(path))' has no tile \(index) of level \(level) for its checkpoint; export "
        + "the log again"
    case .width(let path, let name, let byteCount):
      "'\(escapedForTerminal(path))/\(name)' has \(byteCount) bytes, not those its name says; export "
        + "the log again into an empty folder"
    }
  }
}
