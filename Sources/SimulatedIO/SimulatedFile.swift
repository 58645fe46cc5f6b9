internal import Glibc

/// One state a page had since it was last synced, and the operation that made it.
struct PageVersion: Sendable {
  let page: Page?
  let number: Int
}

/// A page whose newest bytes are not durable.
struct DirtyPage: Sendable {
  let index: Int
  /// Oldest first; the last is what readers see. Never empty.
  var versions: [PageVersion]
}

/// A size a file had since it was last synced.
struct SizeVersion: Sendable {
  let byteCount: Int
  let number: Int
}

/// A regular file: what readers see, what the disk holds, and every state between the two.
///
/// Invariant: bytes of the newest pages at and beyond `byteCount` are zero, unless a program stored
/// them there through a mapping.
struct SimulatedFile: Sendable {
  let inode: UInt64
  /// Size that readers see.
  var byteCount = 0
  /// Size that survives any crash.
  var durableByteCount = 0
  /// Sizes since the last sync, oldest first; the last equals `byteCount`. Empty when synced.
  var sizes: [SizeVersion] = []
  /// Contents that readers see; pages behind the end of the array are zeros.
  var pages: [Page?] = []
  /// Contents that survive any crash.
  var durablePages: [Page?] = []
  /// Pages with unsynced versions, ascending. A page may differ from its durable state and not be
  /// here: the kernel dropped it after a failed sync, and it is written back no more.
  var dirty: [DirtyPage] = []
  /// Blocks that take up space.
  var blocks = BlockMap()
  /// At most this many versions of a page are remembered.
  var versionCountLimit = 8

  /// Number of names, 0 or 1.
  var linkCount = 0
  /// What `status` says instead of `linkCount`.
  var linkCountOverride: UInt64?
  var openHandleCount = 0
  var mappedRegionCount = 0
  var lockHolder: Int32?
  var lockSharers: Set<Int32> = []
  /// Memory shown to mappings, from the first `map` on.
  var arena: Arena?
  /// Stores through mappings can reach bytes below this.
  var writableByteCount = 0
  /// Unreachable for good; the place in the table can be used again.
  var isVacant = false

  init(inode: UInt64) { self.inode = inode }

  /// What fills a place in the table that no file has.
  static var vacant: SimulatedFile {
    var file = SimulatedFile(inode: 0)
    file.isVacant = true
    return file
  }

  /// Whether a name, handle or mapping keeps the file's space in use.
  var isInUse: Bool { linkCount > 0 || openHandleCount > 0 || mappedRegionCount > 0 }

  /// The page readers see.
  func page(_ index: Int) -> Page? { index < pages.count ? pages[index] : nil }

  /// The page that survives any crash.
  func durablePage(_ index: Int) -> Page? {
    index < durablePages.count ? durablePages[index] : nil
  }

  /// Place of a page in `dirty`, or where it would be inserted.
  func dirtyPlace(of index: Int) -> (place: Int, isThere: Bool) {
    guard let last = dirty.last, last.index >= index else { return (dirty.count, false) }
    if last.index == index { return (dirty.count - 1, true) }
    var (low, high) = (0, dirty.count - 1)
    while low < high {
      let middle = (low + high) / 2
      if dirty[middle].index < index { low = middle + 1 } else { high = middle }
    }
    return (low, dirty[low].index == index)
  }

  // MARK: Changing

  /// Makes a page the newest version; the mapping is not touched.
  mutating func setPage(_ index: Int, to page: Page?, number: Int) {
    while pages.count <= index { pages.append(nil) }
    pages[index] = page
    let version = PageVersion(page: page, number: number)
    let (place, isThere) = dirtyPlace(of: index)
    guard isThere else {
      dirty.insert(DirtyPage(index: index, versions: [version]), at: place)
      return
    }
    dirty[place].versions.append(version)
    if dirty[place].versions.count > versionCountLimit { dirty[place].versions.removeFirst() }
  }

