public import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// A store open for reading, in any process, beside a writer or without one. Takes no lock and writes
/// nothing into the store.
///
/// While a writer is at work, the readers follow its watermarks through shared memory. Without one (or
/// without the right to map that memory) they look at the files: a stream then ends at its last intact
/// frame, synced before it is shown where the system allows that.
public final class StoreReader: Sendable {
  let files: StoreFiles
  private let sources = Guarded<[UInt64: RemoteStream]>([:])
  /// What was stated, as far as it was read.
  let statementIndex = Guarded(StatementIndex())

  private init(_ files: StoreFiles) { self.files = files }

  var directory: StoreDirectory { files.directory }
  var options: StoreOptions { files.options }
  var environment: StoreEnvironment { files.environment }
  var superblock: SuperBlock { files.superblock }
  var shared: SharedPage? { files.shared }

  /// Parts of the superblock and the manifest that were not intact when the store was opened and were
  /// read from their copies. The next opening for writing mends them.
  public var repairs: [StoreRepair] { files.repairs }

  /// Opens a store for reading.
  ///
  /// - Throws: ``OpenError``: `.notAStore`, `.damaged`, `.newer`, `.fileSystem`.
  public static func open(
    at path: String, options: StoreOptions = StoreOptions(),
    environment: StoreEnvironment = .machine()
  ) throws(OpenError) -> StoreReader {
    StoreReader(try StoreFiles(opening: path, options, environment))
  }

  /// The store's identity.
  public var id: UniqueIdentifier { superblock.storeID }

  /// The directory.
  public var path: String { directory.path }

  /// Whether a process is writing to the store now.
  public var hasWriter: Bool { shared?.liveEpoch != nil }

  /// What the manifest said when it was last read.
  var manifest: ManifestState { files.manifest }

  /// Reads the manifest again.
  func refreshManifest() throws(OpenError) -> ManifestState { try files.refreshManifest() }

  /// Names of all streams, sorted by bytes.
  public var streamNames: [String] {
    let state = (try? refreshManifest()) ?? manifest
    return state.streamNames
  }

  /// What keys of payloads are bound to, in a stream that was created as erasable; `nil` elsewhere.
  public func erasableID(of name: StreamName) -> UniqueIdentifier? {
    let state = (try? refreshManifest()) ?? manifest
    return state.streamID(named: name.text).flatMap { state.streams[$0]?.definition.erasableID }
  }

  /// Makes a reader of a stream.
  ///
  /// - Throws: ``ReadError``: `.open(.streamNotFound)`, `.expired`, `.beyondEnd`.
  public func makeReader(
    of name: StreamName, from start: StartPosition = .earliest,
    options: ReaderOptions = ReaderOptions()
  ) throws(ReadError) -> LogReader {
    let isKnown = !sources.withLock { $0.isEmpty }
    let source = try source(named: name)
    // Segments may have given their places to others since readers were made before.
    if isKnown { try source.refresh() }
    return try LogReader(source, from: start, options)
  }

  /// The stream as readers see it, shared by all readers of this value.
  func source(named name: StreamName) throws(ReadError) -> RemoteStream {
    let state: ManifestState
    do throws(OpenError) {
      var known = manifest
      if known.streamID(named: name.text) == nil { known = try refreshManifest() }
      state = known
    } catch {
      throw .open(error)
    }
    guard let id = state.streamID(named: name.text), let stream = state.streams[id] else {
      throw .open(.streamNotFound(name: name.text))
    }
    return sources.withLock { open in
      if let source = open[id] { return source }
      let source = RemoteStream(files, stream)
      open[id] = source
      return source
    }
  }
}

/// A stream of a ``StoreReader``: its segments by the manifest, its end by the writer's cell or by the
/// files.
final class RemoteStream: ReadSource {
  let streamName: String
  let streamID: UInt64
  let store: StoreFiles
  private let list: SegmentList
  private let state: Guarded<State>

  struct State: Sendable {
    var cell: WatermarkCell?
    /// The writer's epoch when the cell was found.
    var cellEpoch: UInt64 = 0
    /// Whether a living writer stands behind the cell, and when that was last asked.
    var cellIsLive = false
    var askedAt: UInt64 = 0
    /// End by the files, where no writer tells.
    var scannedEnd: UInt64 = 0
    var endProblem: ReadError?
    var scannedAt: UInt64 = 0
    var lastScan: (mark: ScanMark, end: UInt64, problem: ReadError?)?
    var logStart: UInt64
  }

