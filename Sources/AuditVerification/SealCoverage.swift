internal import ByteCoding
internal import Integrity

/// What the seals of a store came to.
public struct SealCoverage: Hashable, Sendable {
  /// Seals that the store states.
  public var sealCount: UInt64 = 0
  /// Those that hold: the code, the epoch, the neighbours, and the chain that they are of.
  public var verifiedCount: UInt64 = 0
  /// The first and the last epoch of seals that hold; `nil` when none does.
  public var epochs: ClosedRange<UInt64>?
  /// Epochs up to the last that no seal that holds is of.
  public var missingEpochCount: UInt64 = 0
  /// Offset of the evidence stream before which the last seal that holds covers all; 0 when none does.
  public var coveredOffset: UInt64 = 0
  /// When the last seal that holds was made, in nanoseconds since 1970-01-01 UTC; `nil` when none holds.
  public var lastTime: Int64?

  /// Nothing yet.
  public init() {}
}

/// Which statements seals cover, and of which epoch the first such seal is.
struct SealedEpochs: Sendable {
  /// Which epoch a time belongs to.
  let schedule: SealSchedule
  /// Offsets of the evidence stream before which a seal covers all, ascending, with the seal's epoch.
  private var entries: [(nextOffset: UInt64, epoch: UInt64)] = []
  /// Whether entries were left out, so that the first seal of a statement is not known.
  private(set) var isThinned = false

  /// Entries that are kept.
  private static let limit = 1 << 17

  init(_ schedule: SealSchedule) { self.schedule = schedule }

  /// Notes a seal that holds.
  mutating func note(_ nextOffset: UInt64, epoch: UInt64) {
    guard nextOffset > entries.last?.nextOffset ?? 0 else { return }
    guard entries.count < Self.limit else { return isThinned = true }
    entries.append((nextOffset, epoch))
  }

  /// The epoch of the first seal that covers a statement; `nil` when none does.
  func epoch(ofStatementAt offset: UInt64) -> UInt64? {
    let index = entries.partitionPoint { $0.nextOffset <= offset }
    return index < entries.count ? entries[index].epoch : nil
  }
}
