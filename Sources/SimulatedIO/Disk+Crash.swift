/// What is left after the process or the machine died.
extension Disk {
  /// The disk a restarted process finds.
  mutating func survivor(
    of plan: CrashPlan, choosing choices: inout some CrashChoices
  ) -> Disk {
    noteAllStores()
    if case .processKill = plan.survival { return processSurvivor() }
    let mood = mood(of: plan.survival, &choices)
    var image = restarted()
    image.changes = []
    image.keepChanges(of: self, mood, &choices)
    let isReachable = image.linkDurableEntries()
    image.files = []
    image.files.reserveCapacity(files.count)
    for index in files.indices {
      if isReachable[index] {
        let file = files[index].survivor(of: plan, mood, stale: stalePages, choosing: &choices)
        image.usedBlockCount += file.blocks.count
        image.files.append(file)
      } else {
        if !files[index].isVacant { image.keepStale(files[index].pages) }
        image.files.append(.vacant)
        image.vacancies.append(index)
      }
    }
    return image
  }

  /// Does the changes of names that survive.
  private mutating func keepChanges(
    of disk: Disk, _ mood: CrashMood, _ choices: inout some CrashChoices
  ) {
    var lost: [EntryChange] = []
    for change in disk.changes {
      if change.isDurable || mood.keeps(change.number, &choices) {
        vacateTarget(of: change, &lost)
        Disk.apply(change, to: &directories)
      } else {
        lost.append(change)
      }
    }
  }

  /// Brings back a lost move that had vacated the name a surviving change takes: a rename is whole
  /// or not at all, so the moved file has one of its names and is never overwritten under the old
  /// one.
  private mutating func vacateTarget(of change: EntryChange, _ lost: inout [EntryChange]) {
    let (name, directory): (String, Int)
    switch change.kind {
    case .add(let added, let place): (name, directory) = (added, place)
    case .move(_, from: _, let newName, let place): (name, directory) = (newName, place)
    case .remove: return
    }
    guard let holder = directories[directory].durableEntries[name], holder != change.entry else {
      return
    }
    let index = lost.firstIndex { earlier in
      guard case .move(name, from: directory, _, _) = earlier.kind else { return false }
      return earlier.entry == holder
    }
    guard let index else { return }
    let move = lost.remove(at: index)
    vacateTarget(of: move, &lost)
    Disk.apply(move, to: &directories)
  }

  /// The same disk and page cache without the process.
  private func processSurvivor() -> Disk {
    var image = restarted()
    for index in image.files.indices {
      image.files[index].openHandleCount = 0
      image.files[index].mappedRegionCount = 0
      image.files[index].lockHolder = nil
      image.files[index].lockSharers = []
      image.files[index].arena = nil
      image.files[index].writableByteCount = 0
      if image.files[index].isInUse {
        image.usedBlockCount += image.files[index].blocks.count
      } else {
        image.files[index].blocks = BlockMap()
      }
    }
    image.vacancies = vacancies
    image.collectUnreachableFiles()
    return image
  }

  /// A copy with power, without a process, without faults and without files counted as used.
  private func restarted() -> Disk {
    var image = self
    image.openFiles = [:]
    image.openDirectories = [:]
    image.nextHandle = 3
    image.regions = [:]
    image.storedThrough = []
    image.hasPower = true
    image.faults = nil
    image.operationCount = 0
    image.storesIntoHolesCount = 0
    image.misuseCount = 0
    image.trace = []
    image.observer = nil
    image.vacancies = []
    image.usedBlockCount = 0
    image.releasedFileCount = 0
    return image
  }

  /// Makes the durable names the visible ones, and says which files can be reached.
  private mutating func linkDurableEntries() -> [Bool] {
    var isReachable = Array(repeating: false, count: files.count)
    var waiting = [0]
    var wasSeen = Array(repeating: false, count: directories.count)
    wasSeen[0] = true
    while let index = waiting.popLast() {
      directories[index].entries = directories[index].durableEntries
      for entry in directories[index].durableEntries.values {
        switch entry {
        case .file(let file): isReachable[file] = true
        case .directory(let directory):
          directories[directory].isRemoved = false
          if !wasSeen[directory] { waiting.append(directory) }
          wasSeen[directory] = true
        case .special: break
        }
      }
    }
    for index in directories.indices where !wasSeen[index] {
      directories[index].entries = [:]
      directories[index].durableEntries = [:]
      directories[index].isRemoved = true
    }
    return isReachable
  }

  /// How one crash treats what was not synced.
  private func mood(
    of survival: CrashPlan.Survival, _ choices: inout some CrashChoices
  ) -> CrashMood {
    switch survival {
    case .processKill, .keepAll: return .keepAll
    case .loseAll: return .loseAll
    case .subset: return .subset
    case .ordered: return orderedMood(&choices)
    case .random:
      switch choices.choose(below: 8) {
      case 0: return orderedMood(&choices)
      case 1, 2: return .odds(keepingOf8: 7)
      case 3, 4: return .odds(keepingOf8: 1)
      case 5: return .odds(keepingOf8: 4)
      default: return .subset
      }
    }
  }

  private func orderedMood(_ choices: inout some CrashChoices) -> CrashMood {
    var numbers = Set(changes.map(\.number))
    for file in files {
      for page in file.dirty { for version in page.versions { numbers.insert(version.number) } }
      for size in file.sizes { numbers.insert(size.number) }
    }
    let ordered = numbers.sorted()
    let cut = choices.choose(below: ordered.count + 1)
    return .ordered(upTo: cut == 0 ? -1 : ordered[cut - 1])
  }
}

/// How one crash treats what was not synced.
enum CrashMood: Sendable {
  case keepAll
  case loseAll
  case subset
  case ordered(upTo: Int)
  case odds(keepingOf8: Int)

  /// Whether a change survives.
  func keeps(_ number: Int, _ choices: inout some CrashChoices) -> Bool {
    switch self {
    case .keepAll: true
    case .loseAll: false
    case .subset: choices.choose(below: 2) == 1
    case .ordered(let last): number <= last
    case .odds(let keeping): choices.choose(below: 8) < keeping
    }
  }

  /// Which of a row of states survives: 0 is the durable one, `numbers.count` the newest.
  func survivor(
    ofStatesMadeBy numbers: some RandomAccessCollection<Int>, _ choices: inout some CrashChoices
  ) -> Int {
    let count = numbers.count
    switch self {
    case .keepAll: return count
    case .loseAll: return 0
    case .subset: return choices.choose(below: count + 1)
    case .ordered(let last): return numbers.prefix { $0 <= last }.count
    case .odds(let keeping):
      let isKept = choices.choose(below: 8) < keeping
      if count == 1 { return isKept ? 1 : 0 }
      // Now and then a state in the middle.
      if choices.choose(below: 4) == 0 { return choices.choose(below: count + 1) }
      return isKept ? count : 0
    }
  }
}
