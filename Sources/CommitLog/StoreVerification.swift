internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Looks at every byte of a store that means something. Takes no lock, writes nothing, and may run
/// while a writer is at work: it judges what is durable and visible when it gets there.
public struct StoreVerification {
  let store: StoreReader
  private var report = VerificationReport()
  private var doneByteCount: UInt64 = 0
  private var totalByteCount: UInt64 = 0

  private init(_ store: StoreReader) { self.store = store }

  /// Verifies a store.
  ///
  /// - Parameters:
  ///   - path: The store's directory.
  ///   - options: Limits of what is accepted.
  ///   - environment: Where the files are.
  ///   - progress: Called now and then with the bytes looked at and those to be looked at; returning
  ///     false ends the verification.
  /// - Returns: The report; damage is in it, never thrown.
  /// - Throws: ``OpenError``: `.notAStore`, `.newer`, `.fileSystem` for anything that kept bytes from
  ///   being read but damage.
  public static func run(
    at path: String, options: StoreOptions = StoreOptions(),
    environment: StoreEnvironment = .machine(),
    progress: (_ done: UInt64, _ total: UInt64) -> Bool = { _, _ in true }
  ) throws(OpenError) -> VerificationReport {
    let store: StoreReader
    do throws(OpenError) {
      store = try openPatiently(path, options, environment)
    } catch {
      // Without root or manifest nobody knows what else belongs to the store.
      var report = VerificationReport()
      report.findings.append(try finding(for: error))
      return report
    }
    var verification = StoreVerification(store)
    do throws(OpenError) { try verification.run(progress) } catch {
      verification.report.findings.append(try finding(for: error))
    }
    return verification.report
  }

  /// Damage that kept the rest from being looked at, as a finding; throws every other error on.
  private static func finding(for error: OpenError) throws(OpenError) -> VerificationFinding {
    guard case .damaged(let file, let position, let cause) = error else { throw error }
    return VerificationFinding(
      stream: nil, segmentID: nil, path: file, from: FilePosition(rawValue: position),
      to: FilePosition(rawValue: position), firstOffset: .zero, nextOffset: .zero,
      problem: "\(cause); nothing behind it could be looked at")
  }

  /// The manifest may be written while it is read; what is really damaged stays so.
  private static func openPatiently(
    _ path: String, _ options: StoreOptions, _ environment: StoreEnvironment
  ) throws(OpenError) -> StoreReader {
    var attempts = 0
    while true {
      attempts += 1
      do throws(OpenError) {
        return try StoreReader.open(at: path, options: options, environment: environment)
      } catch {
        guard case .damaged = error, attempts < 3 else { throw error }
      }
    }
  }

  private mutating func run(_ progress: (UInt64, UInt64) -> Bool) throws(OpenError) {
    verifySuperblock()
    let state = store.manifest
    try verifyManifest(progress)
    var streams = state.streams.values.sorted { $0.definition.streamID < $1.definition.streamID }
    for index in streams.indices
    where store.liveVisible(ofStream: streams[index].definition.streamID) == nil {
      streams[index] = asRecoveryFinds(streams[index])
    }
    for stream in streams { totalByteCount &+= Self.expectedByteCount(of: stream) }
    for stream in streams where report.isComplete { try verify(stream, progress) }
    noteUnknownFiles(state)
  }

  /// A stream with the segments a killed writer had gone on to.
  private func asRecoveryFinds(_ stream: ManifestState.Stream) -> ManifestState.Stream {
    // What cannot be looked at is found again, and said, when its segment is verified.
    (try? RemoteStream(store.files, stream).withSuccessors(stream)) ?? stream
  }

  private static func expectedByteCount(of stream: ManifestState.Stream) -> UInt64 {
    // Only for the progress: a hostile manifest may say anything.
    stream.segments.reduce(0) { $0 &+ ($1.end?.endPosition.rawValue ?? $1.definition.capacity) }
  }

  // MARK: Root

  /// Looks at both copies of the superblock.
  private mutating func verifySuperblock() {
    var problems: [(position: UInt64, cause: FormatError)] = []
    for _ in 0..<3 {
      // A writer may be replacing one of them.
      problems = SuperBlockFile.problems(in: store.directory)
      if problems.isEmpty { return }
    }
    for problem in problems {
      add(
        path: "\(store.directory.path)/\(StoreDirectory.superblockName)", from: problem.position,
        to: problem.position + UInt64(SuperBlock.byteCount), "\(problem.cause)")
    }
  }

