internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The audit of a store's folder: its root, its evidence stream, then its other streams.
struct StoreAudit {
  let options: AuditOptions
  let folder: AuditedFolder
  let progress: Audit.Progress
  private var search = BitSearch()
  private var root = StoreRoot()
  private var checkpoints = CheckpointAudit(AuditOptions(path: ""), streamNames: [])
  private var report: AuditReport
  private var book: StatementBook?
  private var states: [(records: UInt64, state: AuditState.Stream)] = []
  private let done = DoneCount()

  /// Times that a stream is audited again because its segments changed meanwhile.
  private static let retryCount = 3
  /// Streams smaller than this are walked by one thread.
  private static let serialByteCount: UInt64 = 8 << 20

  init(_ options: AuditOptions, _ folder: AuditedFolder, _ progress: @escaping Audit.Progress) {
    (self.options, self.folder, self.progress) = (options, folder, progress)
    report = AuditReport(path: options.path)
  }

  /// Bytes that were walked, by whichever thread.
  final class DoneCount: Sendable {
    let count = Guarded<(done: UInt64, total: UInt64)>((0, 0))
  }

  mutating func run() throws(AuditError) -> AuditOutcome {
    try look { (audit) throws(FileSystemError) in
      audit.root = try StoreRoot.read(audit.folder, &audit.search)
    }
    try requireStore()
    report.findings += root.findings
    report.storeID = root.storeID.map { Hexadecimal.text($0.bytes) } ?? ""
    if let earlier = options.earlier, let id = root.storeID, earlier.storeID != id.bytes {
      throw .otherStore(expected: Hexadecimal.text(earlier.storeID), found: report.storeID)
    }
    let streams = root.map.sorted
    checkpoints = CheckpointAudit(options, streamNames: streams.map(\.name))
    done.count.withLock { $0.total = streams.reduce(0) { $0 &+ Self.byteCount(of: $1) } }
    let evidence = streams.first { $0.name == Statement.streamName }
    if let evidence { try audit(evidence) }
    for stream in streams where stream.id != evidence?.id { try audit(stream) }
    finish()
    let state = report.findings.contains { $0.severity == .broken } ? nil : makeState()
    return AuditOutcome(report: report, state: state)
  }

  private mutating func look(
    _ body: (inout StoreAudit) throws(FileSystemError) -> Void
  ) throws(AuditError) {
    do throws(FileSystemError) { try body(&self) } catch { throw .fileSystem(error) }
  }

  /// A folder without any part of a store is none; one that lost its root is.
  private func requireStore() throws(AuditError) {
    guard root.storeID == nil, !root.isKnown else { return }
    let names = Set((try? folder.entries(""))?.map(\.name) ?? [])
    guard names.isDisjoint(with: [SuperBlockAudit.fileName, AuditedFolder.manifestFolder, "s"])
    else { return }
    throw .notAStore(path: options.path)
  }

  /// Bytes to be expected of a stream; only for the progress.
  private static func byteCount(of stream: StoreMap.Stream) -> UInt64 {
    stream.segments.reduce(0) { $0 &+ ($1.end?.endPosition.rawValue ?? $1.definition.capacity) }
  }

  // MARK: Streams

  private mutating func audit(_ first: StoreMap.Stream) throws(AuditError) {
    var stream = first
    var attempts = 0
    while true {
      attempts += 1
      var walk = try walk(stream)
      if walk.findings.isEmpty { return take(walk, stream) }
      // What looks wrong may have been removed, ended or used again while it was read.
      var again = StoreRoot()
      var search = search
      try look { (audit) throws(FileSystemError) in
        again = try StoreRoot.read(audit.folder, &search)
      }
      guard let now = again.map.streams[stream.id], now != stream else {
        return take(walk, stream)
      }
      if attempts >= Self.retryCount {
        // Segments go faster than they are read: of those that are gone by now nothing is said.
        let names = Set(now.segments.map(\.fileName))
        walk.findings.removeAll { finding in
          finding.place.file.map { !names.contains($0) } ?? false
        }
        return take(walk, now)
      }
      stream = now
      root.map = again.map
      try refreshBook(besides: stream)
    }
  }

  /// Statements may have come since the evidence stream was read.
  private mutating func refreshBook(besides stream: StoreMap.Stream) throws(AuditError) {
    guard stream.name != Statement.streamName,
      let evidence = root.map.sorted.first(where: { $0.name == Statement.streamName })
    else { return }
    book = try walk(evidence).book ?? book
  }

