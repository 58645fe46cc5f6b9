internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// The lock of a store: an open-file-description lock on a file that is never deleted. The kernel
/// gives it up when its holder is gone, however that happens.
struct StoreLock: Sendable {
  private let fileSystem: any FileSystem
  private let handle: FileHandle

  static let magic: UInt64 = 0x0a4b_434c_4c52_5089  // 89 "PRLLCK" 0a
  static let byteCount = 512

  /// Takes the lock.
  ///
  /// - Throws: `.locked` with what the holder wrote about itself.
  init(_ directory: StoreDirectory) throws(OpenError) {
    fileSystem = directory.fileSystem
    do throws(FileSystemError) {
      handle = try fileSystem.open(StoreDirectory.lockName, in: directory.root, .readWrite)
    } catch {
      throw .fileSystem(error)
    }
    let isTaken: Bool
    do throws(FileSystemError) { isTaken = try fileSystem.lockExclusively(handle) } catch {
      fileSystem.close(handle)
      throw .fileSystem(error)
    }
    guard isTaken else {
      let holder = Self.holder(fileSystem, handle)
      fileSystem.close(handle)
      throw .locked(path: directory.path, holder: holder)
    }
  }

  private static func holder(_ fileSystem: any FileSystem, _ handle: FileHandle)
    -> OpenError.LockHolder?
  {
    guard let bytes = try? fileSystem.read(handle, byteCount: 48, at: 0),
      bytes.rawSpan.littleEndianUnsigned64(at: 0) == magic,
      let process = bytes.rawSpan.littleEndianUnsigned64(at: 8),
      let epoch = bytes.rawSpan.littleEndianUnsigned64(at: 40), process != 0
    else { return nil }
    return OpenError.LockHolder(processID: process, epoch: epoch)
  }

  /// What the last holder of a store's lock wrote about itself.
  static func describedHolder(in directory: StoreDirectory) -> OpenError.LockHolder? {
    let system = directory.fileSystem
    guard
      let handle = try? system.open(StoreDirectory.lockName, in: directory.root, .readOnly)
    else { return nil }
    defer { system.close(handle) }
    return holder(system, handle)
  }

  /// Writes who holds the lock; a hint for people, so failures do not matter.
  func describe(epoch: UInt64, process: ProcessIdentity) {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(Self.magic)
    bytes.appendLittleEndian(UInt64(UInt32(bitPattern: process.pid)))
    bytes.appendLittleEndian(process.startTime)
    bytes.append(
      UniqueIdentifier(high: process.boot.high, low: process.boot.low))
    bytes.appendLittleEndian(epoch)
    bytes += Array(repeating: 0, count: Self.byteCount - bytes.count)
    try? fileSystem.write(handle, bytes: bytes, at: 0)
  }

  /// Gives the lock up.
  func release() { fileSystem.close(handle) }
}

/// Opening a store for writing: lock, superblock, manifest, leftovers.
enum StoreOpening {
  static func open(_ path: String, _ options: StoreOptions, _ environment: StoreEnvironment)
    throws(OpenError) -> (core: StoreCore, lock: StoreLock)
  {
    let directory = try openDirectory(path, environment)
    // Not a store is a clearer answer than a missing lock file.
    _ = try SuperBlockFile.read(in: directory, options.limits)
    let lock = try StoreLock(directory)
    do throws(OpenError) {
      let core = try open(directory, options, environment, lock)
      return (core, lock)
    } catch {
      lock.release()
      throw error
    }
  }

  static func openDirectory(_ path: String, _ environment: StoreEnvironment) throws(OpenError)
    -> StoreDirectory
  {
    do throws(FileSystemError) {
      return try StoreDirectory(opening: path, in: environment.fileSystem)
    } catch {
      // A directory that exists but lacks ours holds something else, unless it has our superblock.
      if error.reason == .notFound,
        let root = try? environment.fileSystem.openDirectory(path: path)
      {
        defer { environment.fileSystem.close(root) }
        let system = environment.fileSystem
        guard let file = try? system.open(StoreDirectory.superblockName, in: root, .readOnly) else {
          throw .notAStore(path: path)
        }
        system.close(file)
      }
      throw .fileSystem(error)
    }
  }

