internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// Leaves among which one is not what chain and tree say; whether it is a flipped bit is found out later, with
/// the records at hand.
struct EvidenceSuspect {
  /// Offsets of the leaves.
  var offsets: Range<UInt64>
  /// Those of them that the group has; the ones before were found right.
  var suspected: Range<UInt64>
  /// The leaves as they are now.
  var leaves: [Digest]
  /// The root over them as it was.
  var root: Digest
  /// The group that says so.
  var sequence: UInt64
  var place: Finding.Place
}

extension EvidenceJudge {
  /// Groups of a chain are searched up to so many leaves.
  private static let chainLeafLimit: UInt64 = 1 << 16
  /// Findings of one group.
  private static let suspectLimit = 64

  /// Finds out in which records a group differs from its frame.
  mutating func diagnose(
    _ group: IntegrityFrame, _ built: RebuiltGroup, _ range: Range<UInt64>,
    at place: Finding.Place
  ) {
    let frame = built.frame(definition, group.storeID)
    guard frame.root != group.root else {
      let what =
        frame.recordCount != group.recordCount || frame.firstAppendTime != group.firstAppendTime
          || frame.lastAppendTime != group.lastAppendTime
        ? "counts and times that it states are not those of its records"
        : "hashes that it keeps are not those of its records"
      return add(.unboundHeads, .edit, at: place, "group \(group.sequence): \(what)")
    }
    let found = coverage == .tree ? blocks(group, built, range) : whole(group, range)
    guard !found.isEmpty else {
      return add(
        .changedRecords, .edit, at: place,
        "the records of group \(group.sequence) are not those that its chain and tree were made from"
      )
    }
    for (subtree, root) in found.prefix(Self.suspectLimit) {
      let suspected = max(subtree.lowerBound, range.lowerBound)..<subtree.upperBound
      suspects.append(
        EvidenceSuspect(
          offsets: subtree, suspected: suspected, leaves: leaves(of: subtree, range) ?? [],
          root: root, sequence: group.sequence, place: place))
    }
  }

  private func whole(_ group: IntegrityFrame, _ range: Range<UInt64>) -> [(Range<UInt64>, Digest)] {
    guard range.upperBound - range.lowerBound <= Self.chainLeafLimit,
      let root = Digest(group.root)
    else { return [] }
    return [(range, root)]
  }

  /// Subtrees whose hashes the frame keeps and that the records do not give: blocks of 256 leaves, and the
  /// smaller subtrees at the right edge.
  private func blocks(_ group: IntegrityFrame, _ built: RebuiltGroup, _ range: Range<UInt64>)
    -> [(Range<UInt64>, Digest)]
  {
    var found: [(Range<UInt64>, Digest)] = []
    let first = range.lowerBound >> 8
    for (index, hash) in (built.nodes.first ?? []).enumerated() {
      guard let stated = Self.hash(group.nodes, index), stated != hash else { continue }
      let start = (first + UInt64(index)) << 8
      found.append((start..<(start + 256), stated))
    }
    var start: UInt64 = 0
    let frontier = built.frontier
    var index = 0
    for level in (0..<64).reversed() where frontier.size >> UInt64(level) & 1 == 1 {
      let end = start + 1 << UInt64(level)
      if level < EvidenceBuilder.keptLevel, let stated = Self.hash(group.frontier, index),
        stated != frontier.hashes[index]
      {
        found.append((start..<end, stated))
      }
      start = end
      index += 1
    }
    return found
  }

  private static func hash(_ bytes: [UInt8], _ index: Int) -> Digest? {
    let start = index * Digest.byteCount
    guard start + Digest.byteCount <= bytes.count else { return nil }
    return Digest(Array(bytes[start..<(start + Digest.byteCount)]))
  }

  /// The leaves of a subtree, some of which an earlier group may have had.
  private mutating func leaves(of subtree: Range<UInt64>, _ range: Range<UInt64>) -> [Digest]? {
    var leaves: [Digest] = []
    if subtree.lowerBound < range.lowerBound {
      guard let carry else { return nil }
      let surplus = Int(subtree.lowerBound - (range.lowerBound & ~255))
      guard surplus <= carry.count else { return nil }
      leaves = Array(carry[surplus...])
    }
    for part in queue.parts(max(subtree.lowerBound, range.lowerBound)..<subtree.upperBound) {
      if case .missing = part { return nil }
      part.forLeaves { more, _, _ in leaves += more }
    }
    return leaves.count == subtree.count ? leaves : nil
  }

  /// Judges the group that a removal went through the middle of: what is left of it must still lead to its
  /// root.
  mutating func open(_ group: IntegrityFrame, _ after: EvidenceState, at place: Finding.Place) {
    guard let opening else { return }
    self.opening = nil
    state = after
    guard group.sequence == opening.groupCount + 1,
      group.firstOffset.rawValue == opening.groupedOffset,
      group.previousHead == opening.head.bytes
    else {
      // Groups that went with lost records.
      if hasLoss || contradictingCount > 0, group.sequence > opening.groupCount + 1 {
        return unverifiedCount += 1
      }
      return add(
        .brokenChain, .edit, at: place,
        "group \(group.sequence) from offset \(group.firstOffset) does not go on from group "
          + "\(opening.groupCount), with which the removal before it ends")
    }
    let next = group.nextOffset.rawValue
    guard var edge = opening.edge(coverage), leavesFrom <= next else {
      unverifiedCount += 1
      return
    }
    for part in queue.parts(leavesFrom..<next) {
      if case .missing = part {
        unverifiedCount += 1
        return
      }
      part.forLeaves { leaves, _, _ in edge.append(leaves) }
    }
    guard edge.root.bytes == group.root else {
      return add(
        .changedRecords, .unknown, at: place,
        "what is left of group \(group.sequence), together with the hashes that the removal before it "
          + "kept, does not lead to its root")
    }
    verifiedCount += 1
    evidencedOffset = next
  }
}
