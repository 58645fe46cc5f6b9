internal import ByteCoding
public import Cryptography
public import Integrity
public import PlatformIO
public import Quantities

/// The key that a log is sealed with now, in a file from which earlier keys are gone.
///
/// The file has two sectors. The key of a new epoch becomes durable in the free one, then the old key is
/// overwritten where it lies, and only then is anything sealed. So a crash leaves the old key, both or the
/// new one, never an older epoch than one whose seal was shown; what it left is overwritten when the file is
/// next opened. On flash, and where blocks are copied on write, old blocks may outlive that: keep the file
/// on a disk that writes in place, or in memory that is lost with the machine. One process at a time can open
/// a file; methods may be called from any thread.
///
/// | position | size | sector |
/// | ---: | ---: | --- |
/// | 0 | 512 | `PRSL`: epoch (8 bytes, little-endian) and key (32 bytes); or zeros |
/// | 512 | 512 | the same of another epoch; or zeros |
public final class SealKeyFile: Sendable {
  /// Most epochs that are passed over at once: a clock that jumps further is wrong, and an epoch that was
  /// left behind cannot be had again.
  public static let epochJumpLimit: UInt64 = 1 << 20

  private static let magic = "PRSL"
  private static let byteCount = 2 * Sector.byteCount
  private static let bodyByteCount = 8 + SecretKey.byteCount

  private struct State {
    var key: SealKey
    var slot: Int
    /// The other sector holds no key, durably.
    var isOtherClean: Bool
    /// When the last seal was made.
    var lastTime: Int64
  }

  /// The file, as an operator would look for it.
  public let path: String
  /// Which epoch a time belongs to.
  public let schedule: SealSchedule
  private let folder: LockedFolder
  private let file: File
  private let state: Guarded<State>

  /// Makes a file with the first key.
  ///
  /// - Parameters:
  ///   - name: Name of the file in the folder, one path component.
  ///   - folder: An existing folder.
  ///   - key: The first key; the verifier has been given it, and the caller forgets it.
  ///   - fileSystem: Where it is.
  /// - Throws: ``SealKeyFileError``: `.alreadyExists`, `.locked`, `.fileSystem`.
  public static func create(
    _ name: String, in folder: String, key: SealKey, fileSystem: any FileSystem = PosixFileSystem()
  ) throws(SealKeyFileError) {
    let folder = try openFolder(name, folder, fileSystem)
    var bytes = sector(of: key)
    defer { SecretKey.wipe(&bytes) }
    bytes += Sector.zeros
    do throws(FileSystemError) {
      guard try !folder.directory.entries().contains(where: { $0.name == name }) else {
        throw FileSystemError(.open, folder.directory.path(of: name), .alreadyExists)
      }
      try folder.directory.replace(name, bytes: bytes)
    } catch {
      throw error.operation == .open && error.reason == .alreadyExists
        ? .alreadyExists(path: error.path) : .fileSystem(error)
    }
  }

  /// Opens a file, and overwrites what a crash may have left of an earlier key.
  ///
  /// - Parameters:
  ///   - name: Name of the file in the folder, one path component.
  ///   - folder: The folder.
  ///   - schedule: Which epoch a time belongs to.
  ///   - last: The last seal that was made, if there is one: none is made with an earlier time.
  ///   - fileSystem: Where it is.
  /// - Throws: ``SealKeyFileError``: `.locked`, `.damaged`, `.fileSystem`, also when the file is not there.
  public init(
    opening name: String, in folder: String, schedule: SealSchedule, after last: EpochSeal? = nil,
    fileSystem: any FileSystem = PosixFileSystem()
  ) throws(SealKeyFileError) {
    let folder = try Self.openFolder(name, folder, fileSystem)
    let file = try Self.openFile(name, folder.directory)
    var state = try Self.read(file, lastTime: last?.time ?? .min)
    do throws(FileSystemError) {
      // The name: a crash may have left one that is not durable.
      try folder.directory.synchronize()
      // What an earlier process wrote may be in the page cache alone, and then a power cut would bring back
      // the epoch before it.
      try Self.write(state.key, to: file, slot: state.slot)
      try Self.clean(file, &state)
    } catch {
      throw .fileSystem(error)
    }
    path = file.path
    self.schedule = schedule
    self.folder = folder
    self.file = file
    self.state = Guarded(state)
  }

  /// The epoch of the key.
  public var epoch: UInt64 { state.withLock { $0.key.epoch } }

  /// Seals a chain with the key of the epoch that now is; earlier keys are gone before it returns.
  ///
  /// - Parameters:
  ///   - chain: The chain as it is now.
  ///   - logID: Which log.
  ///   - time: Now.
  /// - Throws: ``SealKeyFileError``: `.clockWentBack`, `.clockJumped`, `.fileSystem`. After an error it may
  ///   be called again.
  public func seal(_ chain: HashChain, of logID: Digest, at time: Timestamp)
    throws(SealKeyFileError) -> EpochSeal
  {
    try state.withLock { state throws(SealKeyFileError) in
      let current = state.key.epoch
      guard let epoch = schedule.epoch(at: time.rawValue), epoch >= current,
        time.rawValue >= state.lastTime
      else { throw .clockWentBack(path: path, epoch: current) }
      try advance(to: epoch, &state)
      state.lastTime = time.rawValue
      return state.key.seal(chain, of: logID, at: time.rawValue)
    }
  }