  /// Looks at the manifest's own segment; that its edits fold was shown by opening the store.
  private mutating func verifyManifest(_ progress: (UInt64, UInt64) -> Bool) throws(OpenError) {
    var found: [VerificationFinding] = []
    for _ in 0..<3 {
      let superblock = try SuperBlockFile.read(in: store.directory, store.options.limits).superblock
      let replay = try ManifestReplay.read(store.directory, superblock, store.options.limits)
      found = []
      // Both copies are looked at: the store opens with one, but then it has no second any more.
      let id = superblock.manifestSegmentID
      found += verify(replay.copies.main, StoreDirectory.segmentName(id), replay)
      found += verify(replay.copies.mirror, StoreDirectory.mirrorName(id), replay)
      if found.isEmpty || !store.hasWriter {
        report.segmentCount += 1
        report.byteCount += replay.scan.position
        break
      }
    }
    report.findings += found
  }

  /// Looks at one copy of the manifest's segment, as far as it was proven durable.
  private func verify(_ file: SegmentFile?, _ name: String, _ replay: ManifestReplay)
    -> [VerificationFinding]
  {
    let limits = store.options.limits.forManifest
    func finding(_ from: UInt64, _ to: UInt64, _ problem: String) -> VerificationFinding {
      VerificationFinding(
        stream: nil, segmentID: replay.segmentID,
        path: "\(store.directory.path)/\(StoreDirectory.manifestName)/\(name)",
        from: FilePosition(rawValue: from), to: FilePosition(rawValue: to), firstOffset: .zero,
        nextOffset: .zero, problem: problem)
    }
    guard let file else {
      return [
        finding(0, replay.scan.position, "this copy of the manifest is missing or no segment")
      ]
    }
    var check = SegmentVerification(
      file: file, stream: nil, limits: limits, baseOffset: replay.scan.progress.baseOffset,
      baseAppendTime: Timestamp(rawValue: .min))
    check.verifyPreamble(
      of: SegmentVerification.Identity(streamID: 0), isSettled: !store.hasWriter)
    // A copy may lag behind what was synced; only that far it must be whole.
    let proven = max(
      replay.copies.newestSlot?.durablePosition.rawValue ?? 0, replay.scan.provenPosition)
    check.scan.provenPosition = proven
    check.walk(to: min(replay.scan.position, file.byteCount), before: Offset.maximum) { _ in true }
    let isWhole = check.scan.position >= min(proven, replay.scan.position)
    let rest =
      isWhole
      ? [] : [finding(check.scan.position, proven, "its frames end before what was durable")]
    return check.findings + rest
  }

  // MARK: Streams

  private mutating func verify(
    _ stream: ManifestState.Stream, _ progress: (UInt64, UInt64) -> Bool
  ) throws(OpenError) {
    report.streamCount += 1
    verifyChain(stream)
    var producers: ProducerTable? = ProducerTable(limit: store.options.limits.producerCountLimit)
    // What a living writer adds meanwhile is not run after.
    let visible = store.liveVisible(ofStream: stream.definition.streamID) ?? .max
    var segments = stream.segments[...]
    var isFirst = true
    while let segment = segments.popFirst(), report.isComplete {
      if isFirst, segment.activation.previousSegmentID != 0 { producers = nil }
      isFirst = false
      let outcome: SegmentOutcome
      if segment.end == nil {
        outcome = try verifyActive(segment, of: stream, producers, progress)
        segments += outcome.successors.filter { $0.baseOffset.rawValue < visible }
      } else {
        outcome = try verify(segment, of: stream, visible: nil, producers, progress)
      }
      producers = outcome.producers
      report.findings += outcome.findings
      report.notes += outcome.notes
      report.recordCount += outcome.recordCount
      report.byteCount += outcome.byteCount
      doneByteCount &+= segment.end?.endPosition.rawValue ?? segment.definition.capacity
      report.segmentCount += 1
    }
    if report.isComplete { try verifyEvidence(stream, visible: visible) }
  }

  /// Makes the groups of chain and tree again.
  private mutating func verifyEvidence(_ stream: ManifestState.Stream, visible: UInt64)
    throws(OpenError)
  {
    guard
      var walk = EvidenceWalk(
        stream.definition, store.options.limits,
        redactions: (try? store.redactions(ofStream: stream.definition.streamID)) ?? [])
    else { return }
    var last: SegmentEntry?
    for segment in stream.segments where walk.check.problem == nil {
      let entry = SegmentEntry(
        segment, file: nil, directory: store.directory, limits: store.options.limits)
      // What is missing was reported above.
      guard let file = try? entry.file() else { continue }
      walk.enter(baseOffset: segment.baseOffset.rawValue, logStart: stream.logStart)
      walk.walk(file, to: segment.end?.endPosition.rawValue ?? .max, visible: visible)
      last = entry
    }
    report.groupCount += walk.check.verifiedCount
    report.unverifiableGroupCount += walk.check.unverifiableCount
    guard let problem = walk.check.problem, let last else { return }
    add(
      stream: stream.definition.name, segmentID: last.id, path: last.path, from: 0, to: 0,
      "chain and tree: \(problem)")
  }

