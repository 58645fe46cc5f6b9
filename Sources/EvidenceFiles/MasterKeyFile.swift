internal import ByteCoding
public import Cryptography
internal import Integrity
internal import PlatformIO

/// A file with a master key, outside every store: 32 bytes, or 64 lower-case hexadecimal digits with or
/// without a newline behind them, that nobody but its owner may read.
public enum MasterKeyFile {
  /// Most bytes of such a file.
  private static let byteCountLimit = 65

  /// Reads a master key.
  ///
  /// - Parameter path: The file; a link in its place is refused.
  /// - Throws: ``MasterKeyFileError``.
  public static func read(_ path: String) throws(MasterKeyFileError) -> SecretKey {
    do throws(SecretFile.Failure) {
      return try SecretFile.read(path, limit: byteCountLimit) { key($0) }
    } catch {
      switch error {
      case .unreadable(let number): throw .unreadable(path: path, errorNumber: number)
      case .exposed(let mode): throw .exposed(path: path, mode: mode)
      case .form: throw .form(path: path)
      }
    }
  }

  /// The number that a master key is known by, which tells nothing about it.
  public static func number(of key: SecretKey) -> UInt64 { WrappedKey.number(of: key) }

  /// The key that the bytes of a file are; `nil` for others.
  static func key(_ bytes: RawSpan) -> SecretKey? {
    if bytes.byteCount == SecretKey.byteCount { return SecretKey(bytes) }
    let digitCount = 2 * SecretKey.byteCount
    let hasNewline =
      bytes.byteCount == digitCount + 1 && bytes.unsigned8(at: digitCount) == 0x0a
    guard bytes.byteCount == digitCount || hasNewline else { return nil }
    var key: [UInt8] = []
    key.reserveCapacity(SecretKey.byteCount)
    defer { SecretKey.wipe(&key) }
    for position in stride(from: 0, to: digitCount, by: 2) {
      guard let high = bytes.unsigned8(at: position).flatMap(digit),
        let low = bytes.unsigned8(at: position + 1).flatMap(digit)
      else { return nil }
      key.append(high << 4 | low)
    }
    return SecretKey(key.rawSpan)
  }

  private static func digit(_ character: UInt8) -> UInt8? {
    switch character {
    case 0x30...0x39: character - 0x30
    case 0x61...0x66: character - 0x61 + 10
    default: nil
    }
  }
}

/// Why a file gives no master key. No error shows a byte of it.
public enum MasterKeyFileError: Error, Hashable, Sendable {
  /// The system does not let it be read.
  case unreadable(path: String, errorNumber: Int32)
  /// Others than its owner have rights to it.
  case exposed(path: String, mode: UInt32)
  /// Not a regular file with 32 bytes or 64 digits.
  case form(path: String)
}

extension MasterKeyFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unreadable(let path, let number):
      "'\(escapedForTerminal(path))' cannot be read (system error \(number)); give a file of yours "
        + "that is no link"
    case .exposed(let path, let mode):
      "'\(escapedForTerminal(path))' has mode \(String(mode, radix: 8)); take all rights from group "
        + "and others (chmod 600), and make a new key if they may have read it"
    case .form(let path):
      "'\(escapedForTerminal(path))' is no master key: 32 bytes or 64 lower-case hexadecimal digits"
    }
  }
}
