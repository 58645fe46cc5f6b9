internal import CommandLineInterface
internal import CommitLog
internal import PlatformIO

/// The progress of a command whose work is known only when it has begun.
struct CommandProgress {
  private let label: String
  private let console: Console
  private var bar: ProgressBar?
  private var done: UInt64 = 0

  /// Progress that is shown where the console shows any.
  init(_ label: String, _ console: Console) { (self.label, self.console) = (label, console) }

  private var now: UInt64 { console.environment.time.monotonicNanoseconds() }

  /// Tells how far the work is.
  mutating func update(_ done: UInt64, of total: UInt64) {
    self.done = done
    let now = now
    var bar =
      bar
      ?? ProgressBar(
        label, total: total,
        style: .suited(toTerminal: console.showsProgress, requested: false), at: now)
    if let text = bar.update(byteCount: done, at: now) { console.writeError(text) }
    self.bar = bar
  }

  /// Tells that the work is over.
  mutating func finish() {
    let now = now
    if let text = bar?.finish(byteCount: done, at: now) { console.writeError(text) }
  }
}
