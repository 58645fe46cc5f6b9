internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import Synchronization

/// Opens a stream for writing: recovers its last segment and builds the writer's state.
struct StreamOpener {
  let core: StoreCore
  let streamID: UInt64
  var report = RecoveryReport()

  var limits: FormatLimits { core.options.limits }

  init(core: StoreCore, streamID: UInt64) {
    self.core = core
    self.streamID = streamID
  }

  /// Where the appends of a stream continue.
  struct Continuation {
    var nextOffset: Offset
    var appendTime: Timestamp
    var producers: ProducerTable
    var previousSegmentID: UInt64
    /// The segment that goes on, with its account; `nil` when a fresh one begins.
    var segment: (file: SegmentFile, scan: SegmentScan, slotSequence: UInt64, slotIndex: Int)?
  }

  mutating func open() throws(OpenError) -> StreamLog {
    let began = core.time.monotonicNanoseconds()
    guard let stream = core.manifest.stream(streamID) else { throw .streamNotFound(name: "") }
    var continuation = try continuation(of: stream)
    while continuation.segment == nil {
      guard try adoptSuccessor(&continuation) else { break }
    }
    if continuation.segment == nil, stream.definition.durability != .disk { try dropPrepared() }
    if stream.definition.durability == .memory { try proveEnded() }
    report.nextOffset = continuation.nextOffset
    report.nanoseconds = core.time.monotonicNanoseconds() - began
    return try makeLog(continuation)
  }

  // MARK: The last segment

  private mutating func continuation(of stream: ManifestState.Stream) throws(OpenError)
    -> Continuation
  {
    guard let last = stream.segments.last else {
      return Continuation(
        nextOffset: stream.logStart, appendTime: Timestamp(rawValue: .min),
        producers: ProducerTable(limit: limits.producerCountLimit), previousSegmentID: 0)
    }
    if let end = last.end {
      return Continuation(
        nextOffset: end.nextOffset, appendTime: end.lastAppendTime,
        producers: try producers(atEndOf: stream.segments.count - 1, of: stream),
        previousSegmentID: last.id)
    }
    return try recover(last, of: stream)
  }

  /// The segment the manifest calls active: finds its end and makes it safe to append behind.
  private mutating func recover(_ segment: ManifestState.Segment, of stream: ManifestState.Stream)
    throws(OpenError) -> Continuation
  {
    let isMapped = stream.definition.durability != .disk
    let file = try openFile(segment.definition, access: isMapped ? .mappedWriting : .writing)
    let inherited = try inheritedProducers(of: stream)
    let recovery = SegmentRecovery(core: core, file: file, segment: segment)
    var scan = try recovery.scan(inherited)
    try recovery.report(scan, stream: stream, into: &report)
    if scan.isSealed {
      return try end(segment, scan, reason: .sealed)
    }
    if recovery.hasLostEnd || isMapped && !report.wasClean {
      // The bytes stay where they are, behind the end.
      if let range = scan.undecidable {
        report.undecidableByteCount += range.upperBound - range.lowerBound
      }
      // Stores into a mapping reach the disk in any order: what lies behind is never looked at again.
      return try end(segment, scan, reason: .recovered)
    }
    let slot = try recovery.makeSafe(&scan, report: &report)
    return Continuation(
      nextOffset: scan.nextOffset ?? segment.baseOffset, appendTime: scan.progress.lastAppendTime,
      producers: scan.producers, previousSegmentID: segment.activation.previousSegmentID,
      segment: (file, scan, slot.sequence, slot.index))
  }

  private func end(
    _ segment: ManifestState.Segment, _ scan: SegmentScan, reason: ManifestEdit.EndReason
  ) throws(OpenError) -> Continuation {
    let next = scan.nextOffset ?? segment.baseOffset
    let end = ManifestEdit.SegmentEnd(
      streamID: streamID, segmentID: segment.id,
      endPosition: FilePosition(rawValue: scan.position), nextOffset: next,
      lastAppendTime: scan.progress.lastAppendTime,
      recordCount: scan.progress.statistics.recordCount, reason: reason)
    // What recovery shows must not disappear: it is synced before anything else happens. A seal that
    // a killed process left may be in the page cache only, with the frames before it.
    let file = try openFile(segment.definition, access: .writing)
    let recovery = SegmentRecovery(core: core, file: file, segment: segment)
    do throws(FileSystemError) {
      if try recovery.restoreHeader() { try file.synchronize() }
      try SegmentRecovery.rewrite(file, from: recovery.provenPosition, upTo: scan.position)
    } catch {
      throw .fileSystem(error)
    }
    try apply([.segmentEnded(end)])
    return Continuation(
      nextOffset: next, appendTime: scan.progress.lastAppendTime, producers: scan.producers,
      previousSegmentID: segment.id)
  }