  /// How long an answer about the writer's life counts.
  private static let livenessNanoseconds: UInt64 = 200_000_000

  init(_ store: StoreFiles, _ stream: ManifestState.Stream) {
    self.store = store
    streamName = stream.definition.name
    streamID = stream.definition.streamID
    list = SegmentList(stream, directory: store.directory, limits: store.options.limits)
    state = Guarded(State(logStart: stream.logStart.rawValue))
  }

  var limits: FormatLimits { store.options.limits }
  var entries: [SegmentEntry] { list.all }
  var readers: ReaderTable? { store.shared?.readers }

  private func now() -> UInt64 { store.environment.time.monotonicNanoseconds() }

  /// The cell while a writer keeps it.
  private func liveCell() -> WatermarkCell? {
    let now = now()
    return state.withLock { state in
      if state.askedAt == 0 || now - min(now, state.askedAt) > Self.livenessNanoseconds {
        state.askedAt = now
        if store.shared?.liveEpoch == nil { store.renewShared() }
        let epoch = store.shared?.liveEpoch
        state.cellIsLive = epoch != nil
        state.cellEpoch = epoch ?? 0
        state.cell = state.cellIsLive ? store.shared?.findCell(forStream: streamID) : nil
      }
      return state.cell
    }
  }

  /// A number of the living writer; `nil` when there is none. Another writer may have given the cell to
  /// another stream since it was found, so that is asked after the number was read.
  private func live(_ read: (WatermarkCell) -> UInt64) -> UInt64? {
    for _ in 0..<3 {
      guard let cell = liveCell() else { return nil }
      let value = read(cell)
      let epoch = state.withLock { $0.cellEpoch }
      if cell.streamID == streamID, store.shared?.announcedEpoch == epoch { return value }
      state.withLock { $0.askedAt = 0 }
    }
    return nil
  }

  var visible: UInt64 { live(\.visible) ?? scannedEnd() }

  var logStart: UInt64 {
    live(\.logStart) ?? state.withLock { $0.logStart }
  }

  var endProblem: ReadError? { state.withLock { $0.endProblem } }

  var endOfWriting: ReadError? { nil }

  func refresh() throws(ReadError) { try refresh(fromFiles: liveCell() == nil) }

  /// Refreshes, and finds the end anew whenever it was looked for last.
  func look() throws(ReadError) {
    state.withLock { ($0.askedAt, $0.scannedAt) = (0, 0) }
    try refresh()
  }

  /// A living writer tells the manifest soon; until then the files tell.
  func refreshFromFiles() throws(ReadError) { try refresh(fromFiles: true) }

  private func refresh(fromFiles: Bool) throws(ReadError) {
    let stream: ManifestState.Stream
    do throws(OpenError) {
      let manifest = try store.refreshManifest()
      guard let known = manifest.streams[streamID] else {
        throw OpenError.streamNotFound(name: streamName)
      }
      stream = known
    } catch {
      throw .open(error)
    }
    list.refresh(fromFiles ? try withSuccessors(stream) : stream)
    state.withLock { $0.logStart = max($0.logStart, stream.logStart.rawValue) }
  }

  func notify(beyond offset: UInt64, _ body: @escaping @Sendable () -> Void) -> Bool { false }

  func wait(beyond offset: UInt64, timeoutNanoseconds: UInt64) {
    guard let cell = liveCell() else {
      // Nobody will wake us: look again soon, at most a hundred times a second.
      sleepNanoseconds(min(timeoutNanoseconds, 10_000_000))
      return
    }
    cell.whileWaiting {
      let ticket = cell.ticket
      if cell.visible > offset { return }
      cell.wait(ifUnchanged: ticket, timeoutNanoseconds: timeoutNanoseconds)
    }
  }

  // MARK: Without a writer

  /// The end of the stream by its files, looked at again at most every 10 ms.
  private func scannedEnd() -> UInt64 {
    let now = now()
    let known = state.withLock { state -> UInt64? in
      state.scannedAt != 0 && now - min(now, state.scannedAt) < 10_000_000 ? state.scannedEnd : nil
    }
    if let known { return known }
    var unseen: ReadError?
    do throws(ReadError) { try refresh() } catch {
      // Without a new look at the manifest the old one counts; a file that could not be looked at may
      // hold records.
      if case .fileSystem = error { unseen = error }
    }
    let (end, problem) = scan()
    state.withLock { state in
      state.scannedEnd = max(state.scannedEnd, end)
      state.endProblem = problem ?? unseen
      state.scannedAt = max(now, 1)
    }
    return max(end, state.withLock { $0.scannedEnd })
  }

