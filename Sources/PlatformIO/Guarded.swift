public import Synchronization

/// A value that is only touched while its lock is held.
///
/// Works like the standard library's `Mutex`, with two differences that matter here: the lock's atomic
/// operations are compiled into the caller, so that the thread sanitizer sees the order they make, and
/// an uncontended pass costs two atomic operations and no call. Waiting threads spin briefly, then
/// sleep on a futex; the lock is neither recursive nor fair.
// Safety: `value` is reached through `withLock` alone, which holds the lock for the time of the body;
// the memory is allocated in init and released in deinit.
@safe public struct Guarded<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  /// 0 free, 1 held, 2 held and somebody may sleep.
  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt32>>
  @usableFromInline let value: UnsafeMutablePointer<Value>

  /// Guards a value.
  public init(_ initialValue: consuming Value) {
    unsafe word = .allocate(capacity: 1)
    unsafe word.initialize(to: Atomic(0))
    unsafe value = .allocate(capacity: 1)
    unsafe value.initialize(to: initialValue)
  }

  deinit {
    unsafe value.deinitialize(count: 1)
    unsafe value.deallocate()
    unsafe word.deinitialize(count: 1)
    unsafe word.deallocate()
  }

  /// Runs a body with the value to itself; waits for that as long as it takes.
  @inlinable @inline(__always)
  public borrowing func withLock<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let (isFree, _) = unsafe word.pointee.compareExchange(
      expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed)
    if !isFree { lockSlowly() }
    defer { unlock() }
    return try unsafe body(&value.pointee)
  }

  /// Runs a body with the value to itself, or answers `nil` at once when it is taken.
  @inlinable
  public borrowing func withLockIfAvailable<Result: ~Copyable, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result? {
    let (isFree, _) = unsafe word.pointee.compareExchange(
      expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed)
    guard isFree else { return nil }
    defer { unlock() }
    return try unsafe body(&value.pointee)
  }

  @inlinable @inline(__always)
  borrowing func unlock() {
    if unsafe word.pointee.exchange(0, ordering: .releasing) == 2 { wakeOne() }
  }

  @usableFromInline
  borrowing func wakeOne() {
    unsafe FutexWord(at: UnsafeMutableRawPointer(word), .process).wakeOne()
  }

  @usableFromInline @inline(never)
  borrowing func lockSlowly() {
    for _ in 0..<100 {
      spinHint()
      let (isFree, _) = unsafe word.pointee.compareExchange(
        expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if isFree { return }
    }
    while unsafe word.pointee.exchange(2, ordering: .acquiring) != 0 {
      _ = unsafe FutexWord(at: UnsafeMutableRawPointer(word), .process).wait(
        ifEquals: 2, timeoutNanoseconds: nil)
    }
  }
}
