/// What kind of crash a crash image shows, and which liberties the disk may take.
public struct CrashPlan: Sendable {
  /// Which of the unsynced changes survive. What was synced always survives.
  public enum Survival: Sendable {
    /// The process died, the machine did not: everything written is there, and what was not synced
    /// can still be lost by a later power cut. Locks, handles and mappings are gone.
    case processKill
    /// Power cut after the last change reached the disk.
    case keepAll
    /// Power cut, nothing unsynced reached the disk.
    case loseAll
    /// Power cut on an ordered file system: all changes up to some operation, none after it (F1).
    case ordered
    /// Power cut, any subset, every version of every page equally likely (F2). The one to
    /// enumerate.
    case subset
    /// Power cut; first one of `ordered`, `subset`, nearly all kept and nearly all lost is chosen,
    /// so that lone survivors and lone losses are as frequent as even mixtures. The one to sample.
    case random
  }

  /// Which of the unsynced changes survive.
  public var survival: Survival
  /// Pages may hold a mixture of two of their versions that changes at multiples of this many
  /// bytes: 1, 8, 512, any power of two below 4096; nil (or 4096): pages are whole.
  ///
  /// From 512 on, power-safe overwrite holds: a sector is old or new. Below that it does not.
  public var tearGranularity: Int?
  /// Pages that became part of a file and never reached the disk may show bytes of deleted files
  /// instead of zeros (F4).
  public var showsStaleBytes: Bool
  /// A 512-byte sector that was being overwritten may be garbage, its synced bytes included: gives
  /// up power-safe overwrite altogether. Needs `tearGranularity`.
  public var destroysOverwrittenSectors: Bool

  /// Makes a plan.
  public init(
    survival: Survival = .random, tearGranularity: Int? = 512, showsStaleBytes: Bool = true,
    destroysOverwrittenSectors: Bool = false
  ) {
    if let granularity = tearGranularity {
      precondition(
        (1...4096).contains(granularity) && granularity & (granularity - 1) == 0,
        "pages tear at a power of two up to 4096")
    }
    self.survival = survival
    self.tearGranularity = tearGranularity == 4096 ? nil : tearGranularity
    self.showsStaleBytes = showsStaleBytes
    self.destroysOverwrittenSectors = destroysOverwrittenSectors
  }

  /// The process died, the machine did not.
  public static var processKill: CrashPlan {
    CrashPlan(survival: .processKill, tearGranularity: nil, showsStaleBytes: false)
  }
  /// Power cut; everything written reached the disk.
  public static var keepAll: CrashPlan {
    CrashPlan(survival: .keepAll, tearGranularity: nil, showsStaleBytes: false)
  }
  /// Power cut; nothing unsynced reached the disk.
  public static var loseAll: CrashPlan {
    CrashPlan(survival: .loseAll, tearGranularity: nil, showsStaleBytes: false)
  }
  /// Power cut; any subset of whole pages and entries, for enumeration.
  public static var subsets: CrashPlan {
    CrashPlan(survival: .subset, tearGranularity: nil, showsStaleBytes: false)
  }
  /// Power cut on an ordered file system.
  public static var ordered: CrashPlan {
    CrashPlan(survival: .ordered, tearGranularity: nil, showsStaleBytes: false)
  }
  /// Power cut, the whole weak model: subsets, tears at 512 bytes, stale bytes.
  public static var random: CrashPlan { CrashPlan() }
  /// Power cut, the whole weak model with tears at another granularity.
  public static func random(tearGranularity: Int?) -> CrashPlan {
    CrashPlan(tearGranularity: tearGranularity)
  }
}
