internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The manifest read back: the fold over its edits and where it ends.
struct ManifestReplay {
  let segmentID: UInt64
  let salt: UInt64
  let path: String
  let copies: ManifestCopies
  var fold = ManifestState()
  var scan: SegmentScan
  /// The bytes of both copies put together, where one alone does not do.
  var image: [UInt8]?
  var wasClean: Bool
  var slotSequence: UInt64
  /// Highest writer epoch a slot or commit frame names.
  var epoch: UInt64
  var lastTime = Timestamp(rawValue: .min)
  /// Places that were not intact although they had been durable.
  var repairs: [StoreRepair] = []
  /// Two segments that the manifest has claim the same offsets.
  private var contradiction: OpenError?
  private let directory: StoreDirectory

  /// Reads the manifest segment that a superblock names, from whichever of its copies is intact.
  static func read(_ directory: StoreDirectory, _ superblock: SuperBlock, _ limits: FormatLimits)
    throws(OpenError) -> ManifestReplay
  {
    let copies: ManifestCopies
    do throws(FileSystemError) {
      copies = try ManifestCopies(
        opening: superblock.manifestSegmentID, salt: superblock.manifestSalt, in: directory,
        byteCountLimit: limits.segmentByteCountLimit)
    } catch {
      throw .fileSystem(error)
    }
    return try read(directory, copies, superblock, limits)
  }

  private static func read(
    _ directory: StoreDirectory, _ copies: ManifestCopies, _ superblock: SuperBlock,
    _ limits: FormatLimits
  ) throws(OpenError) -> ManifestReplay {
    let limits = limits.forManifest
    let header: SegmentHeader?
    do throws(FormatError) { header = try copies.header() } catch {
      throw .newer(path: copies.path, error)
    }
    let slot = copies.newestSlot
    var replay = ManifestReplay(
      segmentID: superblock.manifestSegmentID, salt: superblock.manifestSalt, path: copies.path,
      copies: copies, scan: start(header, slot), wasClean: slot?.flags.contains(.clean) ?? false,
      slotSequence: slot?.sequence ?? 0, epoch: UInt64(slot?.epoch ?? 0), directory: directory)
    if let main = copies.main {
      replay.scan.walk(FrameReader(main.bytes, salt: main.salt, limits: limits), to: main.byteCount)
    }
    let proven = slot?.durablePosition.rawValue ?? 0
    let isWhole =
      copies.main != nil && replay.scan.damaged.isEmpty && replay.scan.position >= proven
      && !copies.mirrorGoesOn(at: replay.scan.position, limits)
    if !isWhole {
      var found: [(at: UInt64, cause: FormatError)] = []
      let image = copies.merged(limits, repairs: &found)
      replay.image = image
      replay.scan = start(header, slot)
      replay.scan.walk(
        FrameReader(image.rawSpan, salt: replay.salt, limits: limits), to: UInt64(image.count))
      // A copy that lags behind what was synced is no damage.
      for place in found where place.at < max(proven, replay.scan.provenPosition) {
        replay.repairs.append(
          StoreRepair(
            path: copies.path, position: FilePosition(rawValue: place.at), cause: place.cause))
      }
    }
    try replay.finish(proven: proven, limits)
    return replay
  }

  /// A walk from the first frame.
  private static func start(_ header: SegmentHeader?, _ slot: RecoverySlot?) -> SegmentScan {
    var scan = SegmentScan(
      baseOffset: header?.baseOffset ?? .zero, baseAppendTime: Timestamp(rawValue: .min),
      provenPosition: slot?.durablePosition.rawValue ?? UInt64(SegmentLayout.preambleByteCount),
      producerLimit: 0)
    if header == nil { scan.nextOffset = nil }
    return scan
  }

  private mutating func finish(proven: UInt64, _ limits: FormatLimits) throws(OpenError) {
    if let problem = scan.problem, case .newer = problem {
      throw .newer(path: path, problem)
    }
    if let damage = scan.damaged.first {
      throw .damaged(path: path, position: damage.from, damage.cause)
    }
    guard scan.position >= proven else {
      throw .damaged(
        path: path, position: scan.position,
        scan.problem ?? .truncated(.frame, needed: proven, available: scan.position))
    }
    if let image {
      try apply(FrameReader(image.rawSpan, salt: salt, limits: limits))
    } else if let main = copies.main {
      try apply(FrameReader(main.bytes, salt: salt, limits: limits))
    }
    lastTime = scan.progress.lastAppendTime
  }

