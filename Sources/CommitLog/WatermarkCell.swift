internal import PlatformIO
internal import Quantities

/// 128 bytes in memory that other processes may map: the watermarks of one stream, and a futex word.
///
/// | position | size | name |
/// | --- | --- | --- |
/// | 0 | 8 | stream id |
/// | 8 | 8 | visible |
/// | 16 | 8 | durable |
/// | 24 | 8 | log start |
/// | 32 | 8 | id of the segment that takes the appends |
/// | 40 | 4 | futex word: raised with every wake |
/// | 44 | 4 | number of waiters |
///
/// What is read from a shared cell is a hint: bounds are checked, memory safety never depends on it.
// Safety: the memory is valid while `owner` lives; all access is atomic.
@safe final class WatermarkCell: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  private let owner: AnyObject?
  static let byteCount = 128

  /// A cell in memory that `owner` keeps alive.
  init(at base: UnsafeMutableRawPointer, owner: AnyObject) {
    unsafe self.base = base
    self.owner = owner
  }

  /// A cell of this process alone.
  init() {
    unsafe base = UnsafeMutableRawPointer.allocate(byteCount: Self.byteCount, alignment: 64)
    unsafe base.initializeMemory(as: UInt64.self, repeating: 0, count: Self.byteCount / 8)
    owner = nil
  }

  deinit {
    if owner == nil { unsafe base.deallocate() }
  }

  @inline(__always)
  private func store(_ value: UInt64, at position: Int) {
    // Safety: the position lies inside the cell and is aligned.
    unsafe storeReleasing(value, to: base + position)
  }

  @inline(__always)
  private func load(at position: Int) -> UInt64 {
    // Safety: as above.
    unsafe loadAcquiring(base + position)
  }

  var streamID: UInt64 { load(at: 0) }
  var visible: UInt64 { load(at: 8) }
  var durable: UInt64 { load(at: 16) }
  var logStart: UInt64 { load(at: 24) }
  var activeSegmentID: UInt64 { load(at: 32) }

  func store(streamID: UInt64) { store(streamID, at: 0) }
  @inline(__always)
  func store(visible: UInt64) { store(visible, at: 8) }
  func store(durable: UInt64) { store(durable, at: 16) }
  func store(logStart: UInt64) { store(logStart, at: 24) }
  func store(activeSegmentID: UInt64) { store(activeSegmentID, at: 32) }

  /// What a cell says when it is first shown.
  struct Values {
    var visible: Offset
    var durable: Offset
    var logStart: Offset
  }

  func store(_ values: Values) {
    store(visible: values.visible.rawValue)
    store(durable: values.durable.rawValue)
    store(logStart: values.logStart.rawValue)
  }

  private var word: FutexWord {
    // Safety: aligned to 4, inside the cell.
    unsafe FutexWord(at: base + 40, .machine)
  }
  private var waiterCount: FutexWord {
    // Safety: as above.
    unsafe FutexWord(at: base + 44, .machine)
  }

  /// The value to hand to ``wait(ifUnchanged:timeoutNanoseconds:)``.
  var ticket: UInt32 { word.value }

  @inline(__always)
  var hasWaiters: Bool { waiterCount.value != 0 }

  /// Wakes everybody who waits on the cell, in any process.
  @inline(never)
  func wakeAll() {
    _ = word.increment()
    word.wakeAll()
  }

  /// Counts the caller among the waiters for the time of `body`.
  func whileWaiting<Result>(_ body: () -> Result) -> Result {
    _ = waiterCount.increment()
    defer { _ = waiterCount.decrement() }
    return body()
  }

  /// Sleeps until the word moves on from `ticket` or the time is over.
  func wait(ifUnchanged ticket: UInt32, timeoutNanoseconds: UInt64) {
    _ = word.wait(ifEquals: ticket, timeoutNanoseconds: timeoutNanoseconds)
  }
}
