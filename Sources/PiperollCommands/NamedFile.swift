internal import CommandLineInterface
internal import PlatformIO

/// Files outside the store that are named on the command line: keys, checkpoints, policies, proofs.
enum NamedFile {
  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - limit: Most bytes it may have.
  ///   - kind: What it should be, for the message when it is larger.
  static func read(_ path: String, limit: Int, kind: String) throws(CommandFailure) -> [UInt8] {
    do throws(SmallFile.Failure) {
      return try SmallFile.read(path, limit: limit, kind: kind)
    } catch {
      throw .message("\(error)")
    }
  }

  /// The folder of a path, and the name in it.
  static func split(_ path: String) throws(CommandFailure) -> (folder: String, name: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard let name = parts.last, !name.isEmpty, name != ".", name != ".." else {
      throw .message("'\(escapedForTerminal(path))' names no file; add a name")
    }
    let above = path.dropLast(name.utf8.count)
    return (above.isEmpty ? "." : String(above), String(name))
  }

  /// Whether two or more of the paths lead to the same name in the same folder, however they are written.
  static func haveSamePlace(_ paths: [String], _ fileSystem: any FileSystem)
    throws(CommandFailure) -> Bool
  {
    var places: Set<Place> = []
    for path in paths {
      let (folder, name) = try split(path)
      try using { () throws(FileSystemError) in
        let directory = try fileSystem.openDirectory(path: folder)
        defer { fileSystem.close(directory) }
        places.insert(Place(folder: try fileSystem.identity(of: directory), name: name))
      }
    }
    return places.count < paths.count
  }

  private struct Place: Hashable {
    let folder: FileIdentity
    let name: String
  }

  /// Puts bytes in the place of a file, durably; what was there stays until they are whole.
  static func replace(_ path: String, with bytes: [UInt8], _ fileSystem: any FileSystem)
    throws(CommandFailure)
  {
    let (folder, name) = try split(path)
    try using { () throws(FileSystemError) in
      let directory = try fileSystem.openDirectory(path: folder)
      defer { fileSystem.close(directory) }
      try fileSystem.replace(name, in: directory, bytes: bytes)
    }
  }
}
