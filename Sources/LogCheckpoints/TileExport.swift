public import CommitLog
internal import Cryptography
public import Integrity
public import PlatformIO
internal import Quantities

/// Writes a log as a folder of static files (C2SP tlog-tiles): the checkpoint, tiles of hashes, and bundles
/// of the leaves, so that any client of such logs can check it.
///
/// Full tiles are never written twice, so that exporting again writes what was added. The checkpoint
/// comes last, each file gets its name when its bytes are durable. Of records that were removed there
/// are no bundles and no tiles of leaves; that is pruning as the standard has it.
public struct TileExport: ~Copyable {
  private let tree: StreamTree
  private let fileSystem: any FileSystem
  private let root: DirectoryHandle
  private let path: String
  private var folders: [String: DirectoryHandle] = [:]

  /// Files that were written.
  public private(set) var writtenCount: UInt64 = 0
  /// Files that were there already, or belong to records that were removed.
  public private(set) var skippedCount: UInt64 = 0

  /// Prepares to write.
  ///
  /// - Parameters:
  ///   - tree: The tree.
  ///   - path: The folder; made when it is missing.
  ///   - fileSystem: Where it is.
  /// - Throws: `FileSystemError`.
  public init(_ tree: StreamTree, to path: String, _ fileSystem: any FileSystem)
    throws(FileSystemError)
  {
    do throws(FileSystemError) { try fileSystem.makeDirectory(path: path) } catch {
      guard error.reason == .alreadyExists else { throw error }
    }
    root = try fileSystem.openDirectory(path: path)
    (self.tree, self.path, self.fileSystem) = (tree, path, fileSystem)
  }

  deinit {
    for folder in folders.values { fileSystem.close(folder) }
    fileSystem.close(root)
  }

  /// Writes all that a checkpoint covers, and then the checkpoint.
  ///
  /// - Parameters:
  ///   - note: The checkpoint, of the tree.
  ///   - progress: Called with the files that are done and all there are.
  /// - Throws: ``TileExportError``.
  public mutating func export(
    _ note: SignedNote, progress: (_ done: UInt64, _ all: UInt64) -> Void = { _, _ in }
  ) throws(TileExportError) {
    let checkpoint: Checkpoint
    do throws(NoteError) { checkpoint = try Checkpoint(text: note.text) } catch {
      throw .note(error)
    }
    let size = checkpoint.size
    let ownRoot: Digest
    do throws(EvidenceError) { ownRoot = try tree.root(size: size) } catch {
      throw .evidence(error)
    }
    guard ownRoot == checkpoint.root else { throw .otherTree(size: size) }
    let all = TileSet(size: size).reduce(into: UInt64(0)) { count, _ in count += 1 }
    var done: UInt64 = 0
    for tile in TileSet(size: size) {
      try write(tile)
      done += 1
      if done % 64 == 0 || done == all { progress(done, all) }
    }
    do throws(FileSystemError) {
      try fileSystem.replace("checkpoint", in: root, bytes: note.encoded, isDurable: false)
    } catch {
      throw .file(error)
    }
  }

  private mutating func write(_ tile: TilePath) throws(TileExportError) {
    let parts = tile.text.split(separator: "/").map(String.init)
    guard let name = parts.last else { return }
    do throws(FileSystemError) {
      let folder = try folder(parts.dropLast())
      if tile.isFull, try isThere(name, in: folder) {
        skippedCount += 1
        return
      }
    } catch {
      throw .file(error)
    }
    let bytes: [UInt8]
    do throws(EvidenceError) { bytes = try content(of: tile) } catch {
      guard case .removed = error else { throw .evidence(error) }
      skippedCount += 1
      return
    }
    do throws(FileSystemError) {
      let folder = try folder(parts.dropLast())
      try fileSystem.replace(name, in: folder, bytes: bytes, isDurable: false)
    } catch {
      throw .file(error)
    }
    writtenCount += 1
  }

  private func content(of tile: TilePath) throws(EvidenceError) -> [UInt8] {
    guard case .entries = tile.kind else { return try tree.tile(tile) }
    let first = tile.index * UInt64(TilePath.fullWidth)
    let leaves = try tree.leaves(
      Offset(rawValue: first)..<Offset(rawValue: first + UInt64(tile.width)))
    return TileSet.bundle(leaves.map(\.encoded))
  }

  private func isThere(_ name: String, in folder: DirectoryHandle) throws(FileSystemError) -> Bool {
    do throws(FileSystemError) {
      fileSystem.close(try fileSystem.open(name, in: folder, .readOnly))
      return true
    } catch {
      guard error.reason == .notFound else { throw error }
      return false
    }
  }

  private mutating func folder(_ parts: ArraySlice<String>) throws(FileSystemError)
    -> DirectoryHandle
  {
    let key = parts.joined(separator: "/")
    if let known = folders[key] { return known }
    guard let name = parts.last else { return root }
    let parent = try folder(parts.dropLast())
    do throws(FileSystemError) { try fileSystem.makeDirectory(name, in: parent) } catch {
      guard error.reason == .alreadyExists else { throw error }
    }
    let handle = try fileSystem.openDirectory(name, in: parent)
    // Partial tiles have folders of their own, so that there may be as many as the log has tiles.
    if folders.count >= 128 {
      for other in folders.values { fileSystem.close(other) }
      folders = [:]
    }
    folders[key] = handle
    return handle
  }
}

/// Why a log could not be written as files.
public enum TileExportError: Error, Sendable, CustomStringConvertible {
  /// The file system refused.
  case file(FileSystemError)
  /// A hash cannot be had.
  case evidence(EvidenceError)
  /// The checkpoint is none.
  case note(NoteError)
  /// The checkpoint is not of this tree.
  case otherTree(size: UInt64)

  public var description: String {
    switch self {
    case .file(let error): error.description
    case .evidence(let error): "\(error)"
    case .note(let error): "\(error)"
    case .otherTree(let size):
      "the checkpoint of size \(size) is of another log, or the log was changed; nothing more was "
        + "written. piperoll-audit verify --checkpoint tells which"
    }
  }
}
