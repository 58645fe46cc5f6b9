/// A byte place in a file, counted from its first byte.
public struct FilePosition: RawRepresentable, Hashable, Comparable, Sendable {
  /// Bytes from the start of the file.
  public var rawValue: UInt64

  /// Makes a position from a byte count.
  @inlinable
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  @inlinable
  public static func < (left: FilePosition, right: FilePosition) -> Bool {
    left.rawValue < right.rawValue
  }
}

extension FilePosition: CustomStringConvertible {
  public var description: String { String(rawValue) }
}
