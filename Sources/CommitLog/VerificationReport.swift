internal import PlatformIO
public import Quantities

/// A place of a store that is not what it should be.
public struct VerificationFinding: Error, Hashable, Sendable {
  /// Name of the stream; `nil` for what belongs to the store itself.
  public let stream: String?
  /// The segment; `nil` outside segments.
  public let segmentID: UInt64?
  /// The file.
  public let path: String
  /// First position that is not sound.
  public let from: FilePosition
  /// Position behind it; equal to `from` where it is a single place.
  public let to: FilePosition
  /// First offset that cannot be read because of it.
  public let firstOffset: Offset
  /// First offset that can be read again; equal to `firstOffset` when no record is hit.
  public let nextOffset: Offset
  /// What is wrong, in words.
  public let problem: String
}

extension VerificationFinding: CustomStringConvertible {
  public var description: String {
    let owner = stream.map { "stream '\(escapedForTerminal($0))', " } ?? ""
    let kind = segmentID == nil ? "file" : "segment"
    let place = from == to ? "position \(from)" : "positions \(from) to \(to)"
    let lost =
      firstOffset >= nextOffset
      ? "no record lost" : "offsets \(firstOffset) to \(nextOffset.rawValue - 1) lost"
    return "\(owner)\(kind) '\(escapedForTerminal(path))', \(place): \(problem); \(lost)"
  }
}

/// What a verification looked at and found.
public struct VerificationReport: Sendable {
  /// Everything that is not sound; empty for a sound store.
  public var findings: [VerificationFinding] = []
  /// What is worth knowing and no damage: tails the next opening decides about, files nobody knows.
  public var notes: [String] = []
  /// Streams looked at.
  public var streamCount = 0
  /// Segments looked at, those of the manifest included.
  public var segmentCount = 0
  /// Records looked at.
  public var recordCount: UInt64 = 0
  /// Groups of chain and tree that were made again from their records, and are the same.
  public var groupCount: UInt64 = 0
  /// Groups of which not all records are there any more: they were removed, or are damaged.
  public var unverifiableGroupCount: UInt64 = 0
  /// Bytes of segments looked at.
  public var byteCount: UInt64 = 0
  /// Whether everything was looked at; false when the caller ended it.
  public var isComplete = true

  /// A report of nothing.
  public init() {}

  /// Whether all that was looked at is sound.
  public var isSound: Bool { findings.isEmpty }
}
