internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// What a walk came to when it is over.
extension StreamWalk {
  /// Findings of suspects; each takes a search.
  private static let suspectLimit = 32

  mutating func conclude(_ plan: [PlannedSegment], _ folder: AuditedFolder) {
    if openDamage != nil { closeDamage(at: expected ?? 0) }
    book?.seals.finish()
    coverage.nextOffset = max(coverage.nextOffset, expected ?? 0)
    guard var judge else {
      unchecked.append(
        Unchecked(
          .unprotected, streamName: stream.name,
          "the stream has neither chain nor tree; only checksums and structure were compared"))
      return
    }
    let next = coverage.nextOffset
    judge.findLastRoots(upTo: next)
    explainBeginning(judge)
    if let known = judge.resumed ?? judge.held, judge.last?.sequence ?? 0 < known.groupCount {
      resumeFailed(known, judge)
    }
    judge.findings += judge.heads.findings(place(), last: judge.last, expected: next)
    var trial = SuspectTrial(plan, limits) { (name) throws(FileSystemError) in
      try folder.open(name)
    }
    for suspect in judge.suspects.prefix(Self.suspectLimit) {
      judge.findings.append(trial.finding(suspect))
    }
    for index in Set(judge.confirmed) where index < findings.count {
      findings[index].message += ", and chain and tree confirm it"
    }
    findings += judge.findings
    judge.findings = []
    coverage.groupCount = judge.verifiedCount
    coverage.evidencedOffset = judge.evidencedOffset
    coverage.resumedOffset = judge.resumedOffset ?? 0
    if let state = judge.state, state.chain.count > 0 {
      coverage.head = "\(state.chain.head)"
      if judge.coverage == .tree { coverage.root = "\(state.frontier.root)" }
    }
    noteUnchecked(judge, next)
    self.judge = judge
  }

  /// A stream that does not begin with its first record says why.
  private mutating func explainBeginning(_ judge: EvidenceJudge) {
    // A file alone begins where it begins.
    guard !isAlone else { return }
    let first = coverage.firstOffset
    let removed = judge.statements.removed
    // What an earlier audit is relied upon for needs no explanation.
    let from = judge.resumedOffset ?? 0
    var missing = removed?.holes.filter { $0.lowerBound < first } ?? []
    let explained = removed?.nextOffset ?? 0
    if explained < first { missing.append(explained..<first) }
    for range in missing where range.upperBound > from {
      add(
        .missingRecords,
        at: Finding.Place(
          streamID: stream.id, streamName: stream.name, offsets: range),
        "the stream begins at offset \(first), and no statement says why these records are gone")
    }
  }

  /// The group at which an earlier audit ended was not found.
  private mutating func resumeFailed(_ known: AuditState.Stream, _ judge: EvidenceJudge) {
    let next = coverage.nextOffset
    var place = place()
    if let removed = judge.statements.removed, removed.nextOffset >= known.nextOffset { return }
    guard next <= known.nextOffset || judge.last == nil else { return }
    place.offsets = next < known.nextOffset ? next..<known.nextOffset : nil
    add(
      .truncated, at: place,
      "an earlier audit found \(known.groupCount) groups up to offset \(known.nextOffset); the stream "
        + "ends at \(next)")
  }

  private mutating func noteUnchecked(_ judge: EvidenceJudge, _ next: UInt64) {
    let covered = judge.state?.nextOffset ?? judge.last?.nextOffset.rawValue ?? 0
    if next > covered {
      unchecked.append(
        Unchecked(
          .uncovered, streamName: stream.name,
          "offsets \(covered) to \(next - 1) stand behind the last group; chain and tree do not cover "
            + "them yet"))
    }
    if judge.unverifiedCount > 0 {
      unchecked.append(
        Unchecked(
          .removed, streamName: stream.name,
          "\(judge.unverifiedCount) groups could not be made again because not all of their records "
            + "are there"))
    }
  }
}
