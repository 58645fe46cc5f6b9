extension SimulatedFile {
  /// The file a restarted machine finds: durable, with one state of each unsynced page and of the
  /// size.
  func survivor(
    of plan: CrashPlan, _ mood: CrashMood, stale: [Page],
    choosing choices: inout some CrashChoices
  ) -> SimulatedFile {
    var image = SimulatedFile(inode: inode)
    image.versionCountLimit = versionCountLimit
    image.linkCount = 1
    image.linkCountOverride = linkCountOverride
    image.pages = durablePages
    image.byteCount = durableByteCount
    if !isClean {
      for change in dirty { image.restore(change, of: self, plan, mood, &choices) }
      let state = mood.survivor(ofStatesMadeBy: sizes.map(\.number), &choices)
      if state > 0 { image.byteCount = sizes[state - 1].byteCount }
      image.cutAtEnd()
      if plan.showsStaleBytes, !stale.isEmpty {
        image.exposeStale(stale, from: durableByteCount, &choices)
      }
    }
    image.blocks = blocks
    if !isClean || linkCount == 0 {
      image.blocks.removeAll(from: (image.byteCount + Page.byteCount - 1) / Page.byteCount)
      for (index, page) in image.pages.enumerated() where page != nil {
        image.blocks.insert(index)
      }
    }
    image.durablePages = image.pages
    image.durableByteCount = image.byteCount
    return image
  }

  /// Chooses what is left of one page.
  private mutating func restore(
    _ change: DirtyPage, of file: SimulatedFile, _ plan: CrashPlan, _ mood: CrashMood,
    _ choices: inout some CrashChoices
  ) {
    let durable = file.durablePage(change.index)
    let versions = change.versions
    func page(_ state: Int) -> Page? { state == 0 ? durable : versions[state - 1].page }
    var state = 0
    if versions.count == 1 {
      state = mood.survivor(ofStatesMadeBy: CollectionOfOne(versions[0].number), &choices)
    } else {
      state = mood.survivor(ofStatesMadeBy: versions.map(\.number), &choices)
    }
    var survivor = page(state)
    if let granularity = plan.tearGranularity, mayTear(mood, state, versions, &choices) {
      // An ordered disk tears only the write that was on its way when the power went.
      let other =
        if case .ordered = mood { state + 1 } else { choices.choose(below: versions.count + 1) }
      survivor = Tear(granularity: granularity, destroys: plan.destroysOverwrittenSectors)
        .tear(older: page(min(state, other)), newer: page(max(state, other)), &choices)
    }
    while pages.count <= change.index { pages.append(nil) }
    pages[change.index] = survivor
  }

  private func mayTear(
    _ mood: CrashMood, _ state: Int, _ versions: [PageVersion], _ choices: inout some CrashChoices
  ) -> Bool {
    switch mood {
    case .keepAll, .loseAll: false
    case .ordered: state < versions.count && choices.choose(below: 2) == 1
    case .subset, .odds: choices.choose(below: 4) == 0
    }
  }

  /// Bytes behind the end are zeros, whatever version of their page survived.
  private mutating func cutAtEnd() {
    let end = (byteCount + Page.byteCount - 1) / Page.byteCount
    if pages.count > end { pages.removeLast(pages.count - end) }
    let inside = byteCount % Page.byteCount
    if inside > 0, pages.count == end, let last = pages[end - 1], !last.isZero(from: inside) {
      pages[end - 1] = Page(clearing: inside..<Page.byteCount, of: last)
    }
  }

  /// Lets some pages that became part of the file without reaching the disk show old bytes.
  private mutating func exposeStale(
    _ stale: [Page], from oldByteCount: Int, _ choices: inout some CrashChoices
  ) {
    let first = (oldByteCount + Page.byteCount - 1) / Page.byteCount
    let end = (byteCount + Page.byteCount - 1) / Page.byteCount
    guard first < end, choices.choose(below: 2) == 1 else { return }
    for index in first..<min(end, first + 64) where page(index) == nil {
      if choices.choose(below: 2) == 0 { continue }
      while pages.count <= index { pages.append(nil) }
      pages[index] = stale[choices.choose(below: stale.count)]
    }
    cutAtEnd()
  }
}

/// Mixes two versions of a page, as a power cut in the middle of a write does.
struct Tear {
  let granularity: Int
  /// A sector under way may be garbage as a whole.
  let destroys: Bool

  /// A page that holds units of either version; the units that differ are mixed, so that a tear in
  /// a small change is a tear.
  func tear(older: Page?, newer: Page?, _ choices: inout some CrashChoices) -> Page? {
    guard let difference = Page.difference(older, newer) else { return newer }
    if destroys, choices.choose(below: 8) == 0 {
      return destroyedSector(in: difference, of: older, &choices)
    }
    let first = difference.lowerBound / granularity
    let last = difference.upperBound / granularity
    guard first < last else { return choices.choose(below: 2) == 0 ? older : newer }
    switch choices.choose(below: 3) {
    case 0:
      let cut = first + 1 + choices.choose(below: last - first)
      return Page(mixing: older, with: newer, [0..<cut * granularity])
    case 1:
      let cut = first + 1 + choices.choose(below: last - first)
      return Page(mixing: older, with: newer, [cut * granularity..<Page.byteCount])
    default:
      return Page(mixing: older, with: newer, scattered(first...last, &choices))
    }
  }

  /// A random subset of units, as few ranges as it takes.
  private func scattered(
    _ units: ClosedRange<Int>, _ choices: inout some CrashChoices
  ) -> [Range<Int>] {
    var bits = RandomChoices(seed: UInt64(choices.choose(below: 1 << 20)))
    var ranges: [Range<Int>] = []
    var word: UInt64 = 0
    for unit in units {
      let place = unit - units.lowerBound
      if place & 63 == 0 { word = bits.next() }
      if word >> UInt64(place & 63) & 1 == 0 { continue }
      let range = unit * granularity..<(unit + 1) * granularity
      if let last = ranges.last, last.upperBound == range.lowerBound {
        ranges[ranges.count - 1] = last.lowerBound..<range.upperBound
      } else {
        ranges.append(range)
      }
    }
    return ranges
  }

  /// One sector of those being overwritten becomes noise.
  private func destroyedSector(
    in difference: ClosedRange<Int>, of older: Page?, _ choices: inout some CrashChoices
  ) -> Page {
    let sectors = difference.lowerBound / 512...difference.upperBound / 512
    let sector = sectors.lowerBound + choices.choose(below: sectors.count)
    var noise = RandomChoices(seed: UInt64(choices.choose(below: 1 << 20)))
    // Safety: the closure stays inside the page.
    return unsafe Page(editing: older) { bytes in
      for index in sector * 512..<(sector + 1) * 512 {
        // Safety: sectors lie inside the page.
        unsafe bytes[index] = UInt8(truncatingIfNeeded: noise.next())
      }
    }
  }
}
