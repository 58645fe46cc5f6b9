import Cryptography
import EvidenceFiles
import Integrity
import PlatformIO
import SimulatedIO
import Testing

/// A simulated disk with a store of subject keys, and what tests ask of it.
struct KeyRig {
  static let folder = "/keys"
  static let streamID = [UInt8](repeating: 0x5a, count: 16)

  let disk: SimulatedFileSystem

  /// An empty store under the first master key.
  init() throws {
    disk = SimulatedFileSystem()
    try SubjectKeyStore.create(
      at: Self.folder, masterKey: Self.master(1), fileSystem: disk, random: SeededRandom(seed: 1))
  }

  init(_ disk: SimulatedFileSystem) { self.disk = disk }

  static func master(_ byte: UInt8) -> SecretKey {
    SecretKey(from: { UInt64(byte) })
  }

  /// Opens the store; the master keys of these numbers are to be had.
  func open(masters: [UInt8] = [1, 2, 3], seed: UInt64 = 2) throws(SubjectKeyStoreError)
    -> SubjectKeyStore
  {
    let known = masters.map { Self.master($0) }
    return try SubjectKeyStore(
      opening: Self.folder, fileSystem: disk, random: SeededRandom(seed: seed)
    ) { number in known.first { WrappedKey.number(of: $0) == number } }
  }

  /// The folder after a power cut that left nothing but what was synced.
  var afterPowerCut: KeyRig { KeyRig(disk.crashImage(.loseAll, seed: 1)) }

  /// Files of subjects.
  var subjectPaths: [String] {
    disk.paths.filter { $0.utf8.count == Self.folder.utf8.count + 65 }
  }

  static func name(_ text: String) -> [UInt8] { Array(text.utf8) }

  /// What tells two keys apart.
  static func mark(_ key: SubjectKey?) -> [UInt8]? { key?.salt(streamID: streamID, offset: 0) }
}

/// The error of a store; `nil` when there is none.
func storeError(_ body: () throws(SubjectKeyStoreError) -> Void) -> SubjectKeyStoreError? {
  do throws(SubjectKeyStoreError) {
    try body()
    return nil
  } catch {
    return error
  }
}

extension SubjectKeyStore {
  /// What tells the key of a subject from others; `nil` when it was erased.
  func mark(_ name: String, isNew: Bool = true) throws(SubjectKeyStoreError) -> [UInt8]? {
    do throws(SubjectKeyStoreError) {
      return try KeyRig.mark(
        isNew ? key(for: KeyRig.name(name)) : existingKey(for: KeyRig.name(name)))
    } catch {
      if case .erased = error { return nil }
      throw error
    }
  }
}
