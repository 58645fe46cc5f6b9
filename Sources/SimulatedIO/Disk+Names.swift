internal import PlatformIO

/// Paths, names and their durability.
extension Disk {
  // MARK: Looking up

  /// The directory a path leads to. Links are followed, at most 8 of them.
  func directory(at path: String, _ intent: Intent) throws(FileSystemError) -> Int {
    var links = 0
    return try walk(path, intent, &links)
  }

  private func walk(
    _ path: String, _ intent: Intent, _ links: inout Int
  ) throws(FileSystemError) -> Int {
    var stack = [0]
    for component in path.split(separator: "/") {
      if component == "." { continue }
      if component == ".." {
        if stack.count > 1 { stack.removeLast() }
        continue
      }
      switch directories[stack[stack.count - 1]].entries[String(component)] {
      case .directory(let index)?: stack.append(index)
      case .special(.symbolicLink(let target))?:
        links += 1
        if links > 8 { throw error(intent, .notADirectory) }
        stack.append(try walk(target, intent, &links))
      case .file?, .special?: throw error(intent, .notADirectory)
      case nil: throw error(intent, .notFound)
      }
    }
    return stack[stack.count - 1]
  }

  /// Splits a path into its directory and its last component.
  func parent(
    of path: String, _ intent: Intent
  ) throws(FileSystemError) -> (directory: Int, name: String) {
    let components = path.split(separator: "/").filter { $0 != "." }
    guard let last = components.last, last != ".." else { return (0, "") }
    let parent = "/" + components.dropLast().joined(separator: "/")
    return (try directory(at: parent, intent), String(last))
  }

  /// The directory behind a handle.
  mutating func directory(
    _ handle: DirectoryHandle, _ intent: Intent
  ) throws(FileSystemError) -> Int {
    guard let open = openDirectories[handle.rawValue] else {
      misuseCount += 1
      throw error(intent, .system(errorNumber: 9))
    }
    return open.directory
  }

  /// Refuses what is not a single path component.
  mutating func check(_ name: String, _ intent: Intent) throws(FileSystemError) {
    if name.isEmpty || name == "." || name == ".." || name.utf8.contains(0x2f) {
      misuseCount += 1
      throw error(intent, .system(errorNumber: 22))
    }
    if name.utf8.count > 255 { throw error(intent, .system(errorNumber: 36)) }
  }

  // MARK: Changing

  /// Gives a name, replacing nothing.
  mutating func add(_ entry: Entry, _ name: String, in directory: Int) {
    directories[directory].entries[name] = entry
    changes.append(
      EntryChange(
        kind: .add(name, in: directory), entry: entry, number: operationCount,
        unsynced: [directory]))
    link(entry, by: 1)
  }

  /// Takes a name away.
  mutating func remove(_ entry: Entry, _ name: String, in directory: Int) {
    directories[directory].entries[name] = nil
    changes.append(
      EntryChange(
        kind: .remove(name, in: directory), entry: entry, number: operationCount,
        unsynced: [directory]))
    link(entry, by: -1)
  }

  /// Moves a name, replacing what stands at the target.
  mutating func move(
    _ entry: Entry, _ name: String, in source: Int, to newName: String, in target: Int
  ) {
    if source == target && name == newName { return }
    let replaced = directories[target].entries[newName]
    directories[source].entries[name] = nil
    directories[target].entries[newName] = entry
    changes.append(
      EntryChange(
        kind: .move(name, from: source, to: newName, in: target), entry: entry,
        number: operationCount, unsynced: source == target ? [source] : [source, target]))
    if let replaced { link(replaced, by: -1) }
  }

  mutating func link(_ entry: Entry, by step: Int) {
    switch entry {
    case .file(let index):
      files[index].linkCount += step
      if step < 0 { releaseSpaceIfUnused(index) }
    case .directory(let index): if step < 0 { directories[index].isRemoved = true }
    case .special: break
    }
  }

  // MARK: Durability

  /// Makes the first `limit` changes in a directory durable, all if nil.
  mutating func synchronizeEntries(of directory: Int, limit: Int? = nil) {
    var left = limit ?? .max
    for index in changes.indices where changes[index].unsynced.contains(directory) {
      if changes[index].isDropped { continue }
      if left == 0 { break }
      left -= 1
      changes[index].unsynced.removeAll { $0 == directory }
    }
    var durableCount = 0
    for change in changes {
      guard change.isDurable else { break }
      Disk.apply(change, to: &directories)
      durableCount += 1
    }
    changes.removeFirst(durableCount)
    if releasedFileCount > 64 { collectUnreachableFiles() }
  }

  /// Number of changes a sync of a directory would make durable there.
  func pendingChangeCount(in directory: Int) -> Int {
    changes.count { $0.unsynced.contains(directory) && !$0.isDropped }
  }

  /// Forgets to ever write the changes in a directory.
  mutating func dropChanges(in directory: Int) {
    for index in changes.indices where changes[index].unsynced.contains(directory) {
      changes[index].isDropped = true
    }
  }

  /// Does one change to the durable names. Earlier changes may have been lost, so what it expects
  /// to find may not be there; a file never ends up under both names of a move.
  static func apply(_ change: EntryChange, to directories: inout [SimulatedDirectory]) {
    switch change.kind {
    case .add(let name, let directory):
      directories[directory].durableEntries[name] = change.entry
    case .remove(let name, let directory):
      guard directories[directory].durableEntries[name] == change.entry else { return }
      // A directory whose entries came back is not empty and cannot have been removed.
      if case .directory(let index) = change.entry,
        !directories[index].durableEntries.isEmpty
      {
        return
      }
      directories[directory].durableEntries[name] = nil
    case .move(let name, from: let source, to: let newName, in: let target):
      if directories[source].durableEntries[name] == change.entry {
        directories[source].durableEntries[name] = nil
      } else if change.entry.kind != .other {
        for index in directories.indices {
          let places = directories[index].durableEntries.filter { $0.value == change.entry }
          for place in places.keys { directories[index].durableEntries[place] = nil }
        }
      }
      directories[target].durableEntries[newName] = change.entry
    }
  }

  /// Takes files that nothing can bring back out of the table.
  mutating func collectUnreachableFiles() {
    var isReachable = Array(repeating: false, count: files.count)
    func reach(_ entry: Entry) { if case .file(let index) = entry { isReachable[index] = true } }
    for directory in directories {
      directory.entries.values.forEach(reach)
      directory.durableEntries.values.forEach(reach)
    }
    for change in changes { reach(change.entry) }
    for index in files.indices
    where !isReachable[index] && !files[index].isInUse && !files[index].isVacant {
      files[index] = .vacant
      vacancies.append(index)
    }
    releasedFileCount = 0
  }
}
