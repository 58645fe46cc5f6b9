internal import Glibc
internal import Synchronization

/// 4 KiB of file contents that never change after they are made, shared by file systems, versions
/// and crash images. A missing page (`nil` where a `Page?` is kept) is all zeros.
@safe
final class Page: @unchecked Sendable {
  // Safety: `base` points to `byteCount` bytes owned by this object alone; they are written only
  // inside an initialiser, before the object is shared, and freed in `deinit`.
  static let byteCount = 4096
  private static let zero = Page()
  private let base: UnsafeMutableRawPointer
  /// Hash of the bytes once it was asked for; 0 before.
  private let knownDigest = Atomic<UInt64>(0)

  private init() {
    // Safety: new memory of the size that is filled.
    unsafe base = .allocate(byteCount: Page.byteCount, alignment: 64)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: Page.byteCount)
  }

  /// Copies a whole page.
  init(copying source: UnsafeRawPointer) {
    // Safety: callers pass the address of a page.
    unsafe base = .allocate(byteCount: Page.byteCount, alignment: 64)
    unsafe base.copyMemory(from: source, byteCount: Page.byteCount)
  }

  /// Copies a page and lets a closure change the copy.
  init(editing older: Page?, _ edit: (UnsafeMutableRawBufferPointer) -> Void) {
    // Safety: both are pages; the closure gets bounds with the address.
    unsafe base = .allocate(byteCount: Page.byteCount, alignment: 64)
    unsafe base.copyMemory(from: (older ?? Page.zero).base, byteCount: Page.byteCount)
    unsafe edit(UnsafeMutableRawBufferPointer(start: base, count: Page.byteCount))
  }

  /// Copies a page and lays `count` bytes over it at `position`.
  convenience init(
    patching older: Page?, with source: UnsafeRawPointer, count: Int, at position: Int
  ) {
    precondition(position >= 0 && count >= 0 && position + count <= Page.byteCount)
    // Safety: the range was checked; callers pass `count` readable bytes.
    if count == Page.byteCount {
      unsafe self.init(copying: source)
    } else {
      unsafe self.init(editing: older) { bytes in
        guard let base = bytes.baseAddress else { return }
        unsafe (base + position).copyMemory(from: source, byteCount: count)
      }
    }
  }

  /// Copies a page and zeroes a range of it.
  convenience init(clearing range: Range<Int>, of older: Page) {
    precondition(range.lowerBound >= 0 && range.upperBound <= Page.byteCount)
    // Safety: the range was checked.
    unsafe self.init(editing: older) { bytes in
      guard let base = bytes.baseAddress else { return }
      unsafe _ = memset(base + range.lowerBound, 0, range.count)
    }
  }

  /// Copies one page and takes some ranges of another.
  convenience init(mixing older: Page?, with newer: Page?, _ ranges: [Range<Int>]) {
    let newer = newer ?? Page.zero
    // Safety: `copy` checks each range, which is the same in both pages.
    unsafe self.init(editing: older) { bytes in
      guard let base = bytes.baseAddress else { return }
      for range in ranges {
        unsafe newer.copy(from: range.lowerBound, count: range.count, to: base + range.lowerBound)
      }
    }
  }

  // Safety: nobody refers to the page any more.
  deinit { unsafe base.deallocate() }

  /// Copies `count` bytes from `position` on to `target`.
  func copy(from position: Int, count: Int, to target: UnsafeMutableRawPointer) {
    precondition(position >= 0 && count >= 0 && position + count <= Page.byteCount)
    // Safety: the range was checked; callers have room for `count` bytes.
    unsafe target.copyMemory(from: base + position, byteCount: count)
  }

  /// Whether the bytes of `page` (zeros if missing) equal the whole page at `other`.
  static func bytes(of page: Page?, equal other: UnsafeRawPointer) -> Bool {
    let page = page ?? zero
    // Safety: callers pass the address of a page.
    return unsafe memcmp(page.base, other, byteCount) == 0
  }

  /// Whether every byte from `position` to the end is zero.
  func isZero(from position: Int) -> Bool {
    precondition(position >= 0 && position <= Page.byteCount)
    // Safety: checked just now.
    return unsafe memcmp(base + position, Page.zero.base, Page.byteCount - position) == 0
  }

  /// First and last place at which two pages differ; nil when they are equal.
  static func difference(_ left: Page?, _ right: Page?) -> ClosedRange<Int>? {
    if left === right { return nil }
    let (left, right) = (left ?? zero, right ?? zero)
    var first = 0
    while first < byteCount, left.word(at: first) == right.word(at: first) { first += 8 }
    if first == byteCount { return nil }
    var last = byteCount - 8
    while left.word(at: last) == right.word(at: last) { last -= 8 }
    let low = (left.word(at: first) ^ right.word(at: first)).trailingZeroBitCount / 8
    let high = (left.word(at: last) ^ right.word(at: last)).leadingZeroBitCount / 8
    return (first + low)...(last + 7 - high)
  }

  /// A hash over the bytes, never 0 but for pages of zeros.
  var digest: UInt64 {
    let known = knownDigest.load(ordering: .relaxed)
    if known != 0 { return known }
    var lanes: SIMD4<UInt64> = [1, 2, 3, 4]
    var isZero = true
    for position in stride(from: 0, to: Page.byteCount, by: 32) {
      let words = SIMD4(
        word(at: position), word(at: position + 8), word(at: position + 16),
        word(at: position + 24))
      isZero = isZero && words == SIMD4()
      lanes = (lanes ^ words) &* 0x9e37_79b9_7f4a_7c15
      lanes ^= lanes &>> 29
    }
    // A page of zeros and a missing page are the same contents.
    if isZero { return 0 }
    let mixed =
      RandomChoices.mix(
        lanes[0] ^ RandomChoices.mix(lanes[1]) ^ RandomChoices.mix(lanes[2] &+ 5)
          ^ RandomChoices.mix(lanes[3] &+ 9)) | 1
    knownDigest.store(mixed, ordering: .relaxed)
    return mixed
  }

  private func word(at position: Int) -> UInt64 {
    // Safety: callers pass multiples of 8 below `byteCount`; `base` is aligned to 64.
    UInt64(littleEndian: unsafe base.load(fromByteOffset: position, as: UInt64.self))
  }
}
