internal import ByteCoding
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The audit of one segment file alone: what it says of itself, and the groups that begin in it.
enum SegmentFileAudit {
  /// Bytes at the end of a file among which the trailer is looked for, when both headers are lost.
  private static let trailerByteCount = 4 << 20

  /// What the file says it is.
  private struct Identity {
    var storeID = ""
    var streamID: UInt64
    var segment: PlannedSegment
  }

  static func run(
    _ options: AuditOptions, _ fileSystem: any FileSystem, _ progress: @escaping Audit.Progress
  ) throws(AuditError) -> AuditOutcome {
    let (folderPath, name) = split(options.path)
    let folder: AuditedFolder
    let file: AuditedFile
    var search = BitSearch()
    let identity: Identity?
    do throws(FileSystemError) {
      folder = try AuditedFolder(folderPath, fileSystem)
      file = try folder.open(name)
      identity = try identify(file, name, &search)
    } catch {
      throw error.isAboutTheFile ? .notAStore(path: options.path) : .fileSystem(error)
    }
    guard let identity else { throw .notAStore(path: options.path) }
    var report = AuditReport(path: options.path, storeID: identity.storeID)
    let walk = try walk(identity, file, folder, options, search, progress)
    report.streams = [walk.coverage]
    report.findings = walk.findings
    report.unchecked = walk.unchecked
    report.unchecked.append(
      Unchecked(
        .store,
        "one file alone was audited: not what the store's manifest, its other segments and its "
          + "statements say, nor whether the file is the newest"))
    if identity.segment.baseOffset > 0 {
      report.unchecked.append(
        Unchecked(
          .removed,
          "what chain and tree were before offset \(identity.segment.baseOffset) is what the file's first "
            + "group claims"))
    }
    let wasAskedFor = !options.checkpoints.isEmpty || options.earlier != nil
    report.unchecked.append(
      Unchecked(
        .checkpoint, wasAskedFor: wasAskedFor,
        "checkpoints and earlier audits are of whole stores; audit the store's folder"))
    if options.sealPlan != nil {
      report.unchecked.append(
        Unchecked(
          .seals, wasAskedFor: true, "seals are of whole stores; audit the store's folder"))
    }
    return AuditOutcome(report: report, state: nil)
  }

  private static func split(_ path: String) -> (folder: String, name: String) {
    var rest = path[...]
    while rest.count > 1, rest.hasSuffix("/") { rest.removeLast() }
    guard let slash = rest.lastIndex(of: "/") else { return (".", String(rest)) }
    let folder = slash == rest.startIndex ? "/" : String(rest[..<slash])
    return (folder, String(rest[rest.index(after: slash)...]))
  }

  private static func identify(_ file: AuditedFile, _ name: String, _ search: inout BitSearch)
    throws(FileSystemError) -> Identity?
  {
    let preamble = try SegmentPreamble(file, salt: nil, &search)
    if let header = preamble.headers.first {
      var segment = PlannedSegment(
        segmentID: header.segmentID, salt: header.salt, baseOffset: header.baseOffset.rawValue,
        previousSegmentID: header.previousSegmentID, capacity: header.capacity, fileName: name)
      segment.endPosition = preamble.ownEnd?.durablePosition.rawValue
      if let slot = preamble.newestSlot {
        segment.provenPosition = max(segment.provenPosition, slot.durablePosition.rawValue)
      }
      return Identity(
        storeID: Hexadecimal.text(header.storeID.bytes), streamID: header.streamID,
        segment: segment)
    }
    // The last resort: what stands at the end of a sealed segment.
    let count = min(Self.trailerByteCount, Int(clamping: file.byteCount))
    let start = (file.byteCount - UInt64(count)) & ~7
    let bytes = try file.bytes(count, at: start)
    var place = (bytes.count & ~7) - SealTrailer.byteCount
    while place >= 0 {
      defer { place -= 8 }
      guard bytes.rawSpan.littleEndianUnsigned64(at: place) == SealTrailer.magic,
        let part = bytes.rawSpan.bytes(at: place, count: SealTrailer.byteCount),
        let trailer = try? SealTrailer(part)
      else { continue }
      let end = start + UInt64(place + SealTrailer.byteCount)
      var segment = PlannedSegment(
        segmentID: trailer.segmentID, salt: trailer.salt, baseOffset: 0, previousSegmentID: 0,
        capacity: 0, fileName: name, endPosition: end)
      guard let base = baseOffset(file, trailer) else { continue }
      (segment.baseOffset, segment.previousSegmentID) = base
      return Identity(streamID: 0, segment: segment)
    }
    return nil
  }

