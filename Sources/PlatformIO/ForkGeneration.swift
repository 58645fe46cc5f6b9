internal import CPlatform

/// Tells a forked child from its parent.
///
/// Whoever owns something a child must not use keeps the generation it was made in and compares it
/// before use: one relaxed load. Children made by `vfork`, `posix_spawn` or a bare `clone` are not
/// counted; those run another program at once.
public struct ForkGeneration: Hashable, Sendable {
  /// Forks since this code was loaded into the first process of the line.
  public let rawValue: UInt64

  /// The generation of the calling process.
  public static var current: ForkGeneration {
    ForkGeneration(rawValue: piperoll_fork_generation())
  }

  /// False in a child forked since this value was taken.
  public var isCurrent: Bool { rawValue == piperoll_fork_generation() }
}
