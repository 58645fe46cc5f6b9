internal import ByteCoding
public import Cryptography
public import Integrity
internal import PlatformIO

extension SubjectKeyStore {
  /// The key of a subject; a fresh one, durable before it is returned, if there is none.
  ///
  /// However many threads ask at once, all are given the same key.
  ///
  /// - Parameters:
  ///   - subject: The subject's name, 1 to 1,024 bytes.
  ///   - isRenewable: Gives a subject that was erased a new key. The old one stays lost.
  /// - Throws: ``SubjectKeyStoreError``; `.erased` unless that is renewable.
  public func key(for subject: [UInt8], renewingErased isRenewable: Bool = false)
    throws(SubjectKeyStoreError) -> SubjectKey
  {
    let code = try code(of: subject)
    if let key = cache.withLock({ $0[code] }) { return key }
    return try files.withLock { files throws(SubjectKeyStoreError) in
      // Another thread may have been quicker.
      if let key = cache.withLock({ $0[code] }) { return key }
      switch try find(code, &files) {
      case .key(let key): return key
      case .erased:
        guard isRenewable else { throw .erased(path: path(of: code)) }
        return try create(code, wasErased: true, &files)
      case .none: return try create(code, wasErased: false, &files)
      }
    }
  }

  /// The key of a subject that has one; `nil` for a subject that is not known.
  ///
  /// - Parameter subject: The subject's name, 1 to 1,024 bytes.
  /// - Throws: ``SubjectKeyStoreError``; `.erased` for a subject that was erased.
  public func existingKey(for subject: [UInt8]) throws(SubjectKeyStoreError) -> SubjectKey? {
    let code = try code(of: subject)
    if let key = cache.withLock({ $0[code] }) { return key }
    return try files.withLock { files throws(SubjectKeyStoreError) in
      if let key = cache.withLock({ $0[code] }) { return key }
      switch try find(code, &files) {
      case .key(let key): return key
      case .erased: throw .erased(path: path(of: code))
      case .none: return nil
      }
    }
  }

  /// What stands for a subject in the statement of its erasure: tells the subject to nobody without the
  /// master key, and cannot be told from that of another.
  ///
  /// - Parameter subject: The subject's name, 1 to 1,024 bytes.
  /// - Throws: ``SubjectKeyStoreError``: `.name`.
  public func statementCode(of subject: [UInt8]) throws(SubjectKeyStoreError) -> Digest {
    Digest(erasureCode(of: try code(of: subject))) ?? Digest()
  }

  /// Erases a subject's key for ever, durably; may be repeated, and after an error should be.
  ///
  /// First the mark of erasure becomes durable, then the key's bytes are overwritten where they lie. A power
  /// cut leaves the key as it was or the mark; what is left to overwrite then is overwritten when the
  /// subject is next asked for. A damaged file is erased as well, unless it has a wrong size.
  ///
  /// - Parameter subject: The subject's name, 1 to 1,024 bytes.
  /// - Returns: Whether the subject was known; an unknown one leaves no trace.
  /// - Throws: ``SubjectKeyStoreError``.
  @discardableResult
  public func erase(_ subject: [UInt8]) throws(SubjectKeyStoreError) -> Bool {
    let code = try code(of: subject)
    return try files.withLock { files throws(SubjectKeyStoreError) in
      _ = cache.withLock { $0.removeValue(forKey: code) }
      if let wasErased = files.unconfirmed[code] {
        return try settle(code, wasErased: wasErased, &files)
      }
      guard let bytes = try readIfAny(code) else { return false }
      guard bytes.count == SubjectKeyFile.byteCount else { throw .damaged(path: path(of: code)) }
      // Also when the mark is there: nobody knows whether it is durable.
      try overwrite(code)
      return true
    }
  }

  // MARK: Files

  /// What is known of a subject.
  private enum Finding {
    case key(SubjectKey)
    case erased
    case none
  }

  private func name(of code: Digest) -> String { code.description }

  func path(of code: Digest) -> String { folder.directory.path(of: name(of: code)) }