  private static func baseOffset(_ file: AuditedFile, _ trailer: SealTrailer) -> (UInt64, UInt64)? {
    let position = trailer.blockPosition.rawValue
    guard Int(trailer.blockByteCount) <= FrameCheck.frameByteCountLimit,
      let bytes = try? file.bytes(Int(trailer.blockByteCount), at: position)
    else { return nil }
    let check = FrameCheck(
      bytes.rawSpan, start: position, salt: trailer.salt, limit: file.byteCount)
    guard case .intact(let head) = check.frame(at: 0), head.kind == .seal,
      let block = try? SealBlock(bytes.rawSpan, at: position, limits: FormatLimits())
    else { return nil }
    return (block.baseOffset.rawValue, block.previousSegmentID)
  }

  // MARK: Walk

  private static func walk(
    _ identity: Identity, _ file: AuditedFile, _ folder: AuditedFolder, _ options: AuditOptions,
    _ search: BitSearch, _ progress: @escaping Audit.Progress
  ) throws(AuditError) -> StreamWalk {
    let group = firstGroup(identity.segment, file)
    let definition = ManifestEdit.StreamDefinition(
      streamID: identity.streamID, name: "", durability: .disk, maxDelayNanoseconds: 0,
      maxByteCount: 0, firstSegmentByteCount: 0, segmentByteCount: 0, rollRecordCount: 0,
      rollNanoseconds: 0, maximumReaderLag: 0, evidence: group?.evidence ?? .none)
    let coverage = EvidenceCoverage(rawValue: definition.evidence.rawValue)
    let judge = coverage.map {
      EvidenceJudge(
        definition, $0, StreamStatements(), firstOffset: identity.segment.baseOffset, earlier: nil,
        wantedSizes: [], wantsValues: false)
    }
    let done = StoreAudit.DoneCount()
    let total = file.byteCount
    var walk = StreamWalk(
      StoreMap.Stream(definition: definition), limits: options.limits, judge: judge, search: search,
      progress: { more in
        let now = done.count.withLock { count in
          count.done &+= more
          return count.done
        }
        return progress(min(now, total), total)
      }, successor: { _ in nil })
    walk.isAlone = true
    walk.coverage.firstOffset = identity.segment.baseOffset
    var task = ChunkWalk.Task()
    (task.leavesFrom, task.limits) = (judge?.leavesFrom, options.limits)
    task.makesBlocks = coverage != nil
    let source = ChunkSource(
      [identity.segment], task: task, chunkByteCount: options.chunkByteCount,
      { (name) throws(FileSystemError) in try folder.open(name) })
    let workers = options.workerCount > 0 ? options.workerCount : AuditWorkers.count
    walk = AuditPipeline.run(source, walk, workerCount: min(workers, AuditWorkers.limit))
    if walk.isCancelled { throw .cancelled }
    if let failure = walk.failure { throw .fileSystem(failure) }
    walk.conclude([identity.segment], folder)
    return walk
  }

  /// The first group in the file; `nil` when there is none.
  private static func firstGroup(_ segment: PlannedSegment, _ file: AuditedFile) -> IntegrityFrame?
  {
    var start = UInt64(SegmentLayout.preambleByteCount)
    let limit = min(segment.endPosition ?? file.byteCount, file.byteCount)
    var buffer: [UInt8] = []
    while start < limit, let count = try? file.read(1 << 20, into: &buffer, at: start), count > 16 {
      let bytes = buffer.rawSpan.extracting(0..<count)
      let check = FrameCheck(bytes, start: start, salt: segment.salt, limit: limit)
      var place = 0
      var budget = 64 << 20
      while place < count {
        guard let head = FrameHead(bytes, at: place) else { break }
        if head.kind == .integrity, case .intact = check.frame(at: place),
          let frame = bytes.bytes(at: place, count: Int(head.length))
        {
          return try? IntegrityFrame(frame)
        }
        if head.length < UInt32(FrameHead.byteCount) {
          guard let next = check.nextIntact(after: place, budget: &budget) else { break }
          place = next
        } else {
          place += head.alignedByteCount
        }
      }
      guard place > 0 else { return nil }
      start += UInt64(place)
    }
    return nil
  }
}
