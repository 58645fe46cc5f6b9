internal import CPlatform
internal import Glibc

/// A thread that was started for one body, and can be waited for.
///
/// Signals sent to the process are blocked in it, so that the host's own threads receive them. When
/// the last reference goes without `join`, the thread runs on by itself.
public final class DedicatedThread: Sendable {
  private let thread: pthread_t
  private let isFinished = Guarded(false)

  private init(_ thread: pthread_t) { self.thread = thread }

  deinit {
    if !isFinished.withLock({ $0 }) { _ = pthread_detach(thread) }
  }

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: Shown by `top` and debuggers; the system keeps its first 15 bytes.
  ///   - stackByteCount: At least 16 KiB, in whole pages.
  ///   - body: What it runs; it is released when it returns.
  public static func start(
    name: String, stackByteCount: Int = 512 << 10, body: @escaping @Sendable () -> Void
  ) throws(ThreadCreationError) -> DedicatedThread {
    var thread = pthread_t()
    // Safety: the box is retained here and released by the one run of the thread, or below.
    let box = unsafe Unmanaged.passRetained(Body(body))
    let error = unsafe piperoll_thread_start(
      &thread, name, stackByteCount,
      { context in unsafe Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() },
      box.toOpaque())
    guard error == 0 else {
      unsafe box.release()
      throw ThreadCreationError(name: name, errorNumber: error)
    }
    return DedicatedThread(thread)
  }

  /// Waits until the body has returned; at once when it has. Called on the thread itself it returns
  /// at once as well.
  public func join() {
    if isCurrent { return }
    isFinished.withLock { isFinished in
      if isFinished { return }
      // Once only: after it the number may belong to another thread.
      _ = pthread_join(thread, nil)
      isFinished = true
    }
  }

  /// The caller runs on this thread.
  public var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }

  /// Carries a closure through a C pointer.
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

/// A thread that could not be started: too many threads, or no memory for its stack.
public struct ThreadCreationError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name it would have had.
  public let name: String
  /// The system's error number, `EAGAIN` as a rule.
  public let errorNumber: Int32

  public var description: String {
    "thread '\(name)' could not be started (system error \(errorNumber)); "
      + "the limit of threads (ulimit -u) or memory may be used up"
  }
}
