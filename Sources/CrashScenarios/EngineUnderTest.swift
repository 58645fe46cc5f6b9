internal import CommitLog
internal import PlatformIO
internal import SimulatedIO
internal import Synchronization

/// The sound engine, or one that is broken on purpose in one way.
public struct EngineUnderTest: Sendable {
  /// The deliberate bug; `nil` for the sound engine.
  public let bug: Bug?

  /// Bugs that crash tests must find.
  public enum Bug: String, CaseIterable, Sendable {
    /// Files are made and renamed without syncing their directory.
    case noDirectorySync = "no directory sync"
    /// Records are acknowledged before they were synced.
    case acknowledgementBeforeSync = "acknowledgement before sync"
    /// What lies behind the end that recovery found stays there.
    case noTailInvalidation = "no tail invalidation"
    /// A frame is published before its body is there.
    case lengthBeforeBody = "length before body"
    /// The checksums of a recycled file's old bytes still fit.
    case unseededChecksum = "unseeded checksum"
  }

  private let hook = Hook()

  /// Makes the sound engine, or a broken one.
  public init(_ bug: Bug? = nil) { self.bug = bug }

  /// Somebody who wants to see the machine in the middle of a broken engine's publication.
  private final class Hook: Sendable {
    let body = Mutex<(@Sendable () -> Void)?>(nil)
  }

  /// Calls `body` between publication and body, on the thread that appends, until ``leave()``.
  func enter(_ body: @escaping @Sendable () -> Void) { hook.body.withLock { $0 = body } }

  /// Ends that.
  func leave() { hook.body.withLock { $0 = nil } }

  /// The switches inside the engine.
  var faults: DeliberateFaults {
    var faults = DeliberateFaults()
    switch bug {
    case .noDirectorySync: faults.syncsDirectories = false
    case .acknowledgementBeforeSync: faults.syncsBeforeAcknowledging = false
    case .noTailInvalidation: faults.invalidatesTail = false
    case .lengthBeforeBody:
      faults.publishesBodyFirst = false
      let hook = hook
      faults.betweenPublicationAndBody = { hook.body.withLock { $0 }?() }
    case .unseededChecksum, nil: break
    }
    return faults
  }

  /// Where the engine draws its salts.
  func salts(seed: UInt64) -> any RandomSource {
    bug == .unseededChecksum ? SameSalt() : SeededRandom(seed: seed)
  }
}

/// Draws the same number again and again: segments that share a salt are what files without one are.
private final class SameSalt: RandomSource {
  func next() -> UInt64 { 0x5eed_5eed_5eed_5eed }
}
