internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import Quantities

/// Makes the groups of a stream's chain and tree again, and compares them with those that stand in it.
struct EvidenceJudge {
  let definition: ManifestEdit.StreamDefinition
  let coverage: EvidenceCoverage
  let statements: StreamStatements
  /// Leaves are wanted from this offset on.
  let leavesFrom: UInt64
  /// Whether values of records are wanted.
  let wantsValues: Bool
  /// What the next group goes on from; `nil` while nobody knows.
  var state: EvidenceState?
  /// Where an earlier audit ended, until its group is found again.
  var resumed: AuditState.Stream?
  /// Offset before which an earlier audit is relied upon; `nil` when none is.
  let resumedOffset: UInt64?
  /// Where an earlier audit ended, in a stream that is read from its beginning all the same.
  let held: AuditState.Stream?
  /// What is left of the group that a removal went through the middle of.
  var opening: RemovedPart?
  var queue: LeafQueue
  /// Leaves of the last block of 256, where it is not whole.
  var carry: [Digest]? = []
  /// Offsets that are gone by damage that is reported.
  var lost: [Range<UInt64>] = []
  /// Whether something was lost since the last group, by which a frame of a group can be gone.
  var hasLoss = false
  /// Frames since the last group that contradict themselves.
  var contradictingCount = 0
  var findings: [Finding] = []
  var suspects: [EvidenceSuspect] = []
  /// Records that a bit was changed back in, with the finding that says so.
  var mended: [(offsets: Range<UInt64>, finding: Int)] = []
  /// Findings of theirs that chain and tree confirm.
  var confirmed: [Int] = []
  /// Sizes whose roots are wanted, ascending, and those that were found.
  var wantedSizes: [UInt64]
  var roots: [UInt64: Digest] = [:]
  var heads: HeadsComparison
  var verifiedCount: UInt64 = 0
  /// Groups that could not be made again because their records are gone.
  var unverifiedCount: UInt64 = 0
  /// Everything before it was found to be what chain and tree say.
  var evidencedOffset: UInt64 = 0
  /// Whether a group before could not be verified, so that the offset above stays.
  var isInterrupted = false
  /// The last group that was seen.
  var last: IntegrityFrame?

  /// Offsets without records that a group may have, before it is taken for nonsense.
  private static let emptyCountLimit: UInt64 = 1 << 26

  init(
    _ definition: ManifestEdit.StreamDefinition, _ coverage: EvidenceCoverage,
    _ statements: StreamStatements, sealed: SealedEpochs? = nil, firstOffset: UInt64,
    earlier: AuditState.Stream?,
    wantedSizes: [UInt64], wantsValues: Bool, leafLimit: Int = LeafQueue.defaultLeafLimit
  ) {
    // Statements about all streams are needed, so theirs is read from the beginning.
    let resumed = wantsValues ? nil : earlier
    held = wantsValues ? earlier : nil
    resumedOffset = resumed?.nextOffset
    (self.definition, self.coverage, self.statements) = (definition, coverage, statements)
    (self.resumed, self.wantsValues) = (resumed, wantsValues)
    self.wantedSizes = wantedSizes.sorted()
    queue = LeafQueue(redacted: statements.redacted, leafLimit: leafLimit)
    heads = HeadsComparison(statements.heads, sealed)
    var start = firstOffset
    if let resumed {
      start = max(start, resumed.nextOffset)
      evidencedOffset = resumed.nextOffset
      carry = nil
    } else if let removed = statements.removed, removed.nextOffset >= firstOffset {
      start = removed.nextOffset
      carry = nil
      state = removed.state
      if state == nil { opening = removed }
      evidencedOffset = removed.groupedOffset
      roots = removed.roots
    } else if firstOffset == 0 {
      state = .initial
    } else {
      carry = nil
    }
    leavesFrom = start
    if self.wantedSizes.first == 0 { roots[0] = MerkleTree.emptyRoot }
  }

  // MARK: Leaves

  mutating func add(
    _ run: ChunkAccount.Run, _ account: borrowing ChunkAccount, from source: LeafQueue.Source?
  ) {
    guard !run.leaves.isEmpty else { return }
    let first = run.next - UInt64(run.leaves.count)
    queue.append(
      LeafQueue.Run(
        offsets: first..<run.next, leaves: account.leaves[run.leaves],
        times: account.times[run.leaves], blocks: account.blocks[run.blocks], source: source))
  }

  mutating func addGap(_ offsets: Range<UInt64>) {
    let first = max(offsets.lowerBound, leavesFrom)
    guard first < offsets.upperBound else { return }
    queue.append(LeafQueue.Run(offsets: first..<offsets.upperBound, isGap: true))
  }

  /// Records are gone, and that is reported.
  mutating func noteLoss(_ offsets: Range<UInt64>) {
    lost.append(offsets)
    hasLoss = true
  }

  mutating func noteMended(_ offsets: Range<UInt64>, finding: Int) {
    mended.append((offsets, finding))
  }

