public import PlatformIO

/// One changing operation of a simulated file system, for looking at a failure and for observers.
public struct TracedOperation: Hashable, Sendable {
  /// Its number, from 1.
  public let number: Int
  /// What was done; a creation is `.open`.
  public let kind: FileSystemError.Operation
  /// The file, directory or entry.
  public let path: String
  /// Byte position it began at; 0 where there is none.
  public let position: UInt64
  /// Bytes it covered; 0 where there are none.
  public let byteCount: UInt64
  /// Why it failed; nil if it did not, and in an observer, which is called before it happens.
  public let failure: FileSystemError.Reason?
}

extension TracedOperation: CustomStringConvertible {
  /// One line of a trace.
  public var description: String {
    var line = "\(number) \(kind.rawValue) \(path)"
    if byteCount > 0 || position > 0 { line += " [\(position), +\(byteCount)]" }
    if let failure { line += " failed: \(failure)" }
    return line
  }
}