  /// Sets the size readers see.
  mutating func setByteCount(_ newByteCount: Int, number: Int) {
    guard newByteCount != byteCount else { return }
    byteCount = newByteCount
    sizes.append(SizeVersion(byteCount: newByteCount, number: number))
    if sizes.count > versionCountLimit { sizes.removeFirst() }
  }

  /// Writes bytes, making a version of each touched page, and extends the size.
  mutating func write(
    _ source: UnsafeRawPointer, count: Int, at position: Int, number: Int
  ) {
    guard count > 0 else { return }
    // Safety: callers pass `count` readable bytes; a part never leaves its page.
    clearTailInMapping(upTo: position + count)
    var done = 0
    while done < count {
      let index = (position + done) / Page.byteCount
      let inside = (position + done) % Page.byteCount
      let length = min(Page.byteCount - inside, count - done)
      let page: Page
      if let arena, arena.covers(page: index) {
        // Through the mapping's memory, so that stores not yet noticed are part of the new version.
        let target = unsafe arena.address(ofPage: index)
        unsafe (target + inside).copyMemory(from: source + done, byteCount: length)
        arena.touchedByteCount = max(arena.touchedByteCount, (index + 1) * Page.byteCount)
        page = unsafe Page(copying: target)
      } else {
        page = unsafe Page(
          patching: self.page(index), with: source + done, count: length, at: inside)
      }
      setPage(index, to: page, number: number)
      blocks.insert(index)
      done += length
    }
    if position + count > byteCount { setByteCount(position + count, number: number) }
  }

  /// Bytes stored through a mapping behind the end of the file do not become part of it when it
  /// grows.
  private func clearTailInMapping(upTo newByteCount: Int) {
    guard let arena, newByteCount > byteCount, writableByteCount > 0 else { return }
    let inside = byteCount % Page.byteCount
    guard inside > 0, arena.covers(page: byteCount / Page.byteCount) else { return }
    // Safety: the arena has the page, and the range ends with it.
    unsafe _ = memset(arena.base + byteCount, 0, Page.byteCount - inside)
  }

  /// Zeroes a range, keeping the size; pages that are zero already get no version.
  mutating func clear(_ range: Range<Int>, number: Int) {
    var position = range.lowerBound
    let end = min(range.upperBound, pages.count * Page.byteCount)
    while position < end {
      let index = position / Page.byteCount
      let inside = position % Page.byteCount
      let length = min(Page.byteCount - inside, end - position)
      if let old = page(index) {
        let new =
          length == Page.byteCount ? nil : Page(clearing: inside..<inside + length, of: old)
        setPage(index, to: new, number: number)
        arena?.set(page: index, to: new)
      }
      position += length
    }
  }

  /// Grows with zeros or shrinks; space behind the new end is given back.
  mutating func resize(to newByteCount: Int, number: Int) {
    clearTailInMapping(upTo: newByteCount)
    if newByteCount < byteCount {
      clear(newByteCount..<max(byteCount, newByteCount), number: number)
      blocks.removeAll(from: (newByteCount + Page.byteCount - 1) / Page.byteCount)
    }
    setByteCount(newByteCount, number: number)
  }

  // MARK: Reading

  /// Copies up to `count` bytes from `position` on; fewer only at the end of the file.
  func read(into target: UnsafeMutableRawPointer, count: Int, at position: Int) -> Int {
    // Safety: callers pass room for `count` bytes; a part never leaves its page.
    let available = max(0, min(count, byteCount - position))
    var done = 0
    while done < available {
      let index = (position + done) / Page.byteCount
      let inside = (position + done) % Page.byteCount
      let length = min(Page.byteCount - inside, available - done)
      if let arena, arena.covers(page: index) {
        unsafe (target + done).copyMemory(
          from: arena.address(ofPage: index) + inside, byteCount: length)
      } else if let page = page(index) {
        unsafe page.copy(from: inside, count: length, to: target + done)
      } else {
        unsafe _ = memset(target + done, 0, length)
      }
      done += length
    }
    return available
  }
}