  /// The segments must continue each other without a gap.
  private mutating func verifyChain(_ stream: ManifestState.Stream) {
    for (index, segment) in stream.segments.enumerated() {
      let path = store.directory.segmentPath(
        streamID: stream.definition.streamID, segmentID: segment.id)
      func report(_ problem: String, first: Offset, next: Offset) {
        add(
          stream: stream.definition.name, segmentID: segment.id, path: path, from: 0, to: 0,
          first: first, next: next, problem)
      }
      if index > 0 {
        let before = stream.segments[index - 1]
        // A segment whose place was taken had a lower number than the one that took it.
        if segment.activation.previousSegmentID > before.id
          || segment.activation.previousSegmentID == 0
        {
          report(
            "the manifest says it follows segment \(segment.activation.previousSegmentID), but "
              + "segment \(before.id) stands before it", first: .zero, next: .zero)
        }
        guard let end = before.end else {
          report("the segment before it has no end", first: .zero, next: .zero)
          continue
        }
        if end.nextOffset != segment.baseOffset {
          report(
            "it begins at offset \(segment.baseOffset), the segment before it ends at "
              + "\(end.nextOffset)", first: end.nextOffset,
            next: max(end.nextOffset, segment.baseOffset))
        }
      } else if stream.logStart < segment.baseOffset {
        report(
          "the log starts at offset \(stream.logStart), its first segment at "
            + "\(segment.baseOffset)", first: stream.logStart, next: segment.baseOffset)
      }
    }
  }

  /// A segment that may be written right now: what looks wrong is looked at again before it is said.
  private mutating func verifyActive(
    _ segment: ManifestState.Segment, of stream: ManifestState.Stream,
    _ producers: ProducerTable?, _ progress: (UInt64, UInt64) -> Bool
  ) throws(OpenError) -> SegmentOutcome {
    var attempts = 0
    while true {
      attempts += 1
      let visible = store.liveVisible(ofStream: stream.definition.streamID)
      let outcome = try verify(segment, of: stream, visible: visible, producers, progress)
      if outcome.findings.isEmpty || attempts == 3 { return outcome }
      let isLive = visible != nil || store.hasWriter
      guard isLive else { return outcome }
      // It may have been ended, or removed, meanwhile; the files say so before the manifest does.
      let state = try store.refreshManifest()
      guard let now = state.streams[stream.definition.streamID].map(asRecoveryFinds),
        let index = now.segments.firstIndex(where: { $0.id == segment.id })
      else { return SegmentOutcome(producers: nil) }
      if now.segments[index].end != nil {
        var outcome = try verify(
          now.segments[index], of: stream, visible: nil, producers, progress)
        outcome.successors = Array(now.segments[(index + 1)...])
        return outcome
      }
    }
  }

  /// What the look at one segment came to.
  struct SegmentOutcome {
    var findings: [VerificationFinding] = []
    var notes: [String] = []
    var recordCount: UInt64 = 0
    var byteCount: UInt64 = 0
    /// The producers at its end; `nil` when they cannot be known.
    var producers: ProducerTable?
    /// Segments the writer had gone on to when the look was over.
    var successors: [ManifestState.Segment] = []
  }

  private mutating func verify(
    _ segment: ManifestState.Segment, of stream: ManifestState.Stream, visible: UInt64?,
    _ producers: ProducerTable?, _ progress: (UInt64, UInt64) -> Bool
  ) throws(OpenError) -> SegmentOutcome {
    let entry = SegmentEntry(
      segment, file: nil, directory: store.directory, limits: store.options.limits)
    let file: SegmentFile
    do throws(ReadError) { file = try entry.file() } catch {
      return try missing(segment, of: stream, entry.path, error)
    }
    var check = SegmentVerification(
      file: file, stream: stream.definition.name, limits: store.options.limits,
      baseOffset: segment.baseOffset, baseAppendTime: segment.activation.baseAppendTime)
    var outcome = SegmentOutcome()
    let done = doneByteCount
    let total = totalByteCount
    let goesOn = check.run(
      segment, of: stream, visible: visible, producers: producers
    ) { position in progress(done &+ position, total) }
    if !goesOn { report.isComplete = false }
    outcome.findings = check.findings
    outcome.notes = check.notes
    outcome.recordCount = check.scan.progress.statistics.recordCount
    outcome.byteCount = check.scan.position
    outcome.producers = producers == nil ? nil : check.scan.producers
    return outcome
  }

