public import ByteCoding
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import Synchronization

/// A directory with many streams, open for writing: one process at a time, any number of threads.
///
/// Readers in other processes use ``StoreReader``; they need no lock. Closing the store (or letting
/// the last reference go) commits what is pending and leaves a mark that says so.
public final class Store: Sendable {
  let core: StoreCore
  private let lock: StoreLock
  private let streams = Guarded<[UInt64: StreamLog]>([:])
  /// Held while a stream is opened, which may take long: the commits of others go on.
  private let opening = Guarded<Void>(())
  /// The stream of statements, once it was found: proofs ask for it again and again.
  let knownEvidence = Guarded(KnownLog())

  /// A stream that is open.
  struct KnownLog: Sendable {
    weak var log: StreamLog?
  }

  private let isClosed = Atomic<Bool>(false)
  /// Why policies could not be carried out the last time, by stream.
  let retentionFailures = Guarded<[UInt64: RetentionError]>([:])

  /// What opening the store found, stream by stream, is in ``StreamLog/recovery``.
  private init(core: StoreCore, lock: consuming StoreLock) {
    self.core = core
    self.lock = lock
  }

  deinit { close() }

  /// The store's identity.
  public var id: UniqueIdentifier { core.storeID }

  /// Raised by every opening for writing.
  public var epoch: UInt64 { core.epoch }

  /// Parts of the superblock and the manifest that were not intact when the store was opened and were
  /// taken from their copies; they have been written anew.
  public var repairs: [StoreRepair] { core.repairs }

  /// The directory.
  public var path: String { core.directory.path }

  // MARK: Opening

  /// Makes an empty store. The directory is created when it is missing, with mode 0700; its parent
  /// must exist.
  ///
  /// - Throws: ``OpenError``: `.alreadyExists` when a store is there.
  public static func create(
    at path: String, options: StoreOptions = StoreOptions(),
    environment: StoreEnvironment = .machine()
  ) throws(OpenError) {
    try StoreCreation.create(path, options, environment)
  }

  /// Opens a store for writing.
  ///
  /// - Throws: ``OpenError``: `.locked` naming the holder when another opening writes, `.notAStore`,
  ///   `.damaged`, `.newer`, `.copied`, `.fileSystem`.
  public static func open(
    at path: String, options: StoreOptions = StoreOptions(),
    environment: StoreEnvironment = .machine()
  ) throws(OpenError) -> Store {
    let opening = try StoreOpening.open(path, options, environment)
    let store = Store(core: opening.core, lock: opening.lock)
    try store.start()
    return store
  }

  private func start() throws(OpenError) {
    core.statements.start { [weak self] creating throws(OpenError) in
      try self?.evidenceLog(creating: creating)
    }
    core.cursors.start { [weak self] creating throws(OpenError) in
      try self?.cursorLog(creating: creating)
    }
    try core.start(
      committing: { [weak self] now in self?.commitDue(now) ?? nil },
      hashing: { [weak self] in self?.evidenceDue() ?? nil },
      keeping: { [weak self] in self?.retentionDue() ?? nil })
    if core.manifest.state.streams.values.contains(where: { $0.retention != nil }) {
      core.keepSoon()
    }
  }

  /// Hashes what is visible; answers how long until something is due.
  private func evidenceDue() -> UInt64? {
    let open = streams.withLock { $0.values.map { $0 } }
    return open.compactMap { $0.evidenceIfDue() }.min()
  }

  /// Carries out the group commits that are due; answers how long the committer may sleep.
  private func commitDue(_ now: UInt64) -> UInt64? {
    let open = streams.withLock { $0.values.map { $0 } }
    var next: UInt64?
    for stream in open {
      if let wait = stream.rollIfDue() { next = min(next ?? wait, wait) }
      if let wait = stream.commitIfDue(now) { next = min(next ?? wait, wait) }
    }
    return next
  }

  // MARK: Streams

