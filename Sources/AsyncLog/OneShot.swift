internal import PlatformIO

/// A continuation that is resumed once, by whoever comes first.
final class OneShot: Sendable {
  private enum State {
    case idle
    case armed(CheckedContinuation<Void, Never>)
    case fired
  }
  private let state = Guarded(State.idle)

  /// Takes the continuation; resumes it at once when the shot was fired before.
  func arm(_ continuation: CheckedContinuation<Void, Never>) {
    let isLate = state.withLock { state -> Bool in
      if case .fired = state { return true }
      state = .armed(continuation)
      return false
    }
    if isLate { continuation.resume() }
  }

  /// Resumes the continuation, the first time.
  func fire() {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .fired }
      if case .armed(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume()
  }
}
