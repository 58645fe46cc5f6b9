internal import PlatformIO
internal import Quantities
internal import Synchronization

/// How far a stream has come: counters that only grow, and those who wait for them.
///
/// The writer keeps the numbers here and mirrors them into a cell that readers in other processes can
/// see; it never reads the cell back, because anybody may write there.
final class Watermarks: Sendable {
  /// The first offset readers may not see yet.
  let visible: Atomic<UInt64>
  /// The first offset that power loss may still take.
  let durable: Atomic<UInt64>
  /// The first offset that chain and tree do not cover yet; stays at 0 in a stream without.
  let evidenced: Atomic<UInt64>
  /// The first offset kept.
  let logStart: Atomic<UInt64>
  /// Where other processes, and waiting threads of this one, look.
  let cell: WatermarkCell
  private let observers = Guarded<[Observer]>([])
  private let observerCount = Atomic<Int>(0)

  private let lastObserverID = Atomic<UInt64>(0)

  /// One-shot call-backs of tasks that await an offset.
  struct Observer: Sendable {
    var id: UInt64 = 0
    let kind: WatermarkKind
    let offset: UInt64
    let body: @Sendable () -> Void
  }

  /// Makes the watermarks of a stream.
  ///
  /// - Parameters:
  ///   - evidenced: What chain and tree cover.
  ///   - cell: Holds the same values already.
  init(_ values: WatermarkCell.Values, evidenced: UInt64, cell: WatermarkCell) {
    self.evidenced = Atomic(evidenced)
    visible = Atomic(values.visible.rawValue)
    durable = Atomic(values.durable.rawValue)
    logStart = Atomic(values.logStart.rawValue)
    self.cell = cell
  }

  func value(_ kind: WatermarkKind) -> UInt64 {
    switch kind {
    case .visible: visible.load(ordering: .acquiring)
    case .durable: durable.load(ordering: .acquiring)
    case .evidenced: evidenced.load(ordering: .acquiring)
    }
  }

  func raiseEvidenced(to offset: UInt64) {
    evidenced.store(offset, ordering: .releasing)
    notify()
  }

  @inline(__always)
  func raiseVisible(to offset: UInt64) {
    visible.store(offset, ordering: .releasing)
    cell.store(visible: offset)
  }

  func raiseDurable(to offset: UInt64) {
    durable.store(offset, ordering: .releasing)
    cell.store(durable: offset)
  }

  func raiseLogStart(to offset: UInt64) {
    // Removals on several threads: the log start never moves back.
    let now = logStart.max(offset, ordering: .acquiringAndReleasing).newValue
    cell.store(logStart: now)
  }

  /// Wakes those who wait; costs two loads when nobody does. Called after the stream's lock was
  /// released, so that a waiter that counted itself in is either seen or sees the new value.
  @inline(__always)
  func notify() {
    if cell.hasWaiters { cell.wakeAll() }
    if observerCount.load(ordering: .relaxed) != 0 { notifyObservers() }
  }

  @inline(never)
  private func notifyObservers() {
    let due = observers.withLock { list -> [Observer] in
      let due = list.filter { value($0.kind) >= $0.offset }
      if !due.isEmpty {
        let ids = Set(due.map(\.id))
        list.removeAll { ids.contains($0.id) }
        observerCount.store(list.count, ordering: .sequentiallyConsistent)
      }
      return due
    }
    for observer in due { observer.body() }
  }

  /// Calls `body` once, when the watermark reaches `offset`; at once when it has.
  ///
  /// - Returns: Its number, for ``forget(_:)``.
  @discardableResult
  func observe(_ observer: Observer) -> UInt64 {
    var observer = observer
    observer.id = lastObserverID.add(1, ordering: .relaxed).newValue
    observers.withLock { [observer] list in
      list.append(observer)
      observerCount.store(list.count, ordering: .sequentiallyConsistent)
    }
    if value(observer.kind) >= observer.offset { notifyObservers() }
    return observer.id
  }

  /// Lets go of an observer that nobody waits behind any more.
  func forget(_ id: UInt64) {
    observers.withLock { list in
      list.removeAll { $0.id == id }
      observerCount.store(list.count, ordering: .sequentiallyConsistent)
    }
  }

  /// Calls everybody who still waits, because nothing will be reached any more.
  func abandonObservers() {
    let left = observers.withLock { list -> [Observer] in
      let left = list
      list = []
      observerCount.store(0, ordering: .sequentiallyConsistent)
      return left
    }
    for observer in left { observer.body() }
    cell.wakeAll()
  }
}

/// Which watermark is meant.
public enum WatermarkKind: Sendable {
  /// Readers may see everything before it.
  case visible
  /// Everything before it survives power loss.
  case durable
  /// Chain and tree cover everything before it.
  case evidenced
}