  /// Names of all streams, sorted by bytes.
  public var streamNames: [String] {
    core.manifest.state.streamNames
  }

  /// Creates a stream, or opens it when it exists with the same settings.
  ///
  /// - Throws: ``OpenError``: `.settingsDiffer` when it exists with others, `.invalidSetting`,
  ///   `.reservedStreamName`.
  public func createStream(_ name: StreamName, options: StreamOptions = StreamOptions())
    throws(OpenError) -> StreamLog
  {
    try Self.refuseReserved(name)
    return try createAnyStream(name, options: options)
  }

  private static func refuseReserved(_ name: StreamName) throws(OpenError) {
    if name.isReserved { throw .reservedStreamName(name: name.text) }
  }

  /// Creates a stream, or opens it, the engine's own among them.
  package func createAnyStream(_ name: StreamName, options: StreamOptions) throws(OpenError)
    -> StreamLog
  {
    try refuseWhenClosed()
    try options.check(core)
    let definition: ManifestEdit.StreamDefinition
    do throws(ManifestFailure) {
      definition = try core.manifest.createStream { id in
        var definition = options.definition(id: id, name: name.text)
        if options.isErasable {
          let random = core.random
          definition.erasableID = UniqueIdentifier(random: random.next(), random.next())
        }
        return definition
      }
    } catch {
      throw error.openError
    }
    var wanted = options.definition(id: definition.streamID, name: name.text)
    if options.isErasable { wanted.erasableID = definition.erasableID ?? id }
    if let difference = definition.difference(from: wanted) {
      throw .settingsDiffer(
        stream: name.text, setting: difference.setting, existing: difference.existing,
        requested: difference.requested)
    }
    let log = try log(definition.streamID)
    // Now, while there is room: what is removed from a full disk must be stated first.
    if definition.evidence != .none, name.text != Statement.streamName, core.faults.keepsStatements
    {
      _ = try evidenceLog(creating: true)
    }
    return log
  }

  /// Opens an existing stream, with the settings it was created with.
  ///
  /// - Throws: ``OpenError``: `.streamNotFound`, `.reservedStreamName`.
  public func stream(_ name: StreamName) throws(OpenError) -> StreamLog {
    try Self.refuseReserved(name)
    return try anyStream(name)
  }

  /// Opens an existing stream, the engine's own among them.
  package func anyStream(_ name: StreamName) throws(OpenError) -> StreamLog {
    try refuseWhenClosed()
    guard let id = core.manifest.state.streamID(named: name.text) else {
      throw .streamNotFound(name: name.text)
    }
    return try log(id)
  }

  /// Opens a stream, creating it with default settings (class `disk`) when it does not exist.
  public func streamCreatingIfNeeded(_ name: StreamName) throws(OpenError) -> StreamLog {
    do throws(OpenError) { return try stream(name) } catch {
      guard case .streamNotFound = error else { throw error }
    }
    return try createStream(name)
  }

  /// A stream, if it is open.
  func openLog(_ streamID: UInt64) -> StreamLog? { streams.withLock { $0[streamID] } }

  func log(_ streamID: UInt64) throws(OpenError) -> StreamLog {
    if let log = streams.withLock({ $0[streamID] }) { return log }
    return try opening.withLock { _ throws(OpenError) in
      if let log = streams.withLock({ $0[streamID] }) { return log }
      try refuseWhenClosed()
      var opener = StreamOpener(core: core, streamID: streamID)
      let log = try opener.open()
      streams.withLock { $0[streamID] = log }
      // Records of an earlier opening may not be covered yet.
      core.signalEvidence()
      return log
    }
  }

  func refuseWhenClosed() throws(OpenError) {
    if isClosed.load(ordering: .acquiring) { throw .closed }
  }

  // MARK: Closing

