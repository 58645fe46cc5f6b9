internal import LogFormat
public import Quantities

/// How much of a stream is kept.
///
/// A record is beyond a bound when it is old enough, or enough newer ones are there. Whole segments go, each once
/// all of its records are beyond one of the bounds: a little more is kept than asked for, never less. The segment
/// that takes the appends stays; one whose records are all too old is ended first.
///
/// Age is the stream's own append time, so a producer whose clock is wrong pins nothing and removes nothing.
public struct RetentionPolicy: Hashable, Sendable {
  /// Nanoseconds for which records are kept after their append; 0 for no such bound.
  public var maximumAgeNanoseconds: UInt64 = 0
  /// Bytes of the newest records that are kept, with their frames; 0 for no such bound.
  public var maximumByteCount: UInt64 = 0
  /// How many of the newest records are kept; 0 for no such bound.
  public var maximumRecordCount: UInt64 = 0
  /// Cursors of the stream that have a say, as ``acknowledgement`` says; at most 256. One that was never set
  /// needs every record.
  public var cursorNames: [String] = []
  /// What the cursors decide.
  public var acknowledgement: Acknowledgement = .ignored

  /// What the cursors of a policy decide.
  public enum Acknowledgement: String, Hashable, Sendable, CaseIterable {
    /// Nothing.
    case ignored
    /// Records that no cursor needs any more go.
    case removes
    /// Records that a cursor still needs stay, whatever the other bounds say.
    case protects
    /// Records go when no cursor needs them any more, and never before.
    case decides
  }

  /// A policy that keeps everything.
  public init() {}

  /// Whether nothing ever goes.
  public var keepsEverything: Bool {
    maximumAgeNanoseconds == 0 && maximumByteCount == 0 && maximumRecordCount == 0
      && !acknowledgement.removes
  }

  func edit(ofStream streamID: UInt64) -> ManifestEdit.Retention {
    ManifestEdit.Retention(
      streamID: streamID, maximumAge: maximumAgeNanoseconds, maximumByteCount: maximumByteCount,
      maximumRecordCount: maximumRecordCount, acknowledgement: acknowledgement.bits,
      cursorNames: cursorNames)
  }

  init(_ edit: ManifestEdit.Retention?) {
    guard let edit else { return }
    maximumAgeNanoseconds = edit.maximumAge
    maximumByteCount = edit.maximumByteCount
    maximumRecordCount = edit.maximumRecordCount
    cursorNames = edit.cursorNames
    acknowledgement = Acknowledgement(edit.acknowledgement)
  }
}

extension RetentionPolicy.Acknowledgement {
  var removes: Bool { self == .removes || self == .decides }
  var protects: Bool { self == .protects || self == .decides }

  fileprivate var bits: ManifestEdit.Acknowledgement {
    var bits: ManifestEdit.Acknowledgement = []
    if removes { bits.insert(.removes) }
    if protects { bits.insert(.protects) }
    return bits
  }

  fileprivate init(_ bits: ManifestEdit.Acknowledgement) {
    self =
      switch (bits.contains(.removes), bits.contains(.protects)) {
      case (false, false): .ignored
      case (true, false): .removes
      case (false, true): .protects
      case (true, true): .decides
      }
  }
}

/// Records that may not go, whatever else is said: of one stream, or of all.
public struct RetentionHold: Hashable, Sendable {
  /// Its name, by which it is released.
  public let name: String
  /// Why: a case, a person, a letter.
  public let reason: String
  /// The stream; `nil` for all, those to come too.
  public let stream: String?
  /// The records.
  public let offsets: Range<Offset>
  /// When it was placed, by the wall clock.
  public let time: Timestamp
}