  // MARK: Groups

  mutating func take(_ group: IntegrityFrame, at place: Finding.Place) {
    if let resumed {
      defer { hasLoss = false }
      guard group.sequence >= resumed.groupCount else { return }
      return resume(group, resumed, at: place)
    }
    let before = state?.chain.count ?? opening?.groupCount ?? 0
    // Of records that a statement says were removed.
    if group.sequence <= before, group.nextOffset.rawValue <= leavesFrom { return }
    let range = group.firstOffset.rawValue..<group.nextOffset.rawValue
    guard let after = group.state(definition) else {
      add(
        .unboundHeads, .edit, at: place,
        "group \(group.sequence) contradicts itself: its heads do not follow from its fields")
      isInterrupted = true
      // As if it were not there: the next group tells what it was.
      contradictingCount += 1
      return
    }
    defer {
      keepCarry(range)
      queue.drop(before: range.upperBound)
      last = group
      heads.compare(group)
      compareHeld(group, at: place)
      (hasLoss, contradictingCount) = (false, 0)
    }
    if opening != nil { return open(group, after, at: place) }
    guard connects(group, at: place) else {
      unverifiedCount += 1
      isInterrupted = isInterrupted || state != nil
      findRoots(range, group)
      return state = after
    }
    judge(group, range, after, at: place)
  }

  private mutating func judge(
    _ group: IntegrityFrame, _ range: Range<UInt64>, _ after: EvidenceState,
    at place: Finding.Place
  ) {
    findRoots(range, group)
    switch build(range, group.storeID, lost: nil) {
    case .built(let built):
      if built.frame(definition, group.storeID) == group {
        hold(group, range)
      } else {
        isInterrupted = true
        diagnose(group, built, range, at: place)
      }
    case .incomplete:
      if case .built(let built) = build(range, group.storeID, lost: .lost),
        built.frame(definition, group.storeID) == group
      {
        // They were gone before they were hashed, and the group says so.
        hold(group, range)
      } else {
        unverifiedCount += 1
        isInterrupted = true
      }
    case .tooMany:
      isInterrupted = true
      add(
        .contradiction, .unknown, at: place,
        "group \(group.sequence) has more offsets without records than any writer gives up")
      unverifiedCount += 1
    }
    state = after
  }

  private mutating func hold(_ group: IntegrityFrame, _ range: Range<UInt64>) {
    verifiedCount += 1
    if !isInterrupted { evidencedOffset = range.upperBound }
    for entry in mended where range.overlaps(entry.offsets) { confirmed.append(entry.finding) }
    mended.removeAll { $0.offsets.upperBound <= range.upperBound }
  }

  /// Whether a group goes on from what is known; what was lost between is made up for where it can be.
  private mutating func connects(_ group: IntegrityFrame, at place: Finding.Place) -> Bool {
    let first = group.firstOffset.rawValue
    guard let known = state else {
      // A group of a chain needs none of the leaves before it; what it goes on from is its own claim.
      guard coverage == .chain, let previous = Digest(group.previousHead) else { return false }
      state = EvidenceState(
        chain: HashChain(count: group.sequence - 1, head: previous), frontier: TreeFrontier(),
        nextOffset: first)
      return true
    }
    if group.sequence == known.chain.count + 1, first == known.nextOffset,
      group.previousHead == known.chain.head.bytes
    {
      return true
    }
    // One group before it is gone: its records tell what it was.
    if group.sequence == known.chain.count + 2, first > known.nextOffset,
      case .built(let built) = build(known.nextOffset..<first, group.storeID, lost: nil),
      built.frame(definition, group.storeID).head == group.previousHead
    {
      if !hasLoss, contradictingCount == 0 {
        add(
          .brokenChain, .unknown, at: place,
          "the frame of group \(group.sequence - 1) is gone; made again from its records it is the "
            + "one that this group goes on from")
      }
      verifiedCount += 1
      keepCarry(known.nextOffset..<first)
      if wantedSizes.contains(first) { roots[first] = built.frontier.root }
      state = built.state(definition, group.storeID)
      return true
    }
    isInterrupted = true
    if !hasLoss, contradictingCount == 0 {
      add(
        .brokenChain, .edit, at: place,
        "group \(group.sequence) from offset \(first) does not go on from group "
          + "\(known.chain.count), which ends at offset \(known.nextOffset)")
    }
    // The tree can be followed without the chain.
    guard first >= known.nextOffset, let previous = Digest(group.previousHead) else { return false }
    var frontier = known.frontier
    if coverage == .tree, first > known.nextOffset {
      guard case .built(let built) = build(known.nextOffset..<first, group.storeID, lost: nil)
      else { return false }
      frontier = built.frontier
    }
    keepCarry(known.nextOffset..<first)
    state = EvidenceState(
      chain: HashChain(count: group.sequence - 1, head: previous), frontier: frontier,
      nextOffset: first)
    return true
  }

