public import Cryptography

/// Verifies the seals of a log, one after the other, from the first.
///
/// A code alone proves that somebody held the key of an epoch, not that he held it then. So a seal must also
/// fit its neighbours, its time and the data it covers: otherwise whoever has today's key seals yesterday's
/// data anew (CVE-2023-31439), or cuts the log and goes on sealing (CVE-2023-31438). Against the second a
/// verifier holds the last seal it has seen, and asks that it be among those it sees now.
public struct SealVerifier: Sendable {
  /// The seal that was seen last; hold it for the next time.
  public private(set) var last: EpochSeal?

  private let logID: Digest
  private let schedule: SealSchedule
  private let held: EpochSeal?
  private let now: Int64
  private var key: SealKey
  private var hasSeenHeld = false

  /// A verifier that has seen nothing yet in this run.
  ///
  /// - Parameters:
  ///   - key: The key of the first epoch that is to be verified, as a rule that of epoch 0. Never from the
  ///     machine that writes.
  ///   - logID: Which log is expected.
  ///   - schedule: Which epoch a time belongs to.
  ///   - held: The seal that was seen last in an earlier run; `nil` in the first.
  ///   - now: The verifier's own time, in nanoseconds since 1970-01-01 UTC; later seals are refused. Give it
  ///     the difference of clocks that is allowed for.
  public init(
    key: SealKey, logID: Digest, schedule: SealSchedule, held: EpochSeal? = nil, now: Int64
  ) {
    (self.key, self.logID, self.schedule, self.held, self.now) = (key, logID, schedule, held, now)
  }

  /// Verifies the next seal.
  ///
  /// - Parameters:
  ///   - seal: The seal.
  ///   - dataTimes: Append times of the first and the last record that this seal covers and the one before
  ///     does not, in nanoseconds since 1970-01-01 UTC; `nil` when there is none, or when the data are not
  ///     verified, and then whether they were sealed in their time is not either.
  /// - Throws: ``SealError``; the seal is then as if it had not been given.
  public mutating func verify(_ seal: EpochSeal, covering dataTimes: ClosedRange<Int64>?)
    throws(SealError)
  {
    guard seal.logID == logID else { throw .otherLog(expected: logID, found: seal.logID) }
    let fitting = schedule.epoch(at: seal.time)
    guard fitting == seal.epoch else {
      throw .epochDoesNotFitTime(epoch: seal.epoch, fitting: fitting)
    }
    // Before the key is brought there: how far that can be is then bounded by the time that has passed.
    guard seal.time <= now else { throw .inTheFuture(epoch: seal.epoch) }
    let first = last?.epoch ?? key.epoch
    guard seal.epoch >= first else { throw .epochGoesBack(from: first, to: seal.epoch) }
    let key = key.advanced(to: seal.epoch)
    guard key.isValid(seal) else { throw .forged(epoch: seal.epoch) }
    if let last {
      guard seal.time >= last.time else { throw .timeGoesBack(epoch: seal.epoch) }
      let isSame = seal.chain == last.chain
      guard seal.chain.count > last.chain.count || isSame else {
        throw .chainGoesBack(from: last.chain.count, to: seal.chain.count)
      }
    }
    if let dataTimes {
      guard dataTimes.upperBound <= seal.time,
        schedule.admits(dataAt: dataTimes.lowerBound, in: seal.epoch),
        schedule.admits(dataAt: dataTimes.upperBound, in: seal.epoch)
      else { throw .dataOutsideEpoch(epoch: seal.epoch) }
    }
    (last, self.key) = (seal, key)
    if seal == held { hasSeenHeld = true }
  }

  /// Ends the series.
  ///
  /// - Throws: ``SealError``: `.seriesTooShort` when it ends before the seal that was held,
  ///   `.heldSealMissing` when it goes on behind it without containing it.
  public func finish() throws(SealError) {
    guard let held, !hasSeenHeld else { return }
    guard let last, last.epoch >= held.epoch, last.time >= held.time,
      last.chain.count >= held.chain.count
    else { throw .seriesTooShort(held: held.chain.count, found: last?.chain.count) }
    throw .heldSealMissing(held: held.chain.count)
  }
}

/// Why seals prove nothing, or prove that something was changed.
public enum SealError: Error, Hashable, Sendable {
  /// The code is not that of the key of its epoch.
  case forged(epoch: UInt64)
  /// It is a seal of another log.
  case otherLog(expected: Digest, found: Digest)
  /// The seal's time does not lie in its epoch; `nil`: it lies before all epochs.
  case epochDoesNotFitTime(epoch: UInt64, fitting: UInt64?)
  /// The seal is of an earlier epoch than the one before it, or than the verifier's key.
  case epochGoesBack(from: UInt64, to: UInt64)
  /// The seal is older than the one before it.
  case timeGoesBack(epoch: UInt64)
  /// The seal is of a shorter chain than the one before it, or of another of the same length.
  case chainGoesBack(from: UInt64, to: UInt64)
  /// The seal's time lies behind the verifier's.
  case inTheFuture(epoch: UInt64)
  /// The seal covers data that were appended in another epoch, or after it was made.
  case dataOutsideEpoch(epoch: UInt64)
  /// The series ends before the seal that was seen earlier; `nil`: it is empty.
  case seriesTooShort(held: UInt64, found: UInt64?)
  /// The seal that was seen earlier is not in the series, though others of its time are.
  case heldSealMissing(held: UInt64)
}

extension SealError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .forged(let epoch):
      "the seal of epoch \(epoch) does not verify: the chain or the seal was changed"
    case .otherLog(let expected, let found):
      "a seal of log \(found) where one of \(expected) is expected; give the right log"
    case .epochDoesNotFitTime(let epoch, let fitting):
      "a seal of epoch \(epoch) with a time "
        + (fitting.map { "in epoch \($0)" } ?? "before all epochs")
        + ": it was made later than it says, or the schedule is another"
    case .epochGoesBack(let first, let epoch):
      "a seal of epoch \(epoch) behind epoch \(first): seals were moved, or the key is of a later epoch"
    case .timeGoesBack(let epoch):
      "a seal of epoch \(epoch) is older than the one before it: seals were moved, or made anew"
    case .chainGoesBack(let before, let count):
      "a seal of a chain of \(count) links behind one of \(before): the log was cut or replaced"
    case .inTheFuture(let epoch):
      "a seal of epoch \(epoch), which has not come yet; check both clocks"
    case .dataOutsideEpoch(let epoch):
      "the seal of epoch \(epoch) covers data of another time: they were sealed anew, or too late"
    case .seriesTooShort(let held, let found):
      "the seals end at " + (found.map { "\($0) links" } ?? "none")
        + ", but one of \(held) links was seen earlier: the log was cut"
    case .heldSealMissing(let held):
      "the seal of \(held) links that was seen earlier is not there: the log was cut and continued, or "
        + "replaced"
    }
  }
}