  private static func open(
    _ directory: StoreDirectory, _ options: StoreOptions, _ environment: StoreEnvironment,
    _ lock: StoreLock
  ) throws(OpenError) -> StoreCore {
    let found = try SuperBlockFile.read(in: directory, options.limits)
    var superblock = found.superblock
    guard superblock.features.allowsWriting else {
      throw .newer(
        path: "\(directory.path)/\(StoreDirectory.superblockName)", .newer(.superblock, .feature))
    }
    let replay = try ManifestReplay.read(directory, superblock, options.limits)
    do throws(FileSystemError) {
      if !replay.wasClean {
        // A killed process may have left names that only the page cache knows: the superblock's, a
        // stream directory's. Nothing may be acknowledged below them before they are durable.
        try directory.fileSystem.synchronize(directory.root)
        try directory.fileSystem.synchronize(directory.streams)
      }
      let identity = try directory.fileSystem.identity(of: directory.root)
      if superblock.device != identity.device || superblock.inode != identity.inode {
        guard options.adoptsCopy else { throw OpenProblem.copied }
        superblock.storeID = UniqueIdentifier(
          random: environment.random.next(), environment.random.next())
        superblock.device = identity.device
        superblock.inode = identity.inode
      }
      superblock.epoch += 1
      if found.isRebuilt { try SuperBlockFile.create(superblock, in: directory) }
      try SuperBlockFile.write(&superblock, in: directory)
    } catch {
      if error == OpenProblem.copied { throw .copied(path: directory.path) }
      throw .fileSystem(error)
    }
    let manifest = try replay.makeLog(directory, superblock, options, environment)
    let process = ProcessIdentity.current
    lock.describe(epoch: superblock.epoch, process: process)
    let shared = makeShared(superblock, options)
    shared.announce(epoch: superblock.epoch, process: process)
    let core = StoreCore(
      directory: directory, options: options, environment: environment, manifest: manifest,
      shared: shared, repairs: found.repairs + replay.repairs)
    try removeLeftovers(core)
    // Evidence that cannot be moved is no reason to refuse.
    try? core.manifest.setOthersAside()
    core.manifest.provideBallast()
    return core
  }

  private static func makeShared(_ superblock: SuperBlock, _ options: StoreOptions) -> SharedPage {
    guard options.sharesWatermarks else { return SharedPage() }
    // Without shared memory readers in other processes poll the files.
    return SharedPage.forWriting(storeID: superblock.storeID) ?? SharedPage()
  }

  /// Removes files that a durable intent names and nothing else does, and takes over spare files.
  private static func removeLeftovers(_ core: StoreCore) throws(OpenError) {
    let state = core.manifest.state
    var edits: [ManifestEdit] = []
    do throws(FileSystemError) {
      for (segmentID, streamID) in state.intents.sorted(by: { $0.key < $1.key }) {
        let name = StoreDirectory.segmentName(segmentID)
        do throws(FileSystemError) {
          let parent = try core.directory.directory(ofStream: streamID)
          try core.fileSystem.unlink(name, in: parent)
          try core.fileSystem.synchronize(parent)
        } catch {
          // One that cannot go is in nobody's way: its identity is never used again.
          guard error.reason == .notFound else { continue }
        }
        edits.append(.segmentDropped(streamID: streamID, segmentID: segmentID))
      }
      try core.spares.adoptLeftovers()
    } catch {
      throw .fileSystem(error)
    }
    guard !edits.isEmpty else { return }
    do throws(ManifestFailure) { try core.manifest.apply(edits, durably: true) } catch {
      throw error.openError
    }
  }
}

/// Marks a copied store inside a block that throws file-system errors.
enum OpenProblem {
  static let copied = FileSystemError(.lock, "", .system(errorNumber: -1))
}

