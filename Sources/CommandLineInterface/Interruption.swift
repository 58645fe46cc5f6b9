internal import Glibc
internal import Synchronization

/// Tells commands that somebody wants them to stop (Ctrl-C, SIGTERM).
///
/// The first signal sets a flag which commands look at between records, so that they end in order:
/// buffers flushed, the store closed. The second signal of the same kind ends the process at once.
public enum Interruption {
  // Touched by `install()` before a handler can run, so a handler never initialises it.
  private static let requested = Atomic<Bool>(false)

  /// Whether a signal has arrived since `install()`.
  public static var isRequested: Bool { requested.load(ordering: .relaxed) }

  /// Catches SIGINT and SIGTERM and ignores SIGPIPE, so that a closed pipe is an error of `write`
  /// and not the silent end of the process.
  ///
  /// A signal that was ignored when the process started stays ignored, as a shell asks for the jobs it
  /// puts into the background. One that was only blocked is let through: a parent with worker threads
  /// passes such masks on without meaning to.
  ///
  /// Concerns the whole process: only the program itself calls it, once, before its command runs and
  /// before a second thread does.
  public static func install() {
    requested.store(false, ordering: .relaxed)
    ignoreClosedPipes()
    var caught = sigset_t()
    // Safety: the set lives across both calls.
    unsafe sigemptyset(&caught)
    for signal in [SIGINT, SIGTERM] where !isIgnored(signal) {
      var action = sigaction()
      // Safety: the handler only stores to a lock-free atomic, which is safe at any point.
      unsafe action.__sigaction_handler.sa_handler = { _ in Interruption.request() }
      // One shot: the default, which kills, is back for the second signal. Without SA_RESTART a
      // blocked read ends with EINTR and its caller sees the flag.
      action.sa_flags = CInt(bitPattern: UInt32(SA_RESETHAND))
      // Safety: both structures live across the call; the old action is not asked for.
      unsafe sigaction(signal, &action, nil)
      // Safety: the set was initialised above.
      unsafe sigaddset(&caught, signal)
    }
    // Safety: the set lives across the call; the old mask is not asked for.
    unsafe pthread_sigmask(SIG_UNBLOCK, &caught, nil)
  }

  private static func isIgnored(_ signal: CInt) -> Bool {
    var action = sigaction()
    // Safety: only asks; the structure lives across the call.
    guard unsafe sigaction(signal, nil, &action) == 0 else { return false }
    // Safety: handlers are compared as addresses and never called.
    let current = unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: UInt.self)
    let ignored = unsafe unsafeBitCast(SIG_IGN, to: UInt.self)
    return current == ignored
  }

  /// Ignores SIGPIPE in the whole process.
  static func ignoreClosedPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Sets the flag as a signal does.
  static func request() { requested.store(true, ordering: .relaxed) }
}
