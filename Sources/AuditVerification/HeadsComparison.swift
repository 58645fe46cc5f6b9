internal import Cryptography
internal import Integrity
internal import LogFormat
internal import Quantities

/// Compares heads that were stated of a stream with those that its groups have.
struct HeadsComparison {
  /// By group number; several statements may be about one.
  private let stated: [StatedHeads]
  private var next = 0
  private(set) var newest: StatedHeads?
  private var lastAgreeing: StatedHeads?
  private var disagreeing: [(stated: StatedHeads, differs: Difference)] = []

  private struct Difference {
    var head: Bool
    var root: Bool
    var place: Bool
  }

  /// Statements that differ and are remembered.
  private static let disagreeingLimit = 64

  private let sealed: SealedEpochs?
  /// Groups whose records were sealed in another time, and the epoch of the first such seal.
  private var late: (offsets: Range<UInt64>, count: UInt64, epoch: UInt64)?

  init(_ heads: [StatedHeads], _ sealed: SealedEpochs? = nil) {
    self.sealed = sealed
    stated = heads.sorted {
      ($0.groupCount, $0.statementOffset) < ($1.groupCount, $1.statementOffset)
    }
    newest = stated.last
  }

  /// Compares what was stated of a group.
  mutating func compare(_ group: IntegrityFrame) {
    while next < stated.count, stated[next].groupCount < group.sequence { next += 1 }
    compareTimes(group)
    while next < stated.count, stated[next].groupCount == group.sequence {
      let heads = stated[next]
      next += 1
      let root = group.evidence == .tree ? group.root : Digest().bytes
      let differs = Difference(
        head: heads.head.bytes != group.head, root: heads.root.bytes != root,
        place: heads.nextOffset != group.nextOffset.rawValue
          || heads.coverage.rawValue != group.evidence.rawValue)
      if differs.head || differs.root || differs.place {
        if disagreeing.count < Self.disagreeingLimit { disagreeing.append((heads, differs)) }
      } else {
        lastAgreeing = heads
      }
    }
  }

  /// Compares the times of a group with the epoch of the first seal that covers it.
  private mutating func compareTimes(_ group: IntegrityFrame) {
    guard let sealed, next < stated.count, group.recordCount > 0,
      let epoch = sealed.epoch(ofStatementAt: stated[next].statementOffset)
    else { return }
    // What was there before the first epoch could not be sealed in its time.
    let times = [group.firstAppendTime.rawValue, group.lastAppendTime.rawValue].filter {
      sealed.schedule.epoch(at: $0) != nil
    }
    guard !times.allSatisfy({ sealed.schedule.admits(dataAt: $0, in: epoch) }) else { return }
    let offsets =
      group.firstOffset
      .rawValue..<max(
        group.firstOffset.rawValue, group.nextOffset.rawValue)
    let known = late ?? (offsets, 0, epoch)
    let all = known.offsets.lowerBound..<max(known.offsets.upperBound, offsets.upperBound)
    late = (all, known.count + 1, known.epoch)
  }

  /// What the comparison came to, at the end of the stream.
  ///
  /// - Parameters:
  ///   - last: The last group that was found.
  ///   - expected: Offset behind the last record, lost ones included.
  func findings(_ place: Finding.Place, last: IntegrityFrame?, expected: UInt64) -> [Finding] {
    var findings: [Finding] = []
    if let late {
      var place = place
      place.offsets = late.offsets
      findings.append(
        .at(
          place, .wrongSeal, .broken, .unknown,
          "\(late.count) group\(late.count == 1 ? " has" : "s have") records of another time than the "
            + "first seal of them, in epoch \(late.epoch): sealed anew, or too late"))
    }
    if let newest, newest.groupCount > last?.sequence ?? 0, newest.nextOffset > expected {
      var place = place
      place.offsets = expected..<newest.nextOffset
      findings.append(
        .at(
          place, .truncated,
          "the store stated \(newest.groupCount) groups up to offset \(newest.nextOffset) "
            + "(statement \(newest.statementOffset)); the stream ends at \(expected)"))
    }
    guard let worst = disagreeing.last else { return findings }
    var place = place
    if lastAgreeing.map({ $0.groupCount < worst.stated.groupCount }) ?? true,
      let first = disagreeing.first(where: {
        $0.stated.groupCount > lastAgreeing?.groupCount ?? 0
      }), first.differs.head && first.differs.root || disagreeing.count > 1
    {
      let from = lastAgreeing?.nextOffset ?? 0
      place.offsets = from < first.stated.nextOffset ? from..<first.stated.nextOffset : nil
      findings.append(
        .at(
          place, .rewritten, .broken, .edit,
          "the stream is not the one that the store stated: group \(first.stated.groupCount) has "
            + "another head (statement \(first.stated.statementOffset)), and none since fits"))
      return findings
    }
    for (heads, differs) in disagreeing {
      place.offsets = nil
      let isOneOfBoth = differs.head != differs.root && !differs.place
      findings.append(
        .at(
          place, isOneOfBoth ? .unboundHeads : .falseStatement, .broken, .edit,
          "statement \(heads.statementOffset) says of group \(heads.groupCount) what "
            + (isOneOfBoth
              ? (differs.head ? "its chain does not" : "its tree does not") : "is not so")))
    }
    return findings
  }
}