/// Making a store: everything is durable before the superblock gets its name.
enum StoreCreation {
  static func create(_ path: String, _ options: StoreOptions, _ environment: StoreEnvironment)
    throws(OpenError)
  {
    let system = environment.fileSystem
    do throws(FileSystemError) {
      var isNew = false
      do throws(FileSystemError) {
        try system.makeDirectory(path: path)
        isNew = true
      } catch {
        guard error.reason == .alreadyExists else { throw error }
      }
      let root = try system.openDirectory(path: path)
      defer { system.close(root) }
      try refuseExisting(root, path, system)
      try refuseOrphans(root, path, system)
      for name in [
        StoreDirectory.streamsName, StoreDirectory.manifestName, StoreDirectory.spareName,
        StoreDirectory.quarantineName,
      ] {
        do throws(FileSystemError) { try system.makeDirectory(name, in: root) } catch {
          guard error.reason == .alreadyExists else { throw error }
        }
      }
      try makeLockFile(root, system)
      try system.synchronize(root)
      // Before the superblock gets its name: from then on the store opens and acknowledges. Also for
      // a directory that was there: an earlier creation may have been cut short before this.
      do throws(FileSystemError) { try system.synchronizeParent(ofDirectoryAt: path) } catch {
        // The parent of somebody's directory need not be readable.
        guard !isNew, error.reason == .permissionDenied else { throw error }
      }
      let directory = try StoreDirectory(opening: path, in: system)
      try fill(directory, root, options, environment)
    } catch {
      if error.reason == .alreadyExists { throw .alreadyExists(path: path) }
      throw .fileSystem(error)
    }
  }

  /// A store, or anything that is not a leftover of a creation that was cut short, stays untouched.
  private static func refuseExisting(
    _ root: DirectoryHandle, _ path: String, _ system: any FileSystem
  ) throws(FileSystemError) {
    let ours: Set<String> = [
      StoreDirectory.streamsName, StoreDirectory.manifestName, StoreDirectory.spareName,
      StoreDirectory.quarantineName, StoreDirectory.lockName,
      ".\(StoreDirectory.superblockName).new",
    ]
    for entry in try system.entries(of: root) where !ours.contains(entry.name) {
      throw FileSystemError(.makeDirectory, path, .alreadyExists)
    }
  }

  /// Streams without a superblock are a store that lost it, not the leftover of a creation.
  private static func refuseOrphans(
    _ root: DirectoryHandle, _ path: String, _ system: any FileSystem
  ) throws(FileSystemError) {
    do throws(FileSystemError) {
      let streams = try system.openDirectory(StoreDirectory.streamsName, in: root)
      defer { system.close(streams) }
      guard try system.entries(of: streams).isEmpty else {
        throw FileSystemError(.makeDirectory, path, .alreadyExists)
      }
    } catch {
      guard error.reason == .notFound else { throw error }
    }
  }

  private static func makeLockFile(_ root: DirectoryHandle, _ system: any FileSystem)
    throws(FileSystemError)
  {
    do throws(FileSystemError) {
      let handle = try system.open(StoreDirectory.lockName, in: root, .create)
      system.close(handle)
    } catch {
      guard error.reason == .alreadyExists else { throw error }
    }
  }

  private static func fill(
    _ directory: StoreDirectory, _ root: DirectoryHandle, _ options: StoreOptions,
    _ environment: StoreEnvironment
  ) throws(FileSystemError) {
    let random = environment.random
    let now = environment.time.now()
    let id = UniqueIdentifier(random: random.next(), random.next())
    var fold = ManifestState()
    let segment = try ManifestFrames.createSegment(
      directory: directory, options: options, environment: environment, fold: &fold,
      storeID: id, baseOffset: .zero, previousSegmentID: 0, lastTime: now, epoch: 0)
    let identity = try environment.fileSystem.identity(of: root)
    let superblock = SuperBlock(
      storeID: id, generation: 1, epoch: 0, manifestSegmentID: segment.files.main.segmentID,
      manifestSalt: segment.files.main.salt, createdTime: now, device: identity.device,
      inode: identity.inode)
    try SuperBlockFile.create(superblock, in: directory)
  }
}
