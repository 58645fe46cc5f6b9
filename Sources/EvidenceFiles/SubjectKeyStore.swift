internal import ByteCoding
public import Cryptography
internal import Integrity
public import PlatformIO

/// The keys of subjects, each in a file of its own under a master key, outside the store of the records.
///
/// A subject's file is named by a code of the subject's name, made with an index key that is under the master
/// key too. So finding a key costs the opening of one file, whatever the number of subjects; a key is durable
/// before it is shown; and an erasure is two small durable writes in place. What an erasure leaves is the
/// file with its mark: it tells that some subject was erased, and when, and to whoever holds the master key
/// also whether a name that he already knows is that subject's. The name itself stands nowhere.
///
/// A subject has the key it was given first, or was erased; a file that is damaged is an error and never
/// gives way to a new key. What this store cannot see is a file that somebody removed, or put back from an
/// older copy: say ``existingKey(for:)`` where records exist, and bring the store under a new master key
/// (``rewrap(with:)``) and destroy the old one to make old copies worthless. One process at a time can open
/// a store; methods may be called from any thread.
public final class SubjectKeyStore: Sendable {
  /// Most bytes of a subject's name; it has at least one, and any will do.
  public static let nameByteCountLimit = 1_024
  /// Keys that are kept in memory; when there would be more, all are let go.
  public static let cachedKeyCountLimit = 1 << 16

  static let indexName = "index"
  private static let lockName = "LOCK"
  private static let codeContext = Array("piperoll subject v1\n".utf8)
  private static let erasureContext = Array("piperoll erased subject v1\n".utf8)

  /// What is used while files are looked at or changed.
  struct Files {
    /// The master keys that are known.
    var masters: MasterKeys
    /// The one that new keys go under.
    var master: SecretKey
    /// Subjects whose creation failed so late that nobody knows what a restart will find, and whether they
    /// had been erased before. Their keys were shown to nobody.
    var unconfirmed: [Digest: Bool] = [:]
  }

  /// The folder, as an operator would look for it.
  public let path: String
  let files: Guarded<Files>
  /// Filled and emptied under the lock of `files` only.
  let cache = Guarded<[Digest: SubjectKey]>([:])
  let random: any RandomSource
  let folder: LockedFolder
  private let indexKey: SecretKey

  /// Makes an empty store.
  ///
  /// - Parameters:
  ///   - path: The folder; made with mode 0700 unless it is there, and then empty.
  ///   - masterKey: The key that all others are to be under.
  ///   - fileSystem: Where it is.
  ///   - random: Where keys and nonces come from.
  /// - Throws: ``SubjectKeyStoreError``: `.alreadyExists`, `.locked`, `.fileSystem`, `.cryptography`.
  public static func create(
    at path: String, masterKey: SecretKey, fileSystem: any FileSystem = PosixFileSystem(),
    random: any RandomSource = SystemRandom()
  ) throws(SubjectKeyStoreError) {
    let wrapped: WrappedKey
    do throws(CryptographyError) {
      wrapped = try WrappedKey(
        SecretKey(from: random.next), by: masterKey, for: Array(indexName.utf8),
        nonce: nonce(from: random))
    } catch {
      throw .cryptography(error)
    }
    do throws(FileSystemError) {
      do throws(FileSystemError) { try fileSystem.makeDirectory(path: path) } catch {
        guard error.reason == .alreadyExists else { throw error }
      }
      try fileSystem.synchronizeParent(ofDirectoryAt: path)
    } catch {
      throw .fileSystem(error)
    }
    let folder = try openFolder(path, fileSystem)
    do throws(FileSystemError) {
      let ours = [lockName, ".\(indexName).new"]
      guard try folder.directory.entries().allSatisfy({ ours.contains($0.name) }) else {
        throw FileSystemError(.open, path, .alreadyExists)
      }
      try folder.directory.replace(indexName, bytes: SubjectKeyFile.fresh(wrapped))
    } catch {
      throw error.operation == .open && error.reason == .alreadyExists
        ? .alreadyExists(path: path) : .fileSystem(error)
    }
  }

  /// Opens a store.
  ///
  /// - Parameters:
  ///   - path: The folder.
  ///   - fileSystem: Where it is.
  ///   - random: Where keys and nonces come from.
  ///   - masterKey: Gives the master key of a number (`WrappedKey.number(of:)`), or `nil`. Asked once a
  ///     number, at the latest when the first key under it is wanted.
  /// - Throws: ``SubjectKeyStoreError``: `.notAStore`, `.locked`, `.masterKeyUnknown`, `.damaged`,
  ///   `.fileSystem`, `.cryptography`.
  public init(
    opening path: String, fileSystem: any FileSystem = PosixFileSystem(),
    random: any RandomSource = SystemRandom(),
    masterKey: @escaping @Sendable (_ number: UInt64) -> SecretKey?
  ) throws(SubjectKeyStoreError) {
    let folder = try Self.openFolder(path, fileSystem)
    let bytes: [UInt8]
    do throws(FileSystemError) {
      // A name that an earlier process gave may not be durable yet, and then its key must not be shown.
      try folder.directory.synchronize()
      bytes = try Self.read(Self.indexName, in: folder.directory)
    } catch {
      throw error.operation == .open && error.reason == .notFound
        ? .notAStore(path: path) : .fileSystem(error)
    }
    let indexPath = folder.directory.path(of: Self.indexName)
    guard let file = SubjectKeyFile(bytes, erasureCode: []) else { throw .damaged(path: indexPath) }
    var masters = MasterKeys(provider: masterKey)
    let (key, copy) = try masters.unwrap(file, for: Array(Self.indexName.utf8), path: indexPath)
    guard let master = masters.key(copy.key.masterNumber) else { throw .damaged(path: indexPath) }
    self.path = path
    self.random = random
    self.folder = folder
    indexKey = key
    files = Guarded(Files(masters: masters, master: master))
  }

  private static func openFolder(_ path: String, _ fileSystem: any FileSystem)
    throws(SubjectKeyStoreError) -> LockedFolder
  {
    do throws(FileSystemError) {
      return try LockedFolder(opening: path, lockName: lockName, fileSystem)
    } catch {
      throw error.isLocked ? .locked(path: path) : .fileSystem(error)
    }
  }

  // MARK: Names and codes

  /// The code that stands for a subject's name.
  func code(of subject: [UInt8]) throws(SubjectKeyStoreError) -> Digest {
    guard !subject.isEmpty, subject.count <= Self.nameByteCountLimit else {
      throw .name(byteCount: subject.count)
    }
    return indexKey.code(of: Self.codeContext + subject)
  }

  /// What a mark of erasure holds.
  func erasureCode(of code: Digest) -> [UInt8] {
    indexKey.code(of: Self.erasureContext + code.bytes).bytes
  }

  /// Random bytes for a nonce.
  static func nonce(from random: any RandomSource) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendLittleEndian(random.next())
    bytes.appendLittleEndian(UInt32(truncatingIfNeeded: random.next()))
    return bytes
  }

  /// All bytes of a file, or one byte more than any has.
  static func read(_ name: String, in directory: borrowing Directory) throws(FileSystemError)
    -> [UInt8]
  {
    let file = try File(opening: name, in: directory, .readOnly)
    return try file.system.read(
      file.handle, byteCount: SubjectKeyFile.byteCount + 1, at: 0)
  }
}
