internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The manifest read back: the fold over its edits and where it ends.
struct ManifestReplay {
  var fold = ManifestState()
  var file: SegmentFile
  var scan: SegmentScan
  var wasClean: Bool
  var slotSequence: UInt64
  var lastTime = Timestamp(rawValue: .min)

  /// Reads the manifest segment that a superblock names.
  static func read(_ directory: StoreDirectory, _ superblock: SuperBlock, _ limits: FormatLimits)
    throws(OpenError) -> ManifestReplay
  {
    let id = superblock.manifestSegmentID
    let path = directory.segmentPath(streamID: 0, segmentID: id)
    let file: SegmentFile
    do throws(FileSystemError) {
      file = try SegmentFile(
        opening: StoreDirectory.segmentName(id), in: directory.manifest, path: path,
        fileSystem: directory.fileSystem, streamID: 0, segmentID: id,
        salt: superblock.manifestSalt, access: .reading,
        byteCountLimit: limits.segmentByteCountLimit)
    } catch {
      throw .fileSystem(error)
    }
    return try read(file, superblock, limits)
  }

  static func read(_ file: SegmentFile, _ superblock: SuperBlock, _ limits: FormatLimits)
    throws(OpenError) -> ManifestReplay
  {
    let base = (try? file.header())?.baseOffset
    var generous = limits
    generous.batchByteCountLimit = 1 << 30
    let reader = FrameReader(file.bytes, salt: file.salt, limits: generous)
    let slot = file.newestSlot()
    var scan = SegmentScan(
      baseOffset: base ?? .zero, baseAppendTime: Timestamp(rawValue: .min),
      provenPosition: slot?.slot.durablePosition.rawValue
        ?? UInt64(SegmentLayout.preambleByteCount),
      producerLimit: 0)
    if base == nil { scan.nextOffset = nil }
    scan.walk(reader, to: file.byteCount)
    var replay = ManifestReplay(
      file: file, scan: scan,
      wasClean: slot.map { $0.slot.flags.contains(.clean) } ?? false,
      slotSequence: slot?.slot.sequence ?? 0)
    if let damage = scan.damaged.first {
      throw .damaged(path: file.path, position: damage.from, damage.cause)
    }
    if let problem = scan.problem, case .newer = problem {
      throw .newer(path: file.path, problem)
    }
    try replay.apply(reader)
    replay.lastTime = scan.progress.lastAppendTime
    return replay
  }

  /// Folds the edits up to the end of the walk.
  private mutating func apply(_ reader: FrameReader) throws(OpenError) {
    var position = UInt64(SegmentLayout.preambleByteCount)
    var isWhole = false
    while position < scan.position {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: false)
        if frame.head.kind == .batch {
          let batch = try BatchView(
            frame.bytes, frameHead: frame.head, place: nil, limits: reader.limits)
          for index in 0..<batch.count {
            guard let edit = try ManifestEdit.decoded(try batch.record(at: index).value) else {
              continue
            }
            if case .snapshotEnd = edit { isWhole = true }
            do throws(ManifestState.Contradiction) { try fold.apply(edit) } catch {
              throw FormatError.damaged(.manifestEdit, .identity)
            }
          }
        }
        position = frame.end
      } catch {
        if case .newer = error { throw .newer(path: file.path, error) }
        throw .damaged(path: file.path, position: position, error)
      }
    }
    guard isWhole else {
      throw .damaged(
        path: file.path, position: position, scan.problem ?? .damaged(.manifestEdit, .empty))
    }
  }

  /// The manifest, open for writing behind its last intact frame.
  func makeLog(
    _ directory: StoreDirectory, _ superblock: SuperBlock, _ options: StoreOptions,
    _ environment: StoreEnvironment
  ) throws(OpenError) -> ManifestLog {
    do throws(FileSystemError) {
      let writable = try SegmentFile(
        opening: StoreDirectory.segmentName(file.segmentID), in: directory.manifest,
        path: file.path, fileSystem: directory.fileSystem, streamID: 0,
        segmentID: file.segmentID, salt: file.salt, access: .writing,
        byteCountLimit: options.limits.segmentByteCountLimit)
      if !wasClean {
        // What the page cache shows proves nothing: it is written again before it is believed.
        try SegmentRecovery.rewrite(writable, upTo: scan.position)
        let rest = writable.bytes.extracting(
          Int(scan.position)..<Int(writable.byteCount))
        if environment.faults.invalidatesTail, !rest.isAllZero {
          try writable.write(
            [UInt8](repeating: 0, count: rest.byteCount), at: scan.position)
          try writable.synchronize()
        }
      }
      let next = scan.nextOffset ?? .zero
      let log = ManifestLog(
        directory: directory, options: options, environment: environment,
        inner: ManifestLog.Inner(
          fold: fold, superblock: superblock, file: writable, position: scan.position,
          nextOffset: next, commitSequence: scan.commitSequence, durablePosition: scan.position,
          slotSequence: slotSequence, lastTime: lastTime, failure: nil, previousSegmentID: 0))
      // The clean mark goes, durably, before the first change.
      try log.writeSlot(clean: false)
      return log
    } catch {
      throw .fileSystem(error)
    }
  }
}