  private func scan() -> (end: UInt64, problem: ReadError?) {
    guard let last = list.all.last else { return (state.withLock { $0.logStart }, nil) }
    if let end = last.end { return (end.nextOffset.rawValue, nil) }
    let file: SegmentFile
    do throws(ReadError) { file = try last.file() } catch {
      // The manifest may know how far the lost file went: reading reports that.
      if case .fileSystem(let cause) = error, cause.meansDamage, let known = last.segment.durable {
        return (known.nextOffset.rawValue, nil)
      }
      return (last.baseOffset.rawValue, error)
    }
    let slot = file.newestSlot()?.slot
    let known = state.withLock { $0.lastScan }
    if let known, known.mark == ScanMark(last.segment, file, slot, at: known.mark.position) {
      return (known.end, known.problem)
    }
    // What is shown must not disappear with the next power cut; where syncing is not allowed the
    // store cannot be written by us either, and its owner's recovery decides.
    try? file.synchronize()
    var problem = file.identityProblem(store.manifest, storeID: store.superblock.storeID)
    if file.isExchanged(store.manifest.streams[streamID], in: store.directory, limits) {
      problem = .damaged(.segmentHeader, .identity)
    }
    if let cause = problem {
      return (last.baseOffset.rawValue, .open(.damaged(path: file.path, position: 0, cause)))
    }
    let scan = SegmentScan.recovering(
      file, last.segment, slot: slot, inherited: nil, limits: limits, trustingClean: true)
    let next = scan.nextOffset ?? last.baseOffset
    let found = endProblem(of: last, file, slot, scan, next)
    // A group that is just being written may be seen in part: only an end in front of nothing lasts.
    let isLasting = scan.isSealed || scan.problem == nil || scan.problem == .damaged(.frame, .empty)
    let mark = ScanMark(last.segment, file, slot, at: scan.position)
    state.withLock { $0.lastScan = isLasting ? (mark, next.rawValue, found) : nil }
    return (next.rawValue, found)
  }

  /// What a file's end was judged by: while all of it stays, the judgement does.
  struct ScanMark: Equatable, Sendable {
    let segment: ManifestState.Segment
    let slotSequence: UInt64?
    let position: UInt64
    let isTruncated: Bool
    /// What stands where the next frame would.
    let word: UInt64?
    let checksum: UInt64?

    init(
      _ segment: ManifestState.Segment, _ file: SegmentFile, _ slot: RecoverySlot?,
      at position: UInt64
    ) {
      self.segment = segment
      slotSequence = slot?.sequence
      self.position = position
      isTruncated = file.wasTruncated
      word = file.bytes.littleEndianUnsigned64(at: Int(clamping: position))
      checksum = file.bytes.littleEndianUnsigned64(at: Int(clamping: position + 8))
    }
  }

  /// Damage that no reader meets, because it stands behind the last record; or a file that was cut.
  private func endProblem(
    of last: SegmentEntry, _ file: SegmentFile, _ slot: RecoverySlot?, _ scan: SegmentScan,
    _ next: Offset
  ) -> ReadError? {
    if let problem = scan.problem, case .newer = problem {
      return .newer(path: file.path, problem)
    }
    if let problem = scan.problem, case .overLimit = problem {
      return .open(.overLimit(path: file.path, problem))
    }
    if file.byteCount < last.definition.capacity, !(slot?.flags.contains(.clean) ?? false) {
      let cause = FormatError.truncated(
        .frame, needed: last.definition.capacity, available: file.byteCount)
      return .open(.damaged(path: file.path, position: file.byteCount, cause))
    }
    var found = scan.damaged.last
    if let range = scan.undecidable {
      found = SegmentScan.Damage(
        from: range.lowerBound, to: range.upperBound, firstOffset: next,
        nextOffset: max(next, scan.undecidableOffset ?? next),
        cause: scan.problem ?? .damaged(.frame, .checksum))
    }
    guard let damage = found, damage.firstOffset >= next else { return nil }
    return .damaged(
      DamageReport(
        stream: streamName, segmentID: last.id, path: file.path,
        from: FilePosition(rawValue: damage.from), to: FilePosition(rawValue: damage.to),
        firstOffset: damage.firstOffset, nextOffset: damage.nextOffset, cause: damage.cause))
  }
}
