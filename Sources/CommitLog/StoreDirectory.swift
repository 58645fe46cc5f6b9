internal import ByteCoding
internal import PlatformIO

/// The directories of a store and the names of its files; everything is reached relative to handles.
final class StoreDirectory: Sendable {
  let fileSystem: any FileSystem
  let path: String
  let root: DirectoryHandle
  let streams: DirectoryHandle
  let manifest: DirectoryHandle
  let spare: DirectoryHandle
  let quarantine: DirectoryHandle
  private let streamDirectories = Guarded<[UInt64: DirectoryHandle]>([:])

  static let lockName = "LOCK"
  static let superblockName = "SUPER"
  static let ballastName = "BALLAST"
  static let streamsName = "s"
  static let manifestName = "meta"
  static let spareName = "spare"
  static let quarantineName = "q"

  /// Opens the directories of an existing store.
  init(opening path: String, in fileSystem: any FileSystem) throws(FileSystemError) {
    self.fileSystem = fileSystem
    self.path = path
    let root = try fileSystem.openDirectory(path: path)
    var opened = [root]
    do throws(FileSystemError) {
      for name in [Self.streamsName, Self.manifestName, Self.spareName, Self.quarantineName] {
        opened.append(try fileSystem.openDirectory(name, in: root))
      }
    } catch {
      for handle in opened { fileSystem.close(handle) }
      throw error
    }
    self.root = root
    (streams, manifest, spare, quarantine) = (opened[1], opened[2], opened[3], opened[4])
  }

  deinit {
    for handle in streamDirectories.withLock({ $0.values.map { $0 } }) {
      fileSystem.close(handle)
    }
    for handle in [quarantine, spare, manifest, streams, root] { fileSystem.close(handle) }
  }

  /// The file name of a segment: its identity, 16 lower-case hexadecimal digits.
  static func segmentName(_ segmentID: UInt64) -> String {
    Hexadecimal.digits(segmentID, count: 16) + ".seg"
  }

  /// The file name of the second copy of a manifest segment.
  static func mirrorName(_ segmentID: UInt64) -> String {
    Hexadecimal.digits(segmentID, count: 16) + ".mir"
  }

  /// The identity that the name of a manifest segment or its mirror states, or `nil`.
  static func manifestID(fromName name: String) -> UInt64? {
    guard name.utf8.count == 20, name.hasSuffix(".seg") || name.hasSuffix(".mir") else {
      return nil
    }
    return Hexadecimal.number(name.dropLast(4), count: 16)
  }

  /// The identity a file name states, or `nil` when the name is not one we write.
  static func segmentID(fromName name: String) -> UInt64? {
    guard name.utf8.count == 20, name.hasSuffix(".seg") else { return nil }
    return Hexadecimal.number(name.dropLast(4), count: 16)
  }

  /// The name of a stream's directory.
  static func streamDirectoryName(_ streamID: UInt64) -> String {
    Hexadecimal.digits(streamID, count: 16)
  }

  /// Where an operator finds a segment.
  func segmentPath(streamID: UInt64, segmentID: UInt64) -> String {
    let name = Self.segmentName(segmentID)
    return streamID == 0
      ? "\(path)/\(Self.manifestName)/\(name)"
      : "\(path)/\(Self.streamsName)/\(Self.streamDirectoryName(streamID))/\(name)"
  }

  /// The open directory of a stream; 0 is the manifest's.
  func directory(ofStream streamID: UInt64, creating: Bool = false) throws(FileSystemError)
    -> DirectoryHandle
  {
    if streamID == 0 { return manifest }
    if let known = streamDirectories.withLock({ $0[streamID] }) { return known }
    let name = Self.streamDirectoryName(streamID)
    if creating {
      try makeStreamDirectory(name)
    }
    let handle = try fileSystem.openDirectory(name, in: streams)
    let kept = streamDirectories.withLock { known -> DirectoryHandle in
      if let other = known[streamID] { return other }
      known[streamID] = handle
      return handle
    }
    if kept != handle { fileSystem.close(handle) }
    return kept
  }

  private func makeStreamDirectory(_ name: String) throws(FileSystemError) {
    if try !makeUnlessThere(name) {
      // A crash, or a sync that failed, may have left the name without making it durable, and a second
      // sync of the same change proves nothing: while nothing is in it, it is made anew.
      try? fileSystem.removeDirectory(name, in: streams)
      _ = try makeUnlessThere(name)
    }
    do throws(FileSystemError) { try fileSystem.synchronize(streams) } catch {
      try? fileSystem.removeDirectory(name, in: streams)
      throw error
    }
  }

  private func makeUnlessThere(_ name: String) throws(FileSystemError) -> Bool {
    do throws(FileSystemError) {
      try fileSystem.makeDirectory(name, in: streams)
      return true
    } catch {
      guard error.reason == .alreadyExists else { throw error }
      return false
    }
  }
}