  /// What making a group again came to.
  enum Rebuilt {
    case built(RebuiltGroup)
    /// Not all of its leaves are there.
    case incomplete
    case tooMany
  }

  /// Makes a group of offsets that begin where the last one ended.
  mutating func build(_ range: Range<UInt64>, _ storeID: UniqueIdentifier, lost: RecordLeaf.Kind?)
    -> Rebuilt
  {
    guard let state else { return .incomplete }
    // The group of a chain has a tree of its own: whole blocks of offsets are whole in that one as well where
    // it begins with one.
    let isAligned =
      coverage == .tree || range.lowerBound.isMultiple(of: RecordRemoval.blockLeafCount)
    let parts = queue.parts(range, inBlocks: isAligned)
    var emptyCount: UInt64 = 0
    for part in parts {
      switch part {
      case .gap(let range): emptyCount += UInt64(range.count)
      case .missing(let range):
        guard lost != nil else { return .incomplete }
        emptyCount += UInt64(range.count)
      default: break
      }
    }
    guard emptyCount <= Self.emptyCountLimit else { return lost == nil ? .tooMany : .incomplete }
    var group = RebuiltGroup(coverage, after: state)
    for part in parts {
      if case .block(let block) = part {
        group.append(block)
        continue
      }
      part.forLeaves(lost: lost) { leaves, recordCount, times in
        group.append(leaves, recordCount: recordCount, times: times)
      }
    }
    return .built(group)
  }

  /// Goes on from where an earlier audit ended.
  private mutating func resume(
    _ group: IntegrityFrame, _ known: AuditState.Stream, at place: Finding.Place
  ) {
    resumed = nil
    let removed = statements.removed?.nextOffset ?? 0
    if group.sequence > known.groupCount, hasLoss || removed > known.nextOffset {
      // Its frame is gone, and that is reported or stated.
      (state, last) = (group.state(definition), group)
      return unverifiedCount += 1
    }
    guard group.sequence == known.groupCount, group.nextOffset.rawValue == known.nextOffset,
      group.head == known.head.bytes
    else {
      add(
        .rewritten, .edit, at: place,
        "an earlier audit found group \(known.groupCount) to end at offset \(known.nextOffset) "
          + "with another head")
      state = group.state(definition)
      return
    }
    state = group.state(definition)
    last = group
    if state == nil {
      add(.unboundHeads, .edit, at: place, "group \(group.sequence) contradicts itself")
    }
    queue.drop(before: known.nextOffset)
  }

  /// Compares a group with what an earlier audit found.
  private mutating func compareHeld(_ group: IntegrityFrame, at place: Finding.Place) {
    guard let held, group.sequence == held.groupCount,
      group.head != held.head.bytes || group.nextOffset.rawValue != held.nextOffset
    else { return }
    add(
      .rewritten, .edit, at: place,
      "an earlier audit found group \(held.groupCount) to end at offset \(held.nextOffset) with "
        + "another head")
  }

  // MARK: Roots

  /// Finds roots that are wanted of sizes in a group.
  private mutating func findRoots(_ range: Range<UInt64>, _ group: IntegrityFrame) {
    guard coverage == .tree else { return }
    for size in wantedSizes where range.contains(size - min(size, 1)) && size > range.lowerBound {
      roots[size] =
        size == range.upperBound ? Digest(group.root) : root(at: size, from: range.lowerBound)
    }
  }

  private mutating func root(at size: UInt64, from first: UInt64) -> Digest? {
    guard let state, state.nextOffset == first else { return nil }
    var frontier = state.frontier
    for part in queue.parts(first..<size) {
      if case .missing = part { return nil }
      part.forLeaves { leaves, _, _ in frontier.append(leaves) }
    }
    return frontier.size == size ? frontier.root : nil
  }

  /// Finds the roots of sizes behind the last group.
  mutating func findLastRoots(upTo next: UInt64) {
    guard coverage == .tree, let state else { return }
    for size in wantedSizes where size > state.nextOffset && size <= next {
      roots[size] = root(at: size, from: state.nextOffset)
    }
  }

  // MARK: Helpers

  /// Keeps the leaves of the last block, for when a later group completes it.
  private mutating func keepCarry(_ range: Range<UInt64>) {
    let start = range.upperBound & ~255
    var leaves: [Digest] = []
    if start < range.lowerBound {
      guard let carry else { return }
      leaves = carry
    }
    let from = max(start, range.lowerBound)
    for part in queue.parts(from..<range.upperBound) {
      if case .missing = part { return carry = nil }
      if case .gap(let gap) = part, gap.count > 256 { return carry = nil }
      part.forLeaves { more, _, _ in leaves += more }
    }
    carry = leaves
  }

  mutating func add(
    _ rule: Finding.Rule, _ origin: Finding.Origin, at place: Finding.Place, _ what: String
  ) {
    guard findings.count < StreamWalk.findingCountLimit else { return }
    findings.append(.at(place, rule, .broken, origin, what))
  }
}
