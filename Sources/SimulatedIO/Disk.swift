internal import PlatformIO

/// Everything a simulated file system knows; reached only under its lock.
struct Disk: Sendable {
  struct OpenFile: Sendable {
    let file: Int
    let path: String
    let isWritable: Bool
  }
  struct OpenDirectory: Sendable {
    let directory: Int
    let path: String
  }
  struct MappedRegion: Sendable {
    let file: Int
    let byteCount: Int
    let isWritable: Bool
  }

  // MARK: The disk and the page cache
  /// Entry 0 is the root.
  var directories = [SimulatedDirectory(inode: 2)]
  var files: [SimulatedFile] = []
  /// Places in `files` that can be used again.
  var vacancies: [Int] = []
  var nextInode: UInt64 = 3
  /// Changes of names in the order they were made, from the first that is not durable on.
  var changes: [EntryChange] = []
  /// Bytes of deleted files, for blocks that show something old; the newest few.
  var stalePages: [Page] = []
  /// Blocks of files that are in use.
  var usedBlockCount = 0
  var releasedFileCount = 0

  // MARK: The process
  var openFiles: [Int32: OpenFile] = [:]
  var openDirectories: [Int32: OpenDirectory] = [:]
  var nextHandle: Int32 = 3
  /// By address; files have one address each, so that mappings of one file share it.
  var regions: [UInt: [MappedRegion]] = [:]
  /// Files whose bytes can be stored to through a mapping, ascending.
  var storedThrough: [Int] = []

  // MARK: The simulation
  var options: SimulatedFileSystem.Options
  var operationCount = 0
  var hasPower = true
  var faults: FaultClock?
  var storesIntoHolesCount = 0
  var misuseCount = 0
  var tracesOperations = false
  var trace: [TracedOperation] = []
  var observer: (@Sendable (TracedOperation) -> Void)?

  init(options: SimulatedFileSystem.Options) { self.options = options }

  // MARK: Every operation

  /// The path of an operation, as an operator would look for it.
  func path(of place: Intent.Place) -> String {
    switch place {
    case .path(let path): path
    case .file(let handle): openFiles[handle.rawValue]?.path ?? "(closed file)"
    case .directory(let handle): openDirectories[handle.rawValue]?.path ?? "(closed directory)"
    case .entry(let name, let handle):
      join(openDirectories[handle.rawValue]?.path ?? "(closed directory)", name)
    }
  }

  func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : directory + "/" + name
  }

  func error(_ intent: Intent, _ reason: FileSystemError.Reason) -> FileSystemError {
    FileSystemError(intent.kind, path(of: intent.place), reason)
  }

  /// Lets an operation that changes nothing fail, if that is planned.
  mutating func consult(_ intent: Intent) throws(FileSystemError) {
    guard hasPower else { throw error(intent, .powerLost) }
    guard faults != nil else { return }
    let path = path(of: intent.place)
    if case .fail(let fault)? = faults?.verdict(on: intent.kind, number: nil, path: path) {
      throw error(intent, fault.reason)
    }
  }

  /// Numbers a changing operation, notices stores through mappings before it, and does it wholly,
  /// in part or not at all, as planned.
  mutating func change<Result>(
    _ intent: Intent, _ body: (inout Disk, Extent) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    guard hasPower else { throw error(intent, .powerLost) }
    noteStores()
    operationCount += 1
    do throws(FileSystemError) {
      if options.isReadOnly { throw error(intent, .readOnlyFileSystem) }
      let result = try decide(intent, body)
      record(intent, nil)
      return result
    } catch {
      record(intent, error.reason)
      throw error
    }
  }

  private mutating func decide<Result>(
    _ intent: Intent, _ body: (inout Disk, Extent) throws(FileSystemError) -> Result
  ) throws(FileSystemError) -> Result {
    guard faults != nil else { return try body(&self, .whole) }
    let path = path(of: intent.place)
    switch faults?.verdict(on: intent.kind, number: operationCount, path: path) {
    case .fail(let fault)?:
      try attempt(intent, fault.form, body)
      if fault.dropsDirtyPages { dropDirty(intent) }
      throw error(intent, fault.reason)
    case .losePower(let form)?:
      defer { hasPower = false }
      try? attempt(intent, form, body)
      throw error(intent, .powerLost)
    case .proceed?, nil:
      return try body(&self, .whole)
    }
  }

  private mutating func attempt<Result>(
    _ intent: Intent, _ form: FaultPlan.Form,
    _ body: (inout Disk, Extent) throws(FileSystemError) -> Result
  ) throws(FileSystemError) {
    switch form {
    case .lost: break
    case .kept: _ = try body(&self, .whole)
    case .partial(let byteCount):
      switch intent.kind {
      case .write, .writeDurably, .synchronizeData, .synchronizeDirectory, .allocate, .punchHole:
        _ = try body(&self, .part(byteCount))
      default: break
      }
    }
  }

  private mutating func dropDirty(_ intent: Intent) {
    switch intent.place {
    case .file(let handle):
      if let open = openFiles[handle.rawValue] { files[open.file].dropDirtyPages() }
    case .directory(let handle):
      if let open = openDirectories[handle.rawValue] { dropChanges(in: open.directory) }
    case .path, .entry: break
    }
  }

  private mutating func record(_ intent: Intent, _ failure: FileSystemError.Reason?) {
    guard tracesOperations else { return }
    trace.append(described(intent, number: operationCount, failure))
  }

  func described(
    _ intent: Intent, number: Int, _ failure: FileSystemError.Reason?
  ) -> TracedOperation {
    TracedOperation(
      number: number, kind: intent.kind, path: path(of: intent.place), position: intent.position,
      byteCount: intent.byteCount, failure: failure)
  }

  // MARK: Space

  /// Blocks that can still be allocated.
  var freeBlockCount: Int {
    let capacity = Int(clamping: options.byteCapacity / UInt64(Page.byteCount))
    return max(0, capacity - usedBlockCount)
  }

  /// Changes a file in place, keeping the count of used blocks right.
  mutating func withFile<Result>(
    _ index: Int, _ body: (inout SimulatedFile) -> Result
  ) -> Result {
    let before = files[index].blocks.count
    let result = body(&files[index])
    usedBlockCount += files[index].blocks.count - before
    return result
  }

  /// Remembers bytes that blocks on their way to other files still hold.
  mutating func keepStale(_ pages: some Sequence<Page?>) {
    for case let page? in pages.prefix(16) { stalePages.append(page) }
    if stalePages.count > 64 { stalePages.removeFirst(stalePages.count - 64) }
  }
}
