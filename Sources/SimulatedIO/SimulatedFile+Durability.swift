internal import Glibc

extension SimulatedFile {
  /// Whether every byte and the size are as durable as they can become.
  var isClean: Bool { dirty.isEmpty && sizes.isEmpty }

  /// Makes versions of pages that were stored to through a mapping since the last look.
  ///
  /// - Returns: The number of stores that went into blocks nobody allocated; a full disk answers
  ///   those with a signal.
  mutating func noteStores(number: Int) -> Int {
    guard writableByteCount > 0, let arena else { return 0 }
    var holes = 0
    let count = (min(writableByteCount, arena.byteCount) + Page.byteCount - 1) / Page.byteCount
    for index in 0..<count {
      // Safety: the arena has this page: `count` is bounded by its size.
      let address = unsafe arena.address(ofPage: index)
      if unsafe Page.bytes(of: page(index), equal: address) { continue }
      if !blocks.contains(index) { holes += 1 }
      blocks.insert(index)
      setPage(index, to: unsafe Page(copying: address), number: number)
    }
    return holes
  }

  /// Makes the newest state of the first `limit` dirty pages durable; all of them and the size when
  /// `limit` is nil.
  mutating func synchronize(pageCountLimit limit: Int? = nil) {
    let count = min(limit ?? dirty.count, dirty.count)
    for change in dirty[..<count] {
      setDurablePage(change.index, to: page(change.index))
    }
    dirty.removeFirst(count)
    guard limit == nil else { return }
    if byteCount < durableByteCount {
      // Pages dropped behind a new end must not come back when the file grows again.
      let end = (byteCount + Page.byteCount - 1) / Page.byteCount
      for index in min(end, durablePages.count)..<durablePages.count { durablePages[index] = nil }
    }
    durableByteCount = byteCount
    sizes = []
  }

  /// Makes one range durable, without the bytes around it, and the size if the range ends it.
  mutating func synchronize(_ range: Range<Int>) {
    var position = range.lowerBound
    while position < range.upperBound {
      let index = position / Page.byteCount
      let inside = position % Page.byteCount
      let length = min(Page.byteCount - inside, range.upperBound - position)
      let (place, isThere) = dirtyPlace(of: index)
      if length == Page.byteCount {
        setDurablePage(index, to: page(index))
        if isThere { dirty.remove(at: place) }
      } else {
        let newest = page(index)
        let part = [inside..<inside + length]
        setDurablePage(index, to: Page(mixing: durablePage(index), with: newest, part))
        if isThere { overlay(part, of: newest, onVersionsAt: place) }
      }
      position += length
    }
    if range.upperBound > durableByteCount { durableByteCount = range.upperBound }
    sizes.removeAll { $0.byteCount < range.upperBound }
    if byteCount == durableByteCount { sizes = [] }
  }

  /// Whatever version of the page survives, it now contains these ranges of the newest one.
  private mutating func overlay(_ ranges: [Range<Int>], of newest: Page?, onVersionsAt place: Int) {
    let durable = durablePage(dirty[place].index)
    if Page.difference(durable, newest) == nil, dirty[place].versions.count == 1 {
      dirty.remove(at: place)
      return
    }
    let last = dirty[place].versions.count - 1
    for version in 0..<last {
      let old = dirty[place].versions[version]
      dirty[place].versions[version] = PageVersion(
        page: Page(mixing: old.page, with: newest, ranges), number: old.number)
    }
  }

  /// What the kernel does after a failed write-back: the pages count as clean, show the new bytes,
  /// and reach the disk no more unless they are written again.
  mutating func dropDirtyPages() {
    dirty = []
  }

  private mutating func setDurablePage(_ index: Int, to page: Page?) {
    if durablePages.count <= index {
      if page == nil { return }
      while durablePages.count <= index { durablePages.append(nil) }
    }
    durablePages[index] = page
  }

  /// Declares what readers see durable, as after a clean shutdown.
  mutating func settle() {
    durablePages = pages
    durableByteCount = byteCount
    dirty = []
    sizes = []
  }

  /// Changes bytes on the disk and in the cache behind the program's back, in every version.
  mutating func damage(page index: Int, _ edit: (Page?) -> Page?) {
    while pages.count <= index { pages.append(nil) }
    while durablePages.count <= index { durablePages.append(nil) }
    let (place, isThere) = dirtyPlace(of: index)
    durablePages[index] = edit(durablePages[index])
    if isThere {
      for version in dirty[place].versions.indices {
        let old = dirty[place].versions[version]
        dirty[place].versions[version] = PageVersion(page: edit(old.page), number: old.number)
      }
      pages[index] = dirty[place].versions.last?.page
    } else {
      pages[index] = edit(pages[index])
    }
    arena?.set(page: index, to: pages[index])
  }

  /// Number of the first bytes of a write that fit when only `freeBlockCount` blocks can be added.
  func fittingByteCount(of count: Int, at position: Int, freeBlockCount: Int) -> Int {
    var (free, fitting) = (freeBlockCount, 0)
    while fitting < count {
      let index = (position + fitting) / Page.byteCount
      if !blocks.contains(index) {
        if free <= 0 { break }
        free -= 1
      }
      fitting += min(Page.byteCount - (position + fitting) % Page.byteCount, count - fitting)
    }
    return fitting
  }
}