  /// A prepared segment whose header says that it took over, although the manifest does not know yet:
  /// mapped segments are left without waiting for the manifest.
  private mutating func adoptSuccessor(_ continuation: inout Continuation) throws(OpenError)
    -> Bool
  {
    guard let stream = core.manifest.stream(streamID) else { return false }
    for prepared in stream.prepared {
      guard let file = try fileIfSound(prepared),
        let header = try? file.header(), header.segmentID == prepared.segmentID,
        header.salt == prepared.salt,
        header.previousSegmentID == continuation.previousSegmentID,
        header.baseOffset == continuation.nextOffset
      else { continue }
      let activation = ManifestEdit.SegmentActivation(
        streamID: streamID, segmentID: prepared.segmentID, baseOffset: header.baseOffset,
        baseAppendTime: header.baseAppendTime, previousSegmentID: header.previousSegmentID)
      try apply([.segmentActivated(activation)])
      guard let again = core.manifest.stream(streamID), let segment = again.segments.last else {
        return false
      }
      continuation = try recover(segment, of: again)
      return true
    }
    return false
  }

  /// Class `memory`: makes the segments durable that a killed process had left without a sync. The
  /// manifest calls them ended, and what is behind them must not count as durable before they do.
  private func proveEnded() throws(OpenError) {
    for segment in (core.manifest.stream(streamID)?.segments ?? []).reversed() {
      guard let end = segment.end, end.reason == .sealed else { continue }
      // Its last slots are written behind that sync; those before it were synced earlier.
      guard let found = try fileIfSound(segment.definition) else { continue }
      if found.newestSlot()?.slot.flags.contains(.sealed) ?? false { return }
      let file = try openFile(segment.definition, access: .writing)
      var mark = SegmentMark(
        segmentID: segment.id, position: end.endPosition.rawValue, nextOffset: end.nextOffset,
        appendTime: end.lastAppendTime, indexFramePosition: 0, integrityPosition: 0,
        statePosition: 0, commitSequence: 0,
        statistics: SegmentStatistics())
      if let seal = SegmentEntry.seal(found, end: end.endPosition.rawValue, limits) {
        mark.statistics = seal.statistics
      }
      do throws(FileSystemError) {
        try SegmentRecovery.rewrite(file, upTo: min(end.endPosition.rawValue, file.byteCount))
        try StreamLog.finish(file, mark, core)
      } catch {
        // A place that cannot be read is damage, which reading reports; appends can go on.
        guard error.operation == .read, error.reason == .inputOutput else {
          throw .fileSystem(error)
        }
      }
    }
  }

