internal import CommandLineInterface
internal import PlatformIO
internal import Synchronization

/// The progress of an audit on a terminal, told by whichever thread is next; it goes when the audit is over.
final class AuditProgress: Sendable {
  private struct State {
    var bar: ProgressBar?
    /// Cells of the longest line that was drawn.
    var width = 0
  }

  private let state = Mutex(State())
  private let isShown: Bool
  private let time: any TimeSource
  private let write: @Sendable (String) -> Void

  /// Progress that begins now.
  init(isShown: Bool, time: any TimeSource, write: @escaping @Sendable (String) -> Void) {
    (self.isShown, self.time, self.write) = (isShown, time, write)
  }

  /// Tells how far the audit is.
  func update(_ done: UInt64, of total: UInt64) {
    guard isShown else { return }
    state.withLock { state in
      let now = time.monotonicNanoseconds()
      var bar = state.bar ?? ProgressBar("audit", total: total, style: .bar, at: now)
      if let text = bar.update(byteCount: done, at: now) {
        state.width = max(state.width, text.count)
        write(text)
      }
      state.bar = bar
    }
  }

  /// Tells that the audit is over: its line is made blank.
  func finish() {
    state.withLock { state in
      if state.width > 0 { write("\r" + String(repeating: " ", count: state.width) + "\r") }
      state = State()
    }
  }
}
