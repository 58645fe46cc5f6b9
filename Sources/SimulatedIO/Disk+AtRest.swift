internal import PlatformIO

/// Looking at and placing things by path, durably.
extension Disk {
  /// The regular file at a path.
  func fileIndex(at path: String) throws(FileSystemError) -> Int {
    let intent = Intent(.open, .path(path))
    let (parent, name) = try parent(of: path, intent)
    switch directories[parent].entries[name] {
    case .file(let index)?: return index
    case .directory?, .special?: throw error(intent, .notARegularFile)
    case nil: throw error(intent, .notFound)
    }
  }

  /// Paths of all files that are not directories, ascending.
  func listFiles() -> [String] {
    var found: [String] = []
    var waiting = [(path: "/", directory: 0)]
    while let (path, directory) = waiting.popLast() {
      for (name, entry) in directories[directory].entries {
        if case .directory(let index) = entry {
          waiting.append((join(path, name), index))
        } else {
          found.append(join(path, name))
        }
      }
    }
    return found.sorted()
  }

  /// Makes a directory and its parents exist, durably.
  mutating func makeDurableDirectory(_ path: String) -> Int {
    var directory = 0
    for component in path.split(separator: "/") where component != "." {
      let name = String(component)
      if case .directory(let index)? = directories[directory].entries[name] {
        directories[directory].durableEntries[name] = .directory(index)
        directory = index
        continue
      }
      directories.append(SimulatedDirectory(inode: nextInode))
      nextInode += 1
      directories[directory].entries[name] = .directory(directories.count - 1)
      directories[directory].durableEntries[name] = .directory(directories.count - 1)
      directory = directories.count - 1
    }
    return directory
  }

  /// Makes a regular file exist, durably, with its parents.
  mutating func makeDurableFile(_ path: String) throws(FileSystemError) -> Int {
    let intent = Intent(.open, .path(path))
    let components = path.split(separator: "/")
    guard let last = components.last else { throw error(intent, .notARegularFile) }
    let parent = makeDurableDirectory(components.dropLast().joined(separator: "/"))
    let name = String(last)
    switch directories[parent].entries[name] {
    case .file(let index)?:
      directories[parent].durableEntries[name] = .file(index)
      return index
    case .directory?: throw error(intent, .notARegularFile)
    case .special?, nil:
      let index = makeFile()
      files[index].linkCount = 1
      directories[parent].entries[name] = .file(index)
      directories[parent].durableEntries[name] = .file(index)
      return index
    }
  }
}