  /// Lets go of successors that were not adopted. Mapped ones may have been stored into before a
  /// crash: used again, their old frames could line up behind new ones.
  private func dropPrepared() throws(OpenError) {
    guard let prepared = core.manifest.stream(streamID)?.prepared, !prepared.isEmpty else { return }
    try setAside(prepared)
    var edits: [ManifestEdit] = []
    for segment in prepared {
      edits.append(.segmentDropped(streamID: streamID, segmentID: segment.segmentID))
      // The intent makes sure that the next opening removes what a crash leaves of the file.
      edits.append(.segmentIntent(streamID: streamID, segmentID: segment.segmentID))
    }
    try apply(edits)
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: streamID)
      for segment in prepared {
        let name = StoreDirectory.segmentName(segment.segmentID)
        do throws(FileSystemError) { try core.fileSystem.unlink(name, in: directory) } catch {
          guard error.reason == .notFound else { throw error }
        }
      }
      try core.fileSystem.synchronize(directory)
    } catch {
      throw .fileSystem(error)
    }
    try apply(
      prepared.map { .segmentDropped(streamID: streamID, segmentID: $0.segmentID) })
  }

  /// Moves successors that hold records to the files kept as evidence: one that took over although
  /// the segment before it lost its end, or a file that has another segment's place.
  private func setAside(_ prepared: [ManifestEdit.SegmentDefinition]) throws(OpenError) {
    var holding: [ManifestEdit.SegmentDefinition] = []
    for segment in prepared {
      if let file = try fileIfSound(segment), holdsRecords(file) { holding.append(segment) }
    }
    guard !holding.isEmpty else { return }
    let system = core.fileSystem
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: streamID)
      for segment in holding {
        let name = StoreDirectory.segmentName(segment.segmentID)
        let aside = "\(name.dropLast(4))-successor.seg"
        try system.rename(name, in: directory, to: aside, in: core.directory.quarantine)
      }
      // Before the manifest lets go of the names: what it does not know is removed.
      try system.synchronize(core.directory.quarantine)
      try system.synchronize(directory)
    } catch {
      throw .fileSystem(error)
    }
  }

  private func holdsRecords(_ file: SegmentFile) -> Bool {
    if file.identityProblem(core.manifest.state, storeID: core.storeID) != nil { return true }
    guard let header = try? file.header() else { return false }
    guard header.segmentID == file.segmentID, header.salt == file.salt else { return false }
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    let start = UInt64(SegmentLayout.preambleByteCount)
    return FrameSearch(reader).nextIntact(after: start - 8, to: file.byteCount) < file.byteCount
  }

  // MARK: Producers

  /// The producers at the start of the last segment, from the one before it.
  private func inheritedProducers(of stream: ManifestState.Stream) throws(OpenError)
    -> ProducerTable
  {
    let index = stream.segments.count - 2
    guard index >= 0 else { return ProducerTable(limit: limits.producerCountLimit) }
    return try producers(atEndOf: index, of: stream)
  }

  /// The producers at the end of an ended segment: its seal block has them, otherwise its frames.
  private func producers(atEndOf index: Int, of stream: ManifestState.Stream) throws(OpenError)
    -> ProducerTable
  {
    let segment = stream.segments[index]
    guard let end = segment.end else { return ProducerTable(limit: limits.producerCountLimit) }
    guard let file = try fileIfSound(segment.definition) else {
      // A missing or damaged file is reported by reads and `verify`; appends can go on.
      return ProducerTable(limit: limits.producerCountLimit)
    }
    if end.reason == .sealed,
      let seal = SegmentEntry.seal(file, end: end.endPosition.rawValue, limits)
    {
      return ProducerTable(limit: limits.producerCountLimit, entries: seal.producers)
    }
    let before =
      index > 0
      ? try producers(atEndOf: index - 1, of: stream)
      : ProducerTable(limit: limits.producerCountLimit)
    var scan = SegmentScan(
      baseOffset: segment.baseOffset, baseAppendTime: segment.activation.baseAppendTime,
      provenPosition: end.endPosition.rawValue, producerLimit: limits.producerCountLimit)
    scan.producers = before
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    scan.walk(reader, to: min(end.endPosition.rawValue, file.byteCount))
    return scan.producers
  }

  // MARK: The writer

  private func openFile(
    _ definition: ManifestEdit.SegmentDefinition, access: SegmentFile.Access
  ) throws(OpenError) -> SegmentFile {
    let path = core.directory.segmentPath(streamID: streamID, segmentID: definition.segmentID)
    try definition.check(limits, opening: path)
    do throws(FileSystemError) {
      let directory = try core.directory.directory(ofStream: streamID)
      return try SegmentFile(
        opening: StoreDirectory.segmentName(definition.segmentID), in: directory, path: path,
        fileSystem: core.fileSystem, streamID: streamID, segmentID: definition.segmentID,
        salt: definition.salt, access: access, byteCountLimit: limits.segmentByteCountLimit)
    } catch {
      throw .fileSystem(error)
    }
  }

  /// The file of a segment, for reading; `nil` when it is missing or no segment. A file that cannot be
  /// looked at for any other reason may hold records, so that is an error.
  func fileIfSound(_ definition: ManifestEdit.SegmentDefinition) throws(OpenError)
    -> SegmentFile?
  {
    do throws(OpenError) { return try openFile(definition, access: .reading) } catch {
      if case .fileSystem(let cause) = error, cause.meansDamage { return nil }
      throw error
    }
  }

  private func apply(_ edits: [ManifestEdit]) throws(OpenError) {
    do throws(ManifestFailure) { try core.manifest.apply(edits, durably: true) } catch {
      throw error.openError
    }
  }

  /// Opens a prepared file, unless the bytes of a segment that counts were put in its place.
  private func openPrepared(
    _ prepared: ManifestEdit.SegmentDefinition, isMapped: Bool
  ) -> PreparedSegment? {
    guard let file = try? openFile(prepared, access: isMapped ? .mappedWriting : .writing),
      file.identityProblem(core.manifest.state, storeID: core.storeID) == nil
    else { return nil }
    return PreparedSegment(file: file, definition: prepared)
  }

  /// A prepared segment for a stream that has none to go on with.
  private func freshSegment(
    _ definition: ManifestEdit.StreamDefinition, producerCount: Int
  ) throws(OpenError) -> (first: PreparedSegment, others: [PreparedSegment]) {
    let isMapped = definition.durability != .disk
    // It begins with the table of the producers.
    let minimum = WriterState.leastByteCount(producerCount: producerCount)
    var ready: [PreparedSegment] = []
    for prepared in core.manifest.stream(streamID)?.prepared ?? [] {
      if let segment = openPrepared(prepared, isMapped: isMapped) { ready.append(segment) }
    }
    if let index = ready.firstIndex(where: { $0.file.byteCount >= minimum }) {
      return (ready.remove(at: index), ready)
    }
    let last = core.manifest.stream(streamID)?.segments.last?.definition.capacity
    let size = SegmentFactory.nextByteCount(after: last, minimum: minimum, definition)
    do throws(ManifestFailure) {
      return (try SegmentFactory.prepare(definition, byteCount: size, core: core), ready)
    } catch {
      throw error.openError
    }
  }

  private func makeLog(_ continuation: Continuation) throws(OpenError) -> StreamLog {
    guard let stream = core.manifest.stream(streamID) else { throw .streamNotFound(name: "") }
    // No real stream comes near the last offset; counting on from a forged one must not pass it.
    guard continuation.nextOffset.rawValue < Offset.maximum.rawValue - 1 << 48 else {
      throw .damaged(
        path: "\(core.directory.path)/\(StoreDirectory.manifestName)", position: 0,
        .damaged(.manifestEdit, .offset))
    }
    let definition = stream.definition
    let settings = WriterState.Settings(
      definition: definition, limits: limits, storeID: (core.storeID.high, core.storeID.low),
      bootHash: core.bootHash, epoch: core.shortEpoch,
      stagingByteCount: core.options.stagingByteCount,
      stagingBufferCount: core.options.stagingBufferCount,
      paddedGroupByteCount: core.options.paddedGroupByteCount)
    var state = try makeState(continuation, settings, stream)
    let segments = SegmentList(stream, directory: core.directory, limits: limits)
    // The writer uses it too: nobody may take it for a file without users.
    segments.adopt(state.segment)
    let lastGroup = try lastGroup(
      stream, active: continuation.segment.map { ($0.file, $0.scan.progress.integrityPosition) })
    state.provenGroup = lastGroup.map { ($0.segmentID, $0.nextOffset) }
    state.progress.integrityOffset = lastGroup?.nextOffset ?? .zero
    let isFresh = continuation.segment == nil && state.endedBefore == nil
    if isFresh, definition.durability != .disk {
      // Readers of a mapped segment must find it before the first record is visible.
      state.storeMappedHeader()
      let activation = state.activation()
      try apply([.segmentActivated(activation)])
      segments.append(activation, file: state.segment)
    }
    let values = WatermarkCell.Values(
      visible: continuation.nextOffset, durable: continuation.nextOffset, logStart: stream.logStart)
    let evidence = evidence(stream, after: lastGroup)
    let watermarks = Watermarks(
      values, evidenced: evidence == nil ? 0 : lastGroup?.nextOffset.rawValue ?? 0,
      cell: core.shared.cell(forStream: streamID, values))
    watermarks.cell.store(activeSegmentID: state.segment.segmentID)
    let log = StreamLog(
      core: core, definition: definition, watermarks: watermarks, state: state,
      segments: segments, recovery: report,
      evidence: evidence)
    if let (file, _, sequence, index) = continuation.segment {
      log.committing.withLock { committer in
        committer.slotSequence = sequence
        committer.slotIndex = index
        committer.slotSegmentID = file.segmentID
        committer.slotTime = core.time.monotonicNanoseconds()
        committer.slotPosition = log.durablePosition.load(ordering: .relaxed)
      }
    }
    return log
  }

  private func makeState(
    _ continuation: Continuation, _ settings: WriterState.Settings, _ stream: ManifestState.Stream
  ) throws(OpenError) -> WriterState {
    if let (file, scan, _, _) = continuation.segment {
      var state = WriterState(
        settings, file: file, continuing: scan, nextOffset: continuation.nextOffset)
      state.previousSegmentID = continuation.previousSegmentID
      state.successors = try successors(besides: file.segmentID, stream.definition)
      return state
    }
    do throws(OpenError) {
      let (first, others) = try freshSegment(
        stream.definition, producerCount: continuation.producers.count)
      var state = WriterState(
        settings, beginning: first.file, at: continuation.nextOffset,
        after: continuation.appendTime, producers: continuation.producers,
        previousSegmentID: continuation.previousSegmentID)
      state.successors = others
      return state
    } catch {
      // On a full disk the stream opens all the same, so that it can be read and made smaller; the
      // first append asks for the segment again.
      guard case .fileSystem(let cause) = error, cause.reason == .noSpace,
        let last = stream.segments.last, let end = last.end
      else { throw error }
      var scan = SegmentScan(
        baseOffset: end.nextOffset, baseAppendTime: end.lastAppendTime, provenPosition: 0,
        producerLimit: limits.producerCountLimit)
      scan.position = end.endPosition.rawValue
      scan.producers = continuation.producers
      var state = WriterState(
        settings, file: try openFile(last.definition, access: .writing), continuing: scan,
        nextOffset: end.nextOffset)
      state.endedBefore = end
      return state
    }
  }

  private func successors(
    besides segmentID: UInt64, _ definition: ManifestEdit.StreamDefinition
  ) throws(OpenError) -> [PreparedSegment] {
    var ready: [PreparedSegment] = []
    for prepared in core.manifest.stream(streamID)?.prepared ?? []
    where prepared.segmentID != segmentID {
      if let segment = openPrepared(prepared, isMapped: definition.durability != .disk) {
        ready.append(segment)
      }
    }
    return ready
  }
}

