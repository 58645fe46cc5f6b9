public import PlatformIO

/// A file system in memory that keeps what was written apart from what was synced, fails on demand,
/// and shows every state a power cut can leave behind.
///
/// It stands in for `PosixFileSystem` in tests. What survives a power cut follows the weakest
/// model: of everything not synced any subset, each page in any version it had, torn at a
/// granularity of choice, sizes old or new, names in any subset, renames whole or not at all.
///
/// ```swift
/// let disk = SimulatedFileSystem(directories: ["/store"])
/// // ... run the program on it ...
/// for seed in 0..<1000 {
///   let restarted = disk.crashImage(.random, seed: UInt64(seed))
///   // ... open the store on `restarted` and check what was promised ...
/// }
/// ```
/// Differences from a real one: all mappings of a file share one address; a store through a
/// read-only mapping or after `unmap` is not caught; shrinking a mapped file leaves zeros, not a
/// signal; a store into a block that was never allocated always finds room and is counted in
/// `storesIntoHolesCount`. Safe to use from any thread.
public final class SimulatedFileSystem: FileSystem {
  /// Nature and limits of a simulated file system; all can be changed while it runs.
  public struct Options: Sendable {
    /// Bytes in all. Every block of 4 KiB with a written or allocated byte counts.
    public var byteCapacity: UInt64 = 1 << 40
    /// No file can be larger.
    public var fileByteCountLimit: UInt64 = 1 << 40
    /// Files and directories open at a time, beyond which opening throws `.tooManyOpenFiles`.
    public var openHandleLimit = 1 << 20
    /// Mounted read-only: every changing operation throws `.readOnlyFileSystem`.
    public var isReadOnly = false
    /// What `space` says about copying on write.
    public var isCopyOnWrite = false
    /// Blocks can be allocated ahead; otherwise `allocate` throws `.unsupported`.
    public var supportsAllocation = true
    /// Blocks can be given back; otherwise `punchHole` throws `.unsupported`.
    public var supportsHoles = true
    /// Device number in identities; a copy of a store on another device differs in it.
    public var deviceNumber: UInt64 = 0x51
    /// Address space set aside for a mapped file, a multiple of 4096. A file can grow up to it, or
    /// to its size when first mapped, while mapped.
    public var reservationByteCount = 64 << 20
    /// Unsynced versions remembered per page; the oldest go first.
    public var versionCountLimit = 8
    /// Mapped bytes looked through for stores before every changing operation. Larger mappings are
    /// looked at only when their file is synced or unmapped and when an image is taken, so that
    /// states between two operations are not seen.
    public var storeScanByteCountLimit = 1 << 20

    /// Default options: 1 TiB, everything supported.
    public init() {}
  }

  let state: Guarded<Disk>

  /// Makes an empty file system with a root directory.
  ///
  /// - Parameters:
  ///   - options: Nature and limits.
  ///   - directories: Paths of directories that exist, durably, with all their parents.
  public init(options: Options = Options(), directories: [String] = []) {
    var disk = Disk(options: options)
    for path in directories { _ = disk.makeDurableDirectory(path) }
    state = Guarded(disk)
  }

  /// Takes over a crash image.
  init(disk: Disk) { state = Guarded(disk) }

  // MARK: Steering

  /// Nature and limits, from now on. A capacity below the space in use is a full disk.
  public var options: Options {
    get { state.withLock { $0.options } }
    set { state.withLock { $0.options = newValue } }
  }

  /// Bytes in all; raise or lower it to make or take room.
  public var byteCapacity: UInt64 {
    get { state.withLock { $0.options.byteCapacity } }
    set { state.withLock { $0.options.byteCapacity = newValue } }
  }

  /// Mounted read-only.
  public var isReadOnly: Bool {
    get { state.withLock { $0.options.isReadOnly } }
    set { state.withLock { $0.options.isReadOnly = newValue } }
  }

  /// Which operations fail. Setting a plan starts the counting of its occurrences anew.
  public var faultPlan: FaultPlan {
    get { state.withLock { $0.faults?.plan ?? .none } }
    set {
      state.withLock {
        let isEmpty = newValue.faults.isEmpty && newValue.powerLoss == nil
        $0.faults = isEmpty ? nil : FaultClock(newValue)
      }
    }
  }

  /// Adds a fault: the next operation of a kind fails, once.
  public func failNext(
    _ kind: FileSystemError.Operation, with reason: FileSystemError.Reason = .inputOutput,
    form: FaultPlan.Form = .lost
  ) {
    var plan = faultPlan
    plan.faults.append(FaultPlan.Fault(.occurrence(kind, index: 1), reason: reason, form: form))
    faultPlan = plan
  }

  /// Turns the power off between two operations: all further ones throw `.powerLost`.
  public func losePower() {
    state.withLock {
      $0.noteAllStores()
      $0.hasPower = false
    }
  }

  /// Calls a closure before every changing operation, outside the lock, so that it may take crash
  /// images: a sweep over every operation of a scenario takes one run of it. Nil ends that.
  public func observeOperations(_ observer: (@Sendable (TracedOperation) -> Void)?) {
    state.withLock { $0.observer = observer }
  }

  // MARK: Looking

  /// Changing operations begun so far; the number of the latest.
  public var operationCount: Int { state.withLock { $0.operationCount } }

  /// Whether operations are recorded in `trace`.
  public var tracesOperations: Bool {
    get { state.withLock { $0.tracesOperations } }
    set { state.withLock { $0.tracesOperations = newValue } }
  }

  /// Changing operations since tracing was turned on.
  public var trace: [TracedOperation] { state.withLock { $0.trace } }

  /// Files and directories open now; 0 when a program has closed what it opened.
  public var openHandleCount: Int {
    state.withLock { $0.openFiles.count + $0.openDirectories.count }
  }

  /// Mappings that have not ended.
  public var mappedRegionCount: Int {
    state.withLock { $0.regions.values.reduce(0) { $0 + $1.count } }
  }

  /// Stores through mappings that went into blocks nobody allocated. On a real disk that is full
  /// each of them is a fatal signal.
  public var storesIntoHolesCount: Int {
    state.withLock {
      $0.noteAllStores()
      return $0.storesIntoHolesCount
    }
  }

  /// Calls that no correct program makes: handles closed twice or used after that, regions unmapped
  /// twice, writes to files opened for reading, names with slashes.
  public var misuseCount: Int { state.withLock { $0.misuseCount } }

  /// Bytes of blocks in use.
  public var usedByteCount: UInt64 {
    state.withLock { UInt64($0.usedBlockCount) * UInt64(Page.byteCount) }
  }

  // MARK: Helpers of the operations

  func announce(_ intent: Intent) {
    let announcement = state.withLock { disk in
      disk.observer.map { ($0, disk.described(intent, number: disk.operationCount + 1, nil)) }
    }
    if let (observer, operation) = announcement { observer(operation) }
  }

  func change<Result: Sendable>(
    _ intent: Intent, _ body: (inout Disk, Extent) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    announce(intent)
    return try state.withLock { (disk) throws(FileSystemError) in
      try disk.change(intent, body)
    }
  }

  func look<Result: Sendable>(
    _ intent: Intent, _ body: (inout Disk) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    try state.withLock { (disk) throws(FileSystemError) in
      try disk.consult(intent)
      return try body(&disk)
    }
  }
}
