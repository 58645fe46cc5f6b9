internal import Glibc
internal import PlatformIO

/// Virtual memory that shows a file's bytes to its mappings, at one address as long as it lives.
///
/// The reservation is larger than the file, so that the file can grow without moving; memory is
/// used only where bytes are not zero. Reservations are reused, because making one costs more than
/// filling it for a small file.
@safe
final class Arena: @unchecked Sendable {
  // Safety: the memory belongs to this object until `deinit`. It is read and written under the lock
  // of the file system that owns the file, and by the program under test through its mappings,
  // whose ordering is that program's duty, as with a real mapping.
  let base: UnsafeMutableRawPointer
  /// Size of the reservation, a multiple of the page size.
  let byteCount: Int
  /// Everything from here on has never been stored to and reads as zero.
  var touchedByteCount: Int

  /// Reserves at least `byteCount` bytes, of which `wantedByteCount` will be filled at once; nil
  /// when the address space or the system's limit is used up.
  init?(byteCount: Int) {
    // Safety: the pool hands a reservation to one owner, and a new one is nobody else's.
    if let reservation = Arena.pool.withLock({ $0.take(byteCount) }) {
      guard let pointer = unsafe UnsafeMutableRawPointer(bitPattern: reservation.address) else {
        return nil
      }
      unsafe base = pointer
      self.byteCount = reservation.byteCount
      touchedByteCount = reservation.touchedByteCount
      return
    }
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    guard let pointer = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0),
      unsafe pointer != MAP_FAILED
    else { return nil }
    unsafe base = pointer
    self.byteCount = byteCount
    touchedByteCount = 0
  }

  deinit {
    // Safety: the last user is gone; the memory goes to the pool or back to the system.
    let reservation = Reservation(
      address: unsafe UInt(bitPattern: base), byteCount: byteCount,
      touchedByteCount: touchedByteCount)
    if !Arena.pool.withLock({ $0.keep(reservation) }) { unsafe _ = munmap(base, byteCount) }
  }

  /// Whether the whole of page `index` lies inside.
  func covers(page index: Int) -> Bool { index < byteCount / Page.byteCount }

  /// Address of a page that is covered.
  func address(ofPage index: Int) -> UnsafeMutableRawPointer {
    precondition(covers(page: index))
    // Safety: checked just now.
    return unsafe base + index * Page.byteCount
  }

  /// Shows these pages and zeros behind them, whatever the memory held before.
  func fill(with pages: [Page?]) {
    // Safety: `touchedByteCount` never exceeds `byteCount`.
    let count = min(pages.count, byteCount / Page.byteCount)
    for index in 0..<count { set(page: index, to: pages[index]) }
    let filled = count * Page.byteCount
    if touchedByteCount > filled { unsafe _ = memset(base + filled, 0, touchedByteCount - filled) }
    touchedByteCount = filled
  }

  /// Shows one page, if it is covered.
  func set(page index: Int, to page: Page?) {
    // Safety: `address(ofPage:)` checks the page, which has room for its bytes.
    guard covers(page: index) else { return }
    let end = (index + 1) * Page.byteCount
    if let page {
      unsafe page.copy(from: 0, count: Page.byteCount, to: address(ofPage: index))
      touchedByteCount = max(touchedByteCount, end)
    } else if end - Page.byteCount < touchedByteCount {
      unsafe _ = memset(address(ofPage: index), 0, Page.byteCount)
    }
  }

  private static let pool = Guarded(Pool())

  /// A reservation that no file uses.
  private struct Reservation: Sendable {
    let address: UInt
    let byteCount: Int
    let touchedByteCount: Int
  }

  /// Reservations waiting for their next file. One that was filled far is given back instead, since
  /// it holds memory and clearing it would cost more than a new one.
  private struct Pool: Sendable {
    private var waiting: [Reservation] = []

    mutating func take(_ byteCount: Int) -> Reservation? {
      guard let last = waiting.last, last.byteCount == byteCount else {
        let index = waiting.lastIndex { $0.byteCount == byteCount }
        return index.map { waiting.remove(at: $0) }
      }
      return waiting.removeLast()
    }

    mutating func keep(_ reservation: Reservation) -> Bool {
      guard waiting.count < 128, reservation.touchedByteCount <= 1 << 20 else { return false }
      waiting.append(reservation)
      return true
    }
  }
}
