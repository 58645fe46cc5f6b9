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
  /// Concerns the whole process: only the program itself calls it, once, before its command runs.
  public static func install() {
    requested.store(false, ordering: .relaxed)
    ignoreClosedPipes()
    for signal in [SIGINT, SIGTERM] {
      var action = sigaction()
      // Safety: the handler only stores to a lock-free atomic, which is safe at any point.
      unsafe action.__sigaction_handler.sa_handler = { _ in Interruption.request() }
      // One shot: the default, which kills, is back for the second signal. Without SA_RESTART a
      // blocked read ends with EINTR and its caller sees the flag.
      action.sa_flags = CInt(bitPattern: UInt32(SA_RESETHAND))
      // Safety: both structures live across the call; the old action is not asked for.
      unsafe sigaction(signal, &action, nil)
    }
  }

  /// Ignores SIGPIPE in the whole process.
  static func ignoreClosedPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// Sets the flag as a signal does.
  static func request() { requested.store(true, ordering: .relaxed) }
}
