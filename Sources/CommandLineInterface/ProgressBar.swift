/// Decides when progress is shown and what it says; the time is passed in, nothing is printed.
///
/// ```swift
/// if let text = bar.update(byteCount: done, at: now) { StandardError.write(text) }
/// ```
public struct ProgressBar: Sendable {
  /// How progress is shown.
  public enum Style: Hashable, Sendable {
    /// Not at all.
    case hidden
    /// A line that is drawn over itself, at most ten times a second.
    case bar
    /// A new line every ten seconds, for logs.
    case lines

    /// The style for a stream: a bar on a terminal; elsewhere nothing, or lines if asked for.
    public static func suited(toTerminal isTerminal: Bool, requested: Bool) -> Style {
      isTerminal ? .bar : requested ? .lines : .hidden
    }
  }

  private static let barCellCount: UInt64 = 24

  private let style: Style
  private let label: String
  private let total: UInt64?
  private let startByteCount: UInt64
  private let startNanoseconds: UInt64
  private var lastNanoseconds: UInt64
  private var lastWidth = 0

  /// Makes a bar.
  ///
  /// - Parameters:
  ///   - label: What makes progress, a short word; printed as it is.
  ///   - total: Bytes in all, or nil if unknown: then there is no bar and no time left.
  ///   - style: How it is shown.
  ///   - startByteCount: Bytes done before, by an earlier run; they do not count for the rate.
  ///   - now: Nanoseconds of a clock that never goes back.
  public init(
    _ label: String, total: UInt64?, style: Style, startByteCount: UInt64 = 0, at now: UInt64
  ) {
    (self.label, self.total, self.style) = (label, total, style)
    (self.startByteCount, startNanoseconds, lastNanoseconds) = (startByteCount, now, now)
  }

  /// Returns what to print on standard error now, or nil.
  ///
  /// - Parameters:
  ///   - byteCount: Bytes done in all.
  ///   - now: Nanoseconds of the same clock.
  public mutating func update(byteCount: UInt64, at now: UInt64) -> String? {
    let interval: UInt64 = style == .bar ? 100_000_000 : 10_000_000_000
    guard style != .hidden, now >= lastNanoseconds, now - lastNanoseconds >= interval else {
      return nil
    }
    lastNanoseconds = now
    return draw(status(byteCount: byteCount, at: now))
  }

  /// Returns the last thing to print: the final state and the end of the line.
  public mutating func finish(byteCount: UInt64, at now: UInt64) -> String? {
    guard style != .hidden else { return nil }
    let text = draw(status(byteCount: byteCount, at: max(now, startNanoseconds)))
    return style == .bar ? text + "\n" : text
  }

  private mutating func draw(_ text: String) -> String {
    guard style == .bar else { return text + "\n" }
    // Blanks cover what a longer text before left; no escape sequence is needed.
    let blanks = String(repeating: " ", count: max(0, lastWidth - text.count))
    lastWidth = text.count
    return "\r" + text + blanks
  }

  private func status(byteCount: UInt64, at now: UInt64) -> String {
    let elapsed = now - startNanoseconds
    let moved = byteCount - min(byteCount, startByteCount)
    let rate = HumanFormat.rate(byteCount: moved, nanoseconds: elapsed)
    guard let total, total > 0 else {
      let time = HumanFormat.clock(seconds: elapsed / 1_000_000_000)
      return "\(label): \(HumanFormat.byteCount(byteCount)), \(rate), \(time)"
    }
    let done = min(byteCount, total)
    let percent = UInt128(done) * 100 / UInt128(total)
    let amount = "\(HumanFormat.byteCount(done)) of \(HumanFormat.byteCount(total))"
    let text = "\(label): \(percent)% \(bar(done, of: total))\(amount), \(rate)"
    guard done < total, moved > 0 else { return text }
    let left = UInt128(total - done) * UInt128(elapsed) / UInt128(moved) / 1_000_000_000
    return text + ", \(HumanFormat.clock(seconds: UInt64(clamping: left))) left"
  }

  private func bar(_ done: UInt64, of total: UInt64) -> String {
    guard style == .bar else { return "" }
    let cells = Int(UInt128(done) * UInt128(Self.barCellCount) / UInt128(total))
    let blanks = Int(Self.barCellCount) - cells
    return "[" + String(repeating: "#", count: cells) + String(repeating: " ", count: blanks) + "] "
  }
}