  /// Does something with files.
  static func doing<Result: ~Copyable>(_ body: () throws(FileSystemError) -> Result)
    throws(SubjectKeyStoreError) -> Result
  {
    do throws(FileSystemError) { return try body() } catch { throw .fileSystem(error) }
  }

  private func readIfAny(_ code: Digest) throws(SubjectKeyStoreError) -> [UInt8]? {
    do throws(FileSystemError) {
      return try Self.read(name(of: code), in: folder.directory)
    } catch {
      if error.operation == .open, error.reason == .notFound { return nil }
      throw .fileSystem(error)
    }
  }

  private func find(_ code: Digest, _ files: inout Files) throws(SubjectKeyStoreError) -> Finding {
    if let wasErased = files.unconfirmed[code] { return wasErased ? .erased : .none }
    guard let bytes = try readIfAny(code) else { return .none }
    guard let file = SubjectKeyFile(bytes, erasureCode: erasureCode(of: code)) else {
      throw .damaged(path: path(of: code))
    }
    if file.isErased {
      // A power cut came between.
      if !file.hasNoKeyBytes { try overwrite(code) }
      return .erased
    }
    let (secret, _) = try files.masters.unwrap(file, for: code.bytes, path: path(of: code))
    return .key(keep(SubjectKey(secret), code))
  }

  private func keep(_ key: SubjectKey, _ code: Digest) -> SubjectKey {
    cache.withLock { cache in
      if cache.count >= Self.cachedKeyCountLimit { cache.removeAll() }
      cache[code] = key
    }
    return key
  }

  private func create(_ code: Digest, wasErased: Bool, _ files: inout Files)
    throws(SubjectKeyStoreError) -> SubjectKey
  {
    let secret = SecretKey(from: random.next)
    let wrapped: WrappedKey
    do throws(CryptographyError) {
      wrapped = try WrappedKey(
        secret, by: files.master, for: code.bytes, nonce: Self.nonce(from: random))
    } catch {
      throw .cryptography(error)
    }
    try install(SubjectKeyFile.fresh(wrapped), code, wasErased: wasErased, &files)
    return keep(SubjectKey(secret), code)
  }

  /// Gives a subject a new file, and remembers when that failed too late to know what came of it.
  private func install(
    _ bytes: [UInt8], _ code: Digest, wasErased: Bool, _ files: inout Files
  ) throws(SubjectKeyStoreError) {
    var mayHaveReplaced = false
    do throws(FileSystemError) {
      try folder.directory.replace(name(of: code), bytes: bytes) { mayHaveReplaced = true }
    } catch {
      if mayHaveReplaced { files.unconfirmed[code] = wasErased }
      throw .fileSystem(error)
    }
    files.unconfirmed[code] = nil
  }

  /// Erases a subject whose last file nobody saw: it was erased before, or never there.
  private func settle(_ code: Digest, wasErased: Bool, _ files: inout Files)
    throws(SubjectKeyStoreError) -> Bool
  {
    if wasErased {
      try install(
        SubjectKeyFile.erased(erasureCode(of: code)), code, wasErased: true, &files)
      return true
    }
    try Self.doing { () throws(FileSystemError) in
      do throws(FileSystemError) { try folder.directory.unlink(name(of: code)) } catch {
        guard error.reason == .notFound else { throw error }
      }
      try folder.directory.synchronize()
    }
    files.unconfirmed[code] = nil
    return false
  }

  /// Makes the mark of erasure durable, then overwrites the key.
  private func overwrite(_ code: Digest) throws(SubjectKeyStoreError) {
    try Self.doing { () throws(FileSystemError) in
      let file = try File(opening: name(of: code), in: folder.directory, .readWrite)
      // Before the key's bytes: or a power cut could leave a file that tells neither key nor erasure.
      try file.writeDurably(
        SubjectKeyFile.mark(erasureCode(of: code)).rawSpan, at: SubjectKeyFile.markPosition)
      try file.writeDurably((Sector.zeros + Sector.zeros).rawSpan, at: 0)
    }
  }
}