  /// Commits what is pending, marks the store as closed in order, and gives up the lock. Appends and
  /// openings fail from then on. Calling it again does nothing.
  public func close() {
    guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
    core.stop()
    // An opening under way comes to its end; later ones are refused.
    opening.withLock { _ in }
    let open = streams.withLock { $0.values.map { $0 } }
    var isClean = true
    for stream in open where !stream.close() { isClean = false }
    if isClean { try? core.manifest.writeSlot(clean: true) }
    // Streams may outlive the store; from here on another opening may write.
    core.manifest.close()
    core.shared.withdraw()
    lock.release()
  }

  /// Ends without committing or marking anything, as the death of the process would.
  package func abandon() {
    guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return }
    core.stop()
    for stream in streams.withLock({ $0.values.map { $0 } }) { stream.abandonEvidence() }
    core.manifest.close()
    lock.release()
  }
}

extension StreamOptions {
  func check(_ core: StoreCore) throws(OpenError) {
    guard segmentByteCount >= Self.segmentByteCountMinimum,
      segmentByteCount <= Self.segmentByteCountMaximum,
      firstSegmentByteCount >= Self.segmentByteCountMinimum,
      firstSegmentByteCount <= segmentByteCount
    else {
      throw .invalidSetting(
        "segments are \(Self.segmentByteCountMinimum) to \(Self.segmentByteCountMaximum) bytes, "
          + "the first not larger than the others")
    }
    guard case .async(let delay, let byteCount) = durability else { return }
    guard delay > 0, byteCount > 0 else {
      throw .invalidSetting("class async needs a delay and a byte count above 0")
    }
    if let space = try? core.fileSystem.space(of: core.directory.root), space.isCopyOnWrite {
      throw .invalidSetting(
        "this file system copies on write; use class disk, which never stores through mappings")
    }
  }

  func definition(id: UInt64, name: String) -> ManifestEdit.StreamDefinition {
    var delay: UInt64 = 0
    var byteCount: UInt64 = 0
    if case .async(let maxDelay, let maxBytes) = durability {
      (delay, byteCount) = (maxDelay, maxBytes)
    }
    var lag: UInt64 = 0
    if case .wait(let maxLag) = slowReaders { lag = max(1, maxLag) }
    return ManifestEdit.StreamDefinition(
      streamID: id, name: name, durability: durability.durabilityClass,
      maxDelayNanoseconds: delay, maxByteCount: byteCount,
      firstSegmentByteCount: firstSegmentByteCount, segmentByteCount: segmentByteCount,
      rollRecordCount: rollRecordCount, rollNanoseconds: rollNanoseconds, maximumReaderLag: lag,
      evidence: evidence)
  }
}

extension ManifestEdit.StreamDefinition {
  /// The first setting in which two definitions of a stream differ.
  func difference(from other: Self) -> (setting: String, existing: String, requested: String)? {
    if durability != other.durability {
      return ("durability", "\(durability)", "\(other.durability)")
    }
    if evidence != other.evidence { return ("evidence", "\(evidence)", "\(other.evidence)") }
    let (isErasable, wasWanted) = (erasableID != nil, other.erasableID != nil)
    if isErasable != wasWanted { return ("erasable", "\(isErasable)", "\(wasWanted)") }
    let pairs: [(String, UInt64, UInt64)] = [
      ("maximum delay", maxDelayNanoseconds, other.maxDelayNanoseconds),
      ("maximum byte count", maxByteCount, other.maxByteCount),
      ("first segment size", firstSegmentByteCount, other.firstSegmentByteCount),
      ("segment size", segmentByteCount, other.segmentByteCount),
      ("records a segment", rollRecordCount, other.rollRecordCount),
      ("age of a segment", rollNanoseconds, other.rollNanoseconds),
      ("reader lag", maximumReaderLag, other.maximumReaderLag),
    ]
    for (name, existing, requested) in pairs where existing != requested {
      return (name, "\(existing)", "\(requested)")
    }
    return nil
  }
}
