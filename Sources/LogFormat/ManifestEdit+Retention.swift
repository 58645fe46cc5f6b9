internal import ByteCoding
public import Quantities

extension ManifestEdit {
  /// How much of a stream is kept. A record is beyond a bound when enough newer ones are there, or it is old
  /// enough; a segment goes when all of its records are beyond one.
  public struct Retention: Hashable, Sendable {
    /// Its stream.
    public var streamID: UInt64
    /// Nanoseconds after their append for which records are kept; 0 for no such bound.
    public var maximumAge: UInt64
    /// Bytes of the newest frames that are kept; 0 for no such bound.
    public var maximumByteCount: UInt64
    /// Newest records that are kept; 0 for no such bound.
    public var maximumRecordCount: UInt64
    /// What the cursors decide.
    public var acknowledgement: Acknowledgement
    /// Cursors of the stream; each says which records it needs no more.
    public var cursorNames: [String]

    /// Most cursors of one stream that retention looks at.
    public static let cursorCountLimit = 256

    /// Makes a policy.
    public init(
      streamID: UInt64, maximumAge: UInt64 = 0, maximumByteCount: UInt64 = 0,
      maximumRecordCount: UInt64 = 0, acknowledgement: Acknowledgement = [],
      cursorNames: [String] = []
    ) {
      self.streamID = streamID
      self.maximumAge = maximumAge
      self.maximumByteCount = maximumByteCount
      self.maximumRecordCount = maximumRecordCount
      self.acknowledgement = acknowledgement
      self.cursorNames = cursorNames
    }
  }

  /// What the cursors of a stream decide.
  public struct Acknowledgement: OptionSet, Hashable, Sendable {
    /// The bits on disk.
    public let rawValue: UInt64
    /// Makes a set from its bits.
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Records that no cursor needs any more go.
    public static let removes = Acknowledgement(rawValue: 1 << 0)
    /// Records that a cursor still needs stay, whatever the other bounds say.
    public static let protects = Acknowledgement(rawValue: 1 << 1)

    /// Every bit this version knows.
    public static let known: Acknowledgement = [.removes, .protects]
  }

  /// Records that may not go: of one stream, or of all.
  public struct Hold: Hashable, Sendable {
    /// Its name, by which it is released.
    public var name: String
    /// Why: a case, a person, a letter.
    public var reason: String
    /// Its stream; 0 for all, those to come too.
    public var streamID: UInt64
    /// First record that is held.
    public var firstOffset: Offset
    /// First record behind it that is not; ``Quantities/Offset/maximum`` for no end.
    public var nextOffset: Offset
    /// When it was placed, by the wall clock.
    public var time: Timestamp

    /// Most bytes of the reason.
    public static let reasonByteCountLimit: UInt64 = 1_024

    /// Makes a hold.
    public init(
      name: String, reason: String, streamID: UInt64, firstOffset: Offset = .zero,
      nextOffset: Offset = .maximum, time: Timestamp
    ) {
      self.name = name
      self.reason = reason
      self.streamID = streamID
      self.firstOffset = firstOffset
      self.nextOffset = nextOffset
      self.time = time
    }
  }
}

extension ManifestEdit.Retention {
  func append(to bytes: inout [UInt8]) {
    bytes.append(
      words: streamID, maximumAge, maximumByteCount, maximumRecordCount, acknowledgement.rawValue,
      UInt64(cursorNames.count))
    for name in cursorNames { bytes.append(text: name) }
  }

  init(_ reader: inout FieldReader) throws(FormatError) {
    self.init(
      streamID: try reader.unsigned64(), maximumAge: try reader.unsigned64(),
      maximumByteCount: try reader.unsigned64(), maximumRecordCount: try reader.unsigned64(),
      acknowledgement: ManifestEdit.Acknowledgement(rawValue: try reader.unsigned64()))
    guard acknowledgement.isSubset(of: .known) else { throw .newer(.manifestEdit, .feature) }
    let count = try reader.unsigned64()
    guard count <= UInt64(Self.cursorCountLimit), count > 0 || acknowledgement.isEmpty else {
      throw .damaged(.manifestEdit, .length)
    }
    for _ in 0..<count {
      cursorNames.append(try reader.text(1...UInt64(FormatLimits.nameByteCountLimit)))
    }
  }
}

extension ManifestEdit.Hold {
  func append(to bytes: inout [UInt8]) {
    bytes.append(
      words: streamID, firstOffset.rawValue, nextOffset.rawValue, UInt64(bitPattern: time.rawValue))
    bytes.append(text: name)
    bytes.append(text: reason)
  }

  init(_ reader: inout FieldReader) throws(FormatError) {
    let streamID = try reader.unsigned64()
    let (first, next) = (try reader.offset(), try reader.offset())
    guard first < next else { throw .damaged(.manifestEdit, .order) }
    let time = Timestamp(rawValue: try reader.signed64())
    self.init(
      name: try reader.text(1...UInt64(FormatLimits.nameByteCountLimit)),
      reason: try reader.text(0...Self.reasonByteCountLimit), streamID: streamID,
      firstOffset: first, nextOffset: next, time: time)
  }
}
