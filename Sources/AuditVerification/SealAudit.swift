internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// Verifies the seals of a store, one behind the other, while the evidence stream is read: each against the key
/// of its epoch, the seals before it, the group of the chain that it is of, and the times of what it covers.
struct SealAudit: Sendable {
  /// A group of the evidence stream, and when what it has was appended.
  private struct Group {
    var sequence: UInt64
    var head: Digest
    var nextOffset: UInt64
    var times: ClosedRange<Int64>?
  }

  /// A seal whose group was not seen yet, or whose turn it is not.
  private struct Pending {
    var seal: EpochSeal
    var statementOffset: UInt64
  }

  /// Times of statements behind the last group.
  private struct Open {
    var nextOffset: UInt64
    var times: ClosedRange<Int64>
  }

  private(set) var coverage = SealCoverage()
  private(set) var findings: [Finding] = []
  /// `nil` without a key.
  private(set) var sealed: SealedEpochs?
  private let place: Finding.Place
  /// What seals may have been made for, as the caller named the log.
  private let logIDs: [Digest]
  private let plan: SealPlan?
  private let now: Int64
  private var verifier: SealVerifier?
  private var pending: [Pending] = []
  /// Groups that no seal covered yet, and the last that one did.
  private var groups: [Group] = []
  private var lastSealed: Group?
  /// Of groups that were forgotten.
  private var forgotten: ClosedRange<Int64>?
  private var open: [Open] = []
  /// The time of the newest statement that is no seal.
  private var newestTime: Int64?
  /// Seals whose groups were not found.
  private var uncomparedCount = 0
  /// Whether so many seals are wrong that the others were not looked at.
  private var isGivenUp = false

  /// Groups without a seal, and statements without a group, that are remembered one by one.
  private static let memoryLimit = 4_096
  /// Wrong seals after which no more are looked at: each takes a digest an epoch.
  private static let wrongLimit = 100

  /// - Parameters:
  ///   - options: The key, and the origins that the log may have.
  ///   - place: The evidence stream.
  init(_ options: AuditOptions, _ place: Finding.Place) {
    (plan, now, self.place) = (options.sealPlan, options.now, place)
    logIDs = options.origins.map { SHA256.digest(Array($0.utf8)) }
    if options.verifiesSeals { sealed = plan.map { SealedEpochs($0.schedule) } }
  }

  private var isVerifying: Bool { sealed != nil }

  // MARK: Statements and groups

  /// Takes the time of a statement that is no seal. Those of seals do not count: their codes vouch for them,
  /// and the next seal may be of a much later epoch when nothing happened between.
  mutating func note(_ time: Int64, at offset: UInt64) {
    guard isVerifying, let plan else { return }
    newestTime = max(newestTime ?? time, time)
    // What was there before the first epoch could not be sealed in its time.
    guard plan.schedule.epoch(at: time) != nil else { return }
    if let last = open.last, open.count >= Self.memoryLimit {
      open[open.count - 1] = Open(
        nextOffset: offset + 1, times: Self.join(last.times, time...time) ?? last.times)
    } else {
      open.append(Open(nextOffset: offset + 1, times: time...time))
    }
  }

  /// Takes the next seal.
  mutating func take(_ seal: EpochSeal, at offset: UInt64) {
    coverage.sealCount += 1
    guard isVerifying else { return }
    pending.append(Pending(seal: seal, statementOffset: offset))
    resolve(upTo: groups.last ?? lastSealed)
  }

  /// Takes the next group of the evidence stream.
  mutating func take(_ frame: IntegrityFrame) {
    guard isVerifying, let head = Digest(frame.head) else { return }
    var group = Group(sequence: frame.sequence, head: head, nextOffset: frame.nextOffset.rawValue)
    let count = open.prefix { $0.nextOffset <= group.nextOffset }.count
    for entry in open[..<count] { group.times = Self.join(group.times, entry.times) }
    open.removeFirst(count)
    if groups.count >= Self.memoryLimit {
      forgotten = Self.join(forgotten, groups.removeFirst().times)
    }
    groups.append(group)
    resolve(upTo: group)
  }

  private static func join(_ first: ClosedRange<Int64>?, _ second: ClosedRange<Int64>?)
    -> ClosedRange<Int64>?
  {
    guard let first, let second else { return first ?? second }
    return min(first.lowerBound, second.lowerBound)...max(first.upperBound, second.upperBound)
  }

  // MARK: Seals

  /// Verifies the seals whose group was seen, or must have been.
  private mutating func resolve(upTo last: Group?) {
    var count = 0
    while count < pending.count {
      let next = pending[count]
      let isSeen = next.seal.chain.count <= last?.sequence ?? 0
      // A seal stands behind the group that it is of.
      guard isSeen || next.statementOffset < last?.nextOffset ?? 0 else { break }
      verify(next, isSeen)
      count += 1
    }
    pending.removeFirst(count)
  }

