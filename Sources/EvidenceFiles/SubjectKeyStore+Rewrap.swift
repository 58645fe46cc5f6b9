internal import ByteCoding
public import Cryptography
internal import Integrity
internal import PlatformIO

extension SubjectKeyStore {
  /// What a change of the master key came upon.
  public struct RewrapReport: Hashable, Sendable {
    /// Keys that are under the new master key now and under no other.
    public var keyCount = 0
    /// Subjects that were erased.
    public var erasedCount = 0
    /// Files that were damaged before and stay as they are, as an operator would look for them.
    public var damagedPaths: [String] = []
  }

  /// Brings all keys under another master key; once it has returned, the old one can be destroyed.
  ///
  /// Each file holds its key under both masters for a moment, so nothing is lost wherever the power goes;
  /// keys can be used and made meanwhile. After a crash or an error the store opens with either master key
  /// and asks for both, and this can be called again; it then begins at the front, with less to do.
  ///
  /// - Parameter master: The new master key.
  /// - Returns: What there was.
  /// - Throws: ``SubjectKeyStoreError``; `.masterKeyUnknown` for a key under a third master.
  public func rewrap(with master: SecretKey) throws(SubjectKeyStoreError) -> RewrapReport {
    let index = Array(Self.indexName.utf8)
    let entries = try files.withLock { files throws(SubjectKeyStoreError) in
      files.masters.add(master)
      // First, and under both: from here on the store opens with either.
      try add(master, to: Self.indexName, of: index, erasureCode: [], &files)
      files.master = master
      return try Self.doing { () throws(FileSystemError) in try folder.directory.entries() }
    }
    var report = RewrapReport()
    for entry in entries {
      guard let bytes = Hexadecimal.bytes(entry.name), let code = Digest(bytes) else { continue }
      try files.withLock { files throws(SubjectKeyStoreError) in
        do throws(SubjectKeyStoreError) {
          let erasureCode = erasureCode(of: code)
          if try add(
            master, to: entry.name, of: code.bytes, erasureCode: erasureCode, &files)
          {
            try removeOther(than: master, from: entry.name, erasureCode: erasureCode)
            report.keyCount += 1
          } else {
            report.erasedCount += 1
          }
        } catch {
          guard case .damaged(let path) = error else { throw error }
          report.damagedPaths.append(path)
        }
      }
    }
    try files.withLock { _ throws(SubjectKeyStoreError) in
      try removeOther(than: master, from: Self.indexName, erasureCode: [])
    }
    return report
  }

  private func load(_ name: String, erasureCode: [UInt8]) throws(SubjectKeyStoreError)
    -> SubjectKeyFile
  {
    let bytes = try Self.doing { () throws(FileSystemError) in
      try Self.read(name, in: folder.directory)
    }
    guard let file = SubjectKeyFile(bytes, erasureCode: erasureCode) else {
      throw .damaged(path: folder.directory.path(of: name))
    }
    return file
  }

  /// Makes sure that a file durably has a copy of its key under a master key.
  ///
  /// - Returns: Whether it has a key; `false` for a subject that was erased.
  @discardableResult
  private func add(
    _ master: SecretKey, to name: String, of subject: [UInt8], erasureCode: [UInt8],
    _ files: inout Files
  ) throws(SubjectKeyStoreError) -> Bool {
    let file = try load(name, erasureCode: erasureCode)
    if file.isErased { return false }
    let path = folder.directory.path(of: name)
    let number = WrappedKey.number(of: master)
    // Both copies hold the same key, so the one that is there already will do, if it opens.
    let (secret, source) = try files.masters.unwrap(file, for: subject, path: path)
    let bytes: [UInt8]
    let position: UInt64
    if source.key.masterNumber == number {
      // Written again: an earlier process may have written it without learning that it is durable.
      bytes = SubjectKeyFile.copy(source.key, number: source.number)
      position = source.position
    } else {
      do throws(CryptographyError) {
        let wrapped = try WrappedKey(
          secret, by: master, for: subject, nonce: Self.nonce(from: random))
        bytes = SubjectKeyFile.copy(wrapped, number: source.number &+ 1)
      } catch {
        throw .cryptography(error)
      }
      position = source.otherPosition
    }
    try Self.doing { () throws(FileSystemError) in
      let file = try File(opening: name, in: folder.directory, .readWrite)
      let sector = bytes
      try file.writeDurably(sector.rawSpan, at: position)
    }
    return true
  }

  /// Overwrites what a file has beside its copy under a master key.
  private func removeOther(than master: SecretKey, from name: String, erasureCode: [UInt8])
    throws(SubjectKeyStoreError)
  {
    let file = try load(name, erasureCode: erasureCode)
    let number = WrappedKey.number(of: master)
    guard let copy = file.copies.first(where: { $0.key.masterNumber == number }) else {
      throw .damaged(path: folder.directory.path(of: name))
    }
    try Self.doing { () throws(FileSystemError) in
      let file = try File(opening: name, in: folder.directory, .readWrite)
      let zeros = Sector.zeros
      try file.writeDurably(zeros.rawSpan, at: copy.otherPosition)
    }
  }
}