  /// Folds the edits up to the end of the walk.
  private mutating func apply(_ reader: FrameReader) throws(OpenError) {
    var position = UInt64(SegmentLayout.preambleByteCount)
    var isWhole = false
    while position < scan.position {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: false)
        if frame.head.kind == .batch {
          isWhole = try applyBatch(frame, reader.limits) || isWhole
        } else if frame.head.kind == .commit {
          epoch = max(epoch, UInt64(try CommitFrame(frame.bytes, at: position).epoch))
        }
        position = frame.end
      } catch {
        if case .newer = error { throw .newer(path: path, error) }
        if let contradiction { throw contradiction }
        throw .damaged(path: path, position: position, error)
      }
    }
    guard isWhole else {
      throw .damaged(
        path: path, position: position, scan.problem ?? .damaged(.manifestEdit, .empty))
    }
  }

  /// Folds the edits of one frame; answers whether a snapshot ended in it.
  private mutating func applyBatch(_ frame: borrowing Frame, _ limits: FormatLimits)
    throws(FormatError) -> Bool
  {
    let batch = try BatchView(frame.bytes, frameHead: frame.head, place: nil, limits: limits)
    var isWhole = false
    for index in 0..<batch.count {
      guard let edit = try ManifestEdit.decoded(try batch.record(at: index).value) else {
        continue
      }
      if case .snapshotEnd = edit { isWhole = true }
      do throws(ManifestState.Contradiction) { try fold.apply(edit) } catch {
        if case .segmentActivated(let activation) = error.edit, let other = error.otherSegmentID {
          contradiction = .segmentsContradict(
            path: pathOf(activation.streamID, activation.segmentID),
            otherPath: pathOf(activation.streamID, other))
        }
        throw FormatError.damaged(.manifestEdit, .identity)
      }
    }
    return isWhole
  }

  private func pathOf(_ streamID: UInt64, _ segmentID: UInt64) -> String {
    directory.segmentPath(streamID: streamID, segmentID: segmentID)
  }

  // MARK: Going on

  /// The manifest, open for writing behind its last intact frame: in its two files when both are
  /// whole, otherwise in fresh ones.
  func makeLog(
    _ directory: StoreDirectory, _ superblock: SuperBlock, _ options: StoreOptions,
    _ environment: StoreEnvironment
  ) throws(OpenError) -> ManifestLog {
    do throws(FileSystemError) {
      let log: ManifestLog
      if image == nil, canBeRewritten || copies.agree(upTo: scan.position) {
        log = try makeContinuedLog(directory, superblock, options, environment)
      } else {
        log = try ManifestLog.fresh(
          self, directory, superblock, options: options, environment: environment)
      }
      // The clean mark goes, durably, before the first change.
      try log.writeSlot(clean: false)
      return log
    } catch {
      throw .fileSystem(error)
    }
  }

  /// Whether the copies differ only as a cut of the power can have left them.
  private var canBeRewritten: Bool {
    guard !wasClean, let main = copies.main, let mirror = copies.mirror else { return false }
    return main.byteCount == mirror.byteCount && ManifestCopies.hasBothHeaders(main)
  }

  private func makeContinuedLog(
    _ directory: StoreDirectory, _ superblock: SuperBlock, _ options: StoreOptions,
    _ environment: StoreEnvironment
  ) throws(FileSystemError) -> ManifestLog {
    let files = try ManifestFiles(
      opening: segmentID, salt: salt, in: directory,
      byteCountLimit: options.limits.segmentByteCountLimit)
    if !wasClean { try rewrite(files, environment) }
    let inner = ManifestLog.Inner(
      fold: fold, superblock: superblock, files: files, position: scan.position,
      nextOffset: scan.nextOffset ?? .zero, commitSequence: scan.commitSequence,
      durablePosition: scan.position, slotSequence: slotSequence, lastTime: lastTime, failure: nil)
    return ManifestLog(
      directory: directory, options: options, environment: environment, inner: inner)
  }

  /// What the page cache shows proves nothing: it is written again, to both files, before it is
  /// believed.
  private func rewrite(_ files: ManifestFiles, _ environment: StoreEnvironment)
    throws(FileSystemError)
  {
    var position: UInt64 = 0
    while position < scan.position {
      let count = Int(min(1 << 20, scan.position - position))
      let bytes = files.main.bytes.extracting(Int(position)..<(Int(position) + count)).copyBytes()
      try files.write(bytes, at: position)
      position += UInt64(count)
    }
    if environment.faults.invalidatesTail {
      for file in [files.main, files.mirror] {
        let rest = file.bytes.extracting(Int(scan.position)..<Int(file.byteCount))
        if rest.isAllZero { continue }
        try file.write([UInt8](repeating: 0, count: rest.byteCount), at: scan.position)
      }
    }
    try files.synchronize()
  }
}