  /// - Parameter isSeen: Whether there are as many groups before it as it says.
  private mutating func verify(_ next: Pending, _ isSeen: Bool) {
    guard let plan, let key = plan.key, let own = logIDs.first, !isGivenUp else { return }
    let covered = groups.prefix { $0.sequence <= next.seal.chain.count }
    let times = covered.reduce(forgotten) { Self.join($0, $1.times) }
    let logID = logIDs.first { $0 == next.seal.logID } ?? own
    var verifier =
      self.verifier
      ?? SealVerifier(key: key, logID: logID, schedule: plan.schedule, now: now)
    do throws(SealError) { try verifier.verify(next.seal, covering: times) } catch {
      report(.wrongSeal, next, "\(error)")
      guard case .dataOutsideEpoch = error else { return }
      // The seal itself holds, and those behind it go on from it.
      do throws(SealError) { try verifier.verify(next.seal, covering: nil) } catch { return }
    }
    self.verifier = verifier
    // What a seal that does not hold says that it covers is left to the next.
    forgotten = nil
    lastSealed = covered.last ?? lastSealed
    groups.removeFirst(covered.count)
    guard isSeen else {
      return report(
        .truncated, next,
        "the seal of epoch \(next.seal.epoch) is of \(next.seal.chain.count) groups, and fewer stand "
          + "before it")
    }
    guard let group = lastSealed, group.sequence == next.seal.chain.count else {
      return uncomparedCount += 1
    }
    guard group.head == next.seal.chain.head else {
      return report(
        .rewritten, next,
        "the seal of epoch \(next.seal.epoch) is of another chain: group \(group.sequence) was made "
          + "anew since")
    }
    hold(next.seal, group)
  }

  private mutating func hold(_ seal: EpochSeal, _ group: Group) {
    let last = coverage.epochs?.upperBound
    let first = last.map { $0 + 1 } ?? 0
    if first < seal.epoch {
      miss(first..<seal.epoch, "who took the machine then could change what was not sealed yet")
    }
    coverage.verifiedCount += 1
    coverage.epochs = (coverage.epochs?.lowerBound ?? seal.epoch)...seal.epoch
    coverage.coveredOffset = max(coverage.coveredOffset, group.nextOffset)
    coverage.lastTime = seal.time
    sealed?.note(group.nextOffset, epoch: seal.epoch)
  }

  private mutating func miss(_ epochs: Range<UInt64>, _ why: String) {
    coverage.missingEpochCount += epochs.upperBound - epochs.lowerBound
    guard findings.count < StreamWalk.findingCountLimit, let last = epochs.last else { return }
    let which =
      epochs.lowerBound == last ? "epoch \(last)" : "epochs \(epochs.lowerBound) to \(last)"
    findings.append(
      .at(place, .wrongSeal, .warning, .unknown, "no seal is of \(which): \(why)"))
  }

  private mutating func report(_ rule: Finding.Rule, _ next: Pending, _ what: String) {
    var place = place
    place.offsets = next.statementOffset..<(next.statementOffset + 1)
    findings.append(.at(place, rule, .broken, .edit, what))
    if findings.count(where: { $0.severity == .broken }) >= Self.wrongLimit { isGivenUp = true }
  }

  // MARK: The end

  /// What the seals came to, at the end of the evidence stream.
  mutating func finish() {
    guard isVerifying, let plan else { return }
    for next in pending { verify(next, false) }
    pending = []
    // What was stated in an epoch is proof that there was somebody to seal those before it.
    guard let last = coverage.epochs?.upperBound, let time = newestTime,
      let newest = plan.schedule.epoch(at: time), newest > last + 1
    else { return }
    miss(
      (last + 1)..<newest,
      "the store went on until epoch \(newest); seals were not made, or were cut off")
  }

  /// What was not checked of seals.
  func unchecked(_ options: AuditOptions) -> [Unchecked] {
    func entry(_ wasAskedFor: Bool, _ reason: String) -> [Unchecked] {
      [
        Unchecked(
          .seals, streamName: Statement.streamName, wasAskedFor: wasAskedFor, reason)
      ]
    }
    let count = coverage.sealCount
    let seals = "\(count) seal\(count == 1 ? "" : "s")"
    guard options.sealPlan != nil else {
      return count == 0
        ? []
        : entry(
          false,
          "the store has \(seals); verifying takes the verifier's file of 'piperoll seal generate', and "
            + "the log's origin")
    }
    guard isVerifying else {
      return entry(
        true, "\(seals) were not verified: they need the first key, and the log's origin or key")
    }
    if count == 0 { return entry(true, "the store has no seal, or its seals were cut off") }
    if isGivenUp {
      return entry(true, "so many seals do not hold that those behind them were not looked at")
    }
    if uncomparedCount > 0 {
      return entry(
        true,
        "\(uncomparedCount) of \(seals) are of groups that were not found, so their chain could not be "
          + "compared")
    }
    if sealed?.isThinned == true {
      return entry(
        true, "seals were too many to tell whether all records were sealed in their time")
    }
    return []
  }
}
