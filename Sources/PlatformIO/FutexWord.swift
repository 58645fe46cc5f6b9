internal import CPlatform
internal import Glibc
internal import Synchronization

/// Four bytes of memory that threads, also of several processes, sleep on until they change.
///
/// Whoever changes the word wakes the sleepers afterwards. The bytes may be written by a hostile
/// process: their value is a hint, and every wait should have a limit.
// Safety: `@unchecked Sendable` because the word is only touched by atomic operations; whoever makes
// one keeps the memory valid while it is in use.
@safe
public struct FutexWord: @unchecked Sendable {
  /// Who sleeps on a word.
  public enum Scope: Sendable {
    /// Threads of one process; a little faster.
    case process
    /// Threads of any process that has the memory mapped.
    case machine
  }

  /// Why a wait ended.
  public enum Outcome: Sendable {
    /// Woken, or disturbed by a signal; the word may or may not have changed.
    case woken
    /// The word had another value already.
    case changed
    /// The limit passed.
    case timedOut
  }

  private let address: UnsafeMutablePointer<Atomic<UInt32>>
  private let isShared: Bool

  /// Uses four bytes of memory as the word. A sleeper may have them mapped read-only.
  ///
  /// The address is aligned to 4 and valid as long as the value is used.
  @unsafe
  public init(at address: UnsafeMutableRawPointer, _ scope: Scope) {
    precondition(UInt(bitPattern: address) % 4 == 0, "a futex word is aligned to four bytes")
    // Safety: `Atomic<UInt32>` is laid out as the four bytes, and any bits are a value of it.
    unsafe self.address = address.assumingMemoryBound(to: Atomic<UInt32>.self)
    isShared = scope == .machine
  }

  /// Its value (acquire).
  public var value: UInt32 {
    // Safety: whoever made the word keeps its memory valid.
    unsafe address.pointee.load(ordering: .acquiring)
  }

  /// Sets its value (release).
  public func store(_ value: UInt32) {
    // Safety: whoever made the word keeps its memory valid.
    unsafe address.pointee.store(value, ordering: .releasing)
  }

  /// Adds 1, wrapping (sequentially consistent).
  ///
  /// - Returns: The new value.
  @discardableResult
  public func increment() -> UInt32 {
    // Safety: whoever made the word keeps its memory valid.
    unsafe address.pointee.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
  }

  /// Subtracts 1, wrapping (sequentially consistent).
  ///
  /// - Returns: The new value.
  @discardableResult
  public func decrement() -> UInt32 {
    // Safety: whoever made the word keeps its memory valid.
    unsafe address.pointee.wrappingSubtract(1, ordering: .sequentiallyConsistent).newValue
  }

  /// Sleeps while the word has a value.
  ///
  /// The limit is on a clock that runs with the machine; nil for none.
  public func wait(ifEquals expected: UInt32, timeoutNanoseconds: UInt64?) -> Outcome {
    let limit = timeoutNanoseconds.map { Int64(clamping: $0) } ?? -1
    // Safety: the kernel reads the word, which whoever made it keeps valid.
    let result = unsafe piperoll_futex_wait(
      UnsafeRawPointer(address).assumingMemoryBound(to: UInt32.self), expected, limit, isShared)
    switch result {
    case EAGAIN: return .changed
    case ETIMEDOUT: return .timedOut
    default: return .woken
    }
  }

  /// Wakes one sleeper, if there is one: a system call in any case.
  public func wakeOne() { wake(1) }

  /// Wakes all sleepers: a system call in any case.
  public func wakeAll() { wake(.max) }

  private func wake(_ count: Int32) {
    // Safety: the kernel takes the address as a key; whoever made the word keeps it valid.
    _ = unsafe piperoll_futex_wake(
      UnsafeMutableRawPointer(address).assumingMemoryBound(to: UInt32.self), count, isShared)
  }
}
