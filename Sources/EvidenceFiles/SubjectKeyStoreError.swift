internal import ByteCoding
public import Cryptography
public import PlatformIO

/// Why a subject's key cannot be had. No error shows a subject's name or a key.
public enum SubjectKeyStoreError: Error, Hashable, Sendable {
  /// The file system refused.
  case fileSystem(FileSystemError)
  /// Another process has the store open.
  case locked(path: String)
  /// The folder is no store of subject keys, or has lost its index key.
  case notAStore(path: String)
  /// A store is there already, or something else is.
  case alreadyExists(path: String)
  /// A subject's name is empty or too long.
  case name(byteCount: Int)
  /// The subject was erased.
  case erased(path: String)
  /// A file is not what was written: too short, too long, foreign, or with changed bytes.
  case damaged(path: String)
  /// A key is under a master key that was not given.
  case masterKeyUnknown(path: String, number: UInt64)
  /// libcrypto failed.
  case cryptography(CryptographyError)
}

extension SubjectKeyStoreError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .fileSystem(let error): error.description
    case .locked(let path):
      "'\(escapedForTerminal(path))' is open in another process; stop that one first"
    case .notAStore(let path):
      "'\(escapedForTerminal(path))' holds no index key; give the right folder, or restore the file"
    case .alreadyExists(let path):
      "'\(escapedForTerminal(path))' is not empty; open it, or create the store elsewhere"
    case .name(let byteCount):
      "a subject's name of \(byteCount) bytes; it has 1 to \(SubjectKeyStore.nameByteCountLimit)"
    case .erased(let path):
      "the subject of '\(escapedForTerminal(path))' was erased; a new key must be asked for expressly"
    case .damaged(let path):
      "'\(escapedForTerminal(path))' is damaged; restore it from a copy, or erase the subject"
    case .masterKeyUnknown(let path, let number):
      "'\(escapedForTerminal(path))' is under master key \(Hexadecimal.digits(number, count: 16)), "
        + "which was not given; give that one"
    case .cryptography(let error): "\(error)"
    }
  }
}