  /// Goes on to the epoch that now is without sealing anything, so that earlier keys are gone.
  ///
  /// - Parameter time: Now.
  /// - Throws: ``SealKeyFileError``: `.clockJumped`, `.fileSystem`. An earlier time changes nothing.
  public func advance(at time: Timestamp) throws(SealKeyFileError) {
    try state.withLock { state throws(SealKeyFileError) in
      guard let epoch = schedule.epoch(at: time.rawValue), epoch >= state.key.epoch else { return }
      try advance(to: epoch, &state)
    }
  }

  private func advance(to epoch: UInt64, _ state: inout State) throws(SealKeyFileError) {
    let current = state.key.epoch
    guard epoch - current <= Self.epochJumpLimit else {
      throw .clockJumped(path: path, from: current, to: epoch)
    }
    do throws(FileSystemError) {
      if epoch > current {
        let key = state.key.advanced(to: epoch)
        let slot = 1 - state.slot
        // Before the old key goes, and before a seal is shown.
        try Self.write(key, to: file, slot: slot)
        (state.key, state.slot, state.isOtherClean) = (key, slot, false)
      }
      if !state.isOtherClean { try Self.clean(file, &state) }
    } catch {
      throw .fileSystem(error)
    }
  }

  // MARK: Sectors

  private static func sector(of key: SealKey) -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(bodyByteCount)
    defer { SecretKey.wipe(&body) }
    body.appendLittleEndian(key.epoch)
    key.secret.withBytes { body.append($0) }
    return Sector.encoded(magic, body)
  }

  private static func key(in bytes: RawSpan) -> SealKey? {
    guard var body = Sector.body(magic, byteCount: bodyByteCount, in: bytes) else { return nil }
    defer { SecretKey.wipe(&body) }
    guard let epoch = body.rawSpan.littleEndianUnsigned64(at: 0),
      let secret = SecretKey(body.rawSpan.extracting(8..<bodyByteCount))
    else { return nil }
    return SealKey(secret, epoch: epoch)
  }

  private static func write(_ key: SealKey, to file: borrowing File, slot: Int)
    throws(FileSystemError)
  {
    var bytes = sector(of: key)
    defer { SecretKey.wipe(&bytes) }
    try file.writeDurably(bytes.rawSpan, at: UInt64(slot * Sector.byteCount))
  }

  private static func clean(_ file: borrowing File, _ state: inout State) throws(FileSystemError) {
    let zeros = Sector.zeros
    try file.writeDurably(zeros.rawSpan, at: UInt64((1 - state.slot) * Sector.byteCount))
    state.isOtherClean = true
  }

  private static func read(_ file: borrowing File, lastTime: Int64) throws(SealKeyFileError)
    -> State
  {
    var bytes: [UInt8]
    do throws(FileSystemError) {
      bytes = try file.system.read(file.handle, byteCount: byteCount + 1, at: 0)
    } catch {
      throw .fileSystem(error)
    }
    defer { SecretKey.wipe(&bytes) }
    guard bytes.count == byteCount else { throw .damaged(path: file.path) }
    var newest: (key: SealKey, slot: Int)?
    for slot in 0..<2 {
      let start = slot * Sector.byteCount
      guard let key = key(in: bytes.rawSpan.extracting(start..<start + Sector.byteCount)),
        key.epoch >= newest?.key.epoch ?? 0
      else { continue }
      newest = (key, slot)
    }
    guard let newest else { throw .damaged(path: file.path) }
    return State(key: newest.key, slot: newest.slot, isOtherClean: false, lastTime: lastTime)
  }

  private static func openFolder(_ name: String, _ folder: String, _ fileSystem: any FileSystem)
    throws(SealKeyFileError) -> LockedFolder
  {
    do throws(FileSystemError) {
      return try LockedFolder(opening: folder, lockName: "\(name).lock", fileSystem)
    } catch {
      throw error.isLocked ? .locked(path: "\(folder)/\(name)") : .fileSystem(error)
    }
  }

  private static func openFile(_ name: String, _ directory: borrowing Directory)
    throws(SealKeyFileError) -> File
  {
    do throws(FileSystemError) {
      return try File(opening: name, in: directory, .readWrite)
    } catch {
      throw .fileSystem(error)
    }
  }
}

/// Why nothing can be sealed.
public enum SealKeyFileError: Error, Hashable, Sendable {
  /// The file system refused.
  case fileSystem(FileSystemError)
  /// Another process has the file open.
  case locked(path: String)
  /// A file of this name is there already.
  case alreadyExists(path: String)
  /// No key stands where one should.
  case damaged(path: String)
  /// It is earlier than at the last seal, or than the key's epoch began.
  case clockWentBack(path: String, epoch: UInt64)
  /// It is so much later that the clock must be wrong.
  case clockJumped(path: String, from: UInt64, to: UInt64)
}

extension SealKeyFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fileSystem(let error): error.description
    case .locked(let path):
      "'\(escapedForTerminal(path))' is open in another process; stop that one first"
    case .alreadyExists(let path):
      "'\(escapedForTerminal(path))' is there already; open it, or choose another name"
    case .damaged(let path):
      "'\(escapedForTerminal(path))' holds no seal key; what was sealed stays verifiable, begin anew "
        + "with a key that the verifier is given"
    case .clockWentBack(let path, let epoch):
      "the time lies before the last seal or before epoch \(epoch) of '\(escapedForTerminal(path))'; "
        + "correct the clock, or wait"
    case .clockJumped(let path, let from, let to):
      "the time lies in epoch \(to), '\(escapedForTerminal(path))' is at \(from); correct the clock, or "
        + "begin anew with a key that the verifier is given"
    }
  }
}
