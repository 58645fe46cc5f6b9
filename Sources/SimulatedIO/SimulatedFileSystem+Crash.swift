internal import PlatformIO

extension SimulatedFileSystem {
  /// Shows what a restarted process finds on this disk, as a file system of its own.
  ///
  /// The image has no open handles, mappings, locks, faults, observer or trace, and counts its
  /// operations from 1; except under `.processKill` everything in it is durable. This file system
  /// is not changed: any number of images can be taken, at any moment, from any thread.
  ///
  /// - Parameters:
  ///   - plan: What kind of crash it is.
  ///   - seed: Decides what is open; the same history, plan and seed give the same image.
  public func crashImage(_ plan: CrashPlan = .random, seed: UInt64) -> SimulatedFileSystem {
    var choices = RandomChoices(seed: seed)
    return crashImage(plan, choosing: &choices)
  }

  /// Shows what a restarted process finds, for plans that leave nothing open (`.processKill`,
  /// `.keepAll`, `.loseAll`), or the image of seed 0.
  public func crashImage(_ plan: CrashPlan) -> SimulatedFileSystem {
    crashImage(plan, seed: 0)
  }

  /// Shows what a restarted process finds, with the open questions answered by the caller:
  /// `RandomChoices` to sample, `ExhaustiveChoices` to enumerate.
  public func crashImage(
    _ plan: CrashPlan, choosing choices: inout some CrashChoices
  ) -> SimulatedFileSystem {
    let image = state.withLock { disk in disk.survivor(of: plan, choosing: &choices) }
    return SimulatedFileSystem(disk: image)
  }
}