extension WriterState {
  /// The state of a segment that begins with the next append.
  init(
    _ settings: Settings, beginning file: SegmentFile, at offset: Offset, after time: Timestamp,
    producers: ProducerTable, previousSegmentID: UInt64
  ) {
    let start = UInt64(SegmentLayout.preambleByteCount)
    let progress = SegmentProgress(baseOffset: offset, baseAppendTime: time)
    self.init(
      settings, file: file, position: start, nextOffset: offset, progress: progress,
      producers: producers, commitSequence: 0)
    self.previousSegmentID = previousSegmentID
  }

  /// The state of a segment that goes on where recovery found its end.
  init(_ settings: Settings, file: SegmentFile, continuing scan: SegmentScan, nextOffset: Offset) {
    self.init(
      settings, file: file, position: scan.position, nextOffset: nextOffset,
      progress: scan.progress, producers: scan.producers, commitSequence: scan.commitSequence)
  }

  private init(
    _ settings: Settings, file: SegmentFile, position: UInt64, nextOffset: Offset,
    progress: SegmentProgress, producers: ProducerTable, commitSequence: UInt64
  ) {
    self.settings = settings
    segment = file
    salt = file.salt
    self.position = position
    self.nextOffset = nextOffset
    self.progress = progress
    self.producers = producers
    groupPosition = position
    self.commitSequence = commitSequence
    proven = SegmentMark(
      segmentID: file.segmentID, position: position, nextOffset: nextOffset,
      appendTime: progress.lastAppendTime, indexFramePosition: progress.indexFramePosition,
      integrityPosition: progress.integrityPosition, statePosition: progress.statePosition,
      commitSequence: commitSequence,
      statistics: progress.statistics)
    // Safety: only the number is kept; the segment lives while it is the sink.
    if settings.isMapped { sinkOrigin = unsafe UInt(bitPattern: file.base) }
  }
}