  private mutating func walk(_ stream: StoreMap.Stream) throws(AuditError) -> StreamWalk {
    var planner = SegmentPlanner(stream, folder)
    let plan = planner.plan(&search)
    let isEvidence = stream.name == Statement.streamName
    let wanted = checkpoints.claims.filter { $0.streamName.utf8.elementsEqual(stream.name.utf8) }
      .map(\.size)
    let coverage = EvidenceCoverage(rawValue: stream.definition.evidence.rawValue)
    let judge = coverage.map { coverage in
      EvidenceJudge(
        stream.definition, coverage, book?.streams[stream.id] ?? StreamStatements(),
        sealed: book?.sealedEpochs, firstOffset: plan.first?.baseOffset ?? stream.logStart,
        earlier: options.earlier?.streams.first { $0.streamID == stream.id }, wantedSizes: wanted,
        wantsValues: isEvidence, leafLimit: options.keptLeafLimit)
    }
    let (done, progress, folder, limits) = (done, progress, folder, options.limits)
    var walk = StreamWalk(
      stream, limits: limits, judge: judge, search: search,
      progress: { more in
        let now = done.count.withLock { count in
          count.done &+= more
          return count
        }
        return progress(min(now.done, now.total), now.total)
      },
      successor: { [planner] in planner.successor(of: $0) })
    if isEvidence {
      let place = Finding.Place(streamID: stream.id, streamName: stream.name)
      walk.book = StatementBook(
        names: root.map.streams.mapValues(\.name), wanted: wantedSizes(),
        seals: SealAudit(options, place))
    }
    let from = resumedSegment(plan, judge)
    var task = ChunkWalk.Task()
    (task.leavesFrom, task.wantsValues) = (judge?.leavesFrom, isEvidence)
    task.limits = limits
    task.makesBlocks = coverage != nil
    let kept = Array(plan[from...])
    walk.coverage.firstOffset = plan.first?.baseOffset ?? stream.logStart
    if !kept.isEmpty {
      let source = ChunkSource(
        kept, task: task, chunkByteCount: options.chunkByteCount,
        { (name) throws(FileSystemError) in try folder.open(name) })
      let isLarge = Self.byteCount(of: stream) >= Self.serialByteCount
      let automatic = isLarge ? min(AuditWorkers.count, AuditWorkers.limit) : 1
      walk = AuditPipeline.run(
        source, walk, workerCount: options.workerCount > 0 ? options.workerCount : automatic)
    } else {
      walk.coverage.nextOffset = stream.logStart
      walk.expected = stream.logStart
    }
    if walk.isCancelled { throw .cancelled }
    if let failure = walk.failure { throw .fileSystem(failure) }
    search = walk.search
    walk.conclude(plan, folder)
    return walk
  }

  /// Sizes whose roots are wanted, by stream.
  private func wantedSizes() -> [UInt64: Set<UInt64>] {
    var sizes: [UInt64: Set<UInt64>] = [:]
    for claim in checkpoints.claims {
      for stream in root.map.sorted where stream.name.utf8.elementsEqual(claim.streamName.utf8) {
        sizes[stream.id, default: []].insert(claim.size)
      }
    }
    return sizes
  }

  /// The segment from which on an audit that goes on from an earlier one has to read: the one that the
  /// last offset before is in.
  private func resumedSegment(_ plan: [PlannedSegment], _ judge: EvidenceJudge?) -> Int {
    guard let known = judge?.resumed else { return 0 }
    let last = known.nextOffset - min(known.nextOffset, 1)
    return plan.lastIndex { $0.baseOffset <= last } ?? 0
  }

  // MARK: Report

  private mutating func take(_ walk: StreamWalk, _ stream: StoreMap.Stream) {
    report.streams.append(walk.coverage)
    report.findings += walk.findings
    if let book = walk.book {
      self.book = book
      report.findings += book.findings + book.seals.findings
      if options.verifiesSeals { report.seals = book.seals.coverage }
      report.unchecked += book.seals.unchecked(options)
      report.events = book.events
      if book.skippedCount > 0 {
        report.unchecked.append(
          Unchecked(
            .history, streamName: stream.name,
            "\(book.skippedCount) statements of heads were too many to be compared"))
      }
    }
    report.unchecked += walk.unchecked
    for claim in checkpoints.claims
    where claim.streamName.utf8.elementsEqual(stream.name.utf8) {
      let root = claim.size == 0 ? MerkleTree.emptyRoot : walk.judge?.roots[claim.size]
      checkpoints.compare(
        claim, root: root,
        size: walk.judge?.coverage == .tree ? walk.coverage.nextOffset : nil, streamID: stream.id)
    }
    if let state = walk.judge?.state, state.chain.count > 0 {
      states.append(
        (
          walk.coverage.nextOffset,
          AuditState.Stream(
            streamID: stream.id, groupCount: state.chain.count, nextOffset: state.nextOffset,
            head: state.chain.head)
        ))
    }
  }

  private mutating func finish() {
    let names = root.map.sorted.map(\.name)
    if options.sealPlan != nil, book == nil {
      report.unchecked.append(
        Unchecked(.seals, wasAskedFor: true, "the store states nothing, and so has no seal"))
    }
    for claim in checkpoints.claims
    where !names.contains(where: { $0.utf8.elementsEqual(claim.streamName.utf8) }) {
      checkpoints.compare(
        claim, root: claim.size == 0 ? MerkleTree.emptyRoot : nil, size: nil, streamID: nil)
    }
    report.findings += checkpoints.findings
    report.checkpoints = checkpoints.results.sorted {
      ($0.origin, $0.size, $0.path) < ($1.origin, $1.size, $1.path)
    }
    report.streams.sort { $0.streamID < $1.streamID }
    report.unchecked = checkpoints.unchecked + report.unchecked
    if options.earlier == nil, options.checkpoints.isEmpty {
      report.unchecked.append(
        Unchecked(
          .history,
          "neither a checkpoint nor an earlier audit was given, so it is not known whether a tail was cut"
        ))
    }
    report.findings.sort { $0.order < $1.order }
  }

  private func makeState() -> AuditState? {
    guard let id = root.storeID, !states.isEmpty else { return nil }
    let streams = states.sorted {
      ($1.records, $0.state.streamID) < ($0.records, $1.state.streamID)
    }
    return AuditState(storeID: id.bytes, streams: streams.map(\.state))
  }
}

extension Finding {
  /// Streams, offsets, files, positions.
  fileprivate var order: (UInt64, UInt64, String, UInt64) {
    (
      place.streamID ?? 0, place.offsets?.lowerBound ?? 0, place.file ?? "", place.position ?? 0
    )
  }
}
