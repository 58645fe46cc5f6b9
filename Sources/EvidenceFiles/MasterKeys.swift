internal import Cryptography
internal import Integrity

/// Master keys by number, asked for when one is needed and kept.
struct MasterKeys {
  let provider: @Sendable (UInt64) -> SecretKey?
  private var known: [UInt64: SecretKey] = [:]

  init(provider: @escaping @Sendable (UInt64) -> SecretKey?) { self.provider = provider }

  /// The key of a number; `nil` when it is not to be had.
  mutating func key(_ number: UInt64) -> SecretKey? {
    if let key = known[number] { return key }
    guard let key = provider(number), WrappedKey.number(of: key) == number else { return nil }
    known[number] = key
    return key
  }

  mutating func add(_ key: SecretKey) { known[WrappedKey.number(of: key)] = key }

  /// The key in a file, and the latest copy that could be opened.
  ///
  /// - Throws: `.masterKeyUnknown` when no copy could, but one might be; else `.damaged`.
  mutating func unwrap(_ file: SubjectKeyFile, for subject: [UInt8], path: String)
    throws(SubjectKeyStoreError) -> (SecretKey, SubjectKeyFile.Copy)
  {
    var unknown: UInt64?
    for copy in file.copies {
      guard let master = key(copy.key.masterNumber) else {
        unknown = unknown ?? copy.key.masterNumber
        continue
      }
      do throws(WrappedKeyError) {
        return (try copy.key.key(under: master, for: subject), copy)
      } catch {
        // The other copy holds the same key.
        if case .cryptography(let error) = error { throw .cryptography(error) }
      }
    }
    if let unknown { throw .masterKeyUnknown(path: path, number: unknown) }
    throw .damaged(path: path)
  }
}