  /// A segment whose file cannot be used: gone, cut short or replaced is damage, anything else is
  /// the machine's trouble.
  private func missing(
    _ segment: ManifestState.Segment, of stream: ManifestState.Stream, _ path: String,
    _ error: ReadError
  ) throws(OpenError) -> SegmentOutcome {
    if case .open(let refusal) = error { throw refusal }
    guard case .fileSystem(let cause) = error else { return SegmentOutcome(producers: nil) }
    switch cause.reason {
    case .notFound, .notARegularFile, .notADirectory, .unexpectedEnd: break
    default: throw .fileSystem(cause)
    }
    // A writer may have removed it since the manifest was read.
    let state = try store.refreshManifest()
    let isKnown =
      state.streams[stream.definition.streamID]?.segments.contains { $0.id == segment.id } ?? false
    guard isKnown else { return SegmentOutcome(producers: nil) }
    var outcome = SegmentOutcome()
    outcome.findings.append(
      VerificationFinding(
        stream: stream.definition.name, segmentID: segment.id, path: path,
        from: FilePosition(rawValue: 0),
        to: segment.lastKnown?.position ?? FilePosition(rawValue: 0),
        firstOffset: segment.baseOffset,
        nextOffset: max(segment.baseOffset, segment.lastKnown?.nextOffset ?? .zero),
        problem: "\(cause.reason.explanation)"))
    return outcome
  }

  // MARK: Files nobody knows

  /// Names files in the directories of streams that the manifest does not know.
  private mutating func noteUnknownFiles(_ state: ManifestState) {
    let fileSystem = store.directory.fileSystem
    for stream in state.streams.values {
      let id = stream.definition.streamID
      guard let directory = try? store.directory.directory(ofStream: id),
        let entries = try? fileSystem.entries(of: directory)
      else { continue }
      var known = Set(stream.segments.map { StoreDirectory.segmentName($0.id) })
      known.formUnion(stream.prepared.map { StoreDirectory.segmentName($0.segmentID) })
      known.formUnion(state.intents.keys.map { StoreDirectory.segmentName($0) })
      for entry in entries where !known.contains(entry.name) && !store.hasWriter {
        let folder = StoreDirectory.streamDirectoryName(id)
        report.notes.append(
          "the manifest does not know '\(escapedForTerminal("\(folder)/\(entry.name)"))'")
      }
    }
  }

  private mutating func add(
    stream: String? = nil, segmentID: UInt64? = nil, path: String, from: UInt64, to: UInt64,
    first: Offset = .zero, next: Offset = .zero, _ problem: String
  ) {
    report.findings.append(
      VerificationFinding(
        stream: stream, segmentID: segmentID, path: path, from: FilePosition(rawValue: from),
        to: FilePosition(rawValue: to), firstOffset: first, nextOffset: next, problem: problem))
  }
}

extension StoreReader {
  /// First offset a living writer does not show yet; `nil` where no writer tells.
  func liveVisible(ofStream streamID: UInt64) -> UInt64? {
    guard hasWriter else { return nil }
    return shared?.findCell(forStream: streamID)?.visible
  }
}

extension SuperBlockFile {
  /// The copies that are neither intact nor still unwritten.
  static func problems(in directory: StoreDirectory) -> [(position: UInt64, cause: FormatError)] {
    let system = directory.fileSystem
    guard
      let handle = try? system.open(StoreDirectory.superblockName, in: directory.root, .readOnly)
    else { return [(0, .damaged(.superblock, .empty))] }
    defer { system.close(handle) }
    var bytes = (try? system.read(handle, byteCount: SuperBlock.fileByteCount, at: 0)) ?? []
    bytes += [UInt8](repeating: 0, count: SuperBlock.fileByteCount - bytes.count)
    var problems: [(position: UInt64, cause: FormatError)] = []
    var newest: UInt64 = 0
    for position in SuperBlock.positions {
      let start = Int(position)
      let sector = bytes.rawSpan.extracting(start..<(start + SuperBlock.byteCount))
      do throws(FormatError) {
        newest = max(newest, try SuperBlock(sector, at: position).generation)
      } catch {
        problems.append((position, error))
      }
      let page = SuperBlock.fileByteCount / SuperBlock.positions.count
      let rest = (start + SuperBlock.byteCount)..<(start + page)
      if !bytes.rawSpan.extracting(rest).isAllZero {
        problems.append((UInt64(rest.lowerBound), .damaged(.superblock, .reserved)))
      }
    }
    // The second copy is first written by the first opening.
    return problems.filter { newest != 1 || $0.cause != .damaged(.superblock, .empty) }
  }
}
