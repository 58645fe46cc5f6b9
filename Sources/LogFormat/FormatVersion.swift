/// The version of the on-disk format and what a program may do with files of another version.
public struct FormatVersion: Hashable, Comparable, Sendable {
  /// Changes when older programs must not touch the file at all.
  public let major: UInt16
  /// Changes when something was added that older programs can ignore.
  public let minor: UInt16

  /// Makes a version.
  public init(major: UInt16, minor: UInt16) {
    self.major = major
    self.minor = minor
  }

  /// The version this program writes.
  public static let current = FormatVersion(major: 1, minor: 0)

  public static func < (left: FormatVersion, right: FormatVersion) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }
}

/// Three sets of feature bits, as file systems keep them.
public struct FeatureBits: Hashable, Sendable {
  /// Unknown bits here may be ignored.
  public var compatible: UInt32
  /// Unknown bits here allow reading only.
  public var readOnlyCompatible: UInt32
  /// Unknown bits here forbid any use.
  public var incompatible: UInt32

  /// Makes the three sets; none of their bits is defined yet.
  public init(compatible: UInt32 = 0, readOnlyCompatible: UInt32 = 0, incompatible: UInt32 = 0) {
    self.compatible = compatible
    self.readOnlyCompatible = readOnlyCompatible
    self.incompatible = incompatible
  }

  /// Bits of `readOnlyCompatible` this program knows.
  public static let knownReadOnlyCompatible: UInt32 = 0
  /// Bits of `incompatible` this program knows.
  public static let knownIncompatible: UInt32 = 0

  /// Whether this program may read the file.
  public var allowsReading: Bool { incompatible & ~Self.knownIncompatible == 0 }
  /// Whether this program may write to the file.
  public var allowsWriting: Bool {
    allowsReading && readOnlyCompatible & ~Self.knownReadOnlyCompatible == 0
  }
}
