import ByteCoding
import LogFormat

/// Walks the frames of a segment from its first and decodes every one, until one is not intact.
public struct SegmentWalk: Sendable {
  /// Every record found, in order.
  public private(set) var records: [Record] = []
  /// Every intact frame: position and raw kind.
  public private(set) var frames: [(position: UInt64, kind: UInt8)] = []
  /// Every intact commit frame.
  public private(set) var commits: [CommitFrame] = []
  /// Where the walk stopped.
  public private(set) var end: UInt64
  /// Why it stopped.
  public private(set) var stop = FormatError.damaged(.frame, .empty)
  /// Errors of frames whose checksum holds.
  public private(set) var contradictions: [FormatError] = []
  /// Bytes looked at, the measure of work.
  public private(set) var byteCount = 0

  /// Walks `file` from `start`.
  public init(
    _ file: [UInt8], salt: UInt64, from start: UInt64 = 16_384,
    limits: FormatLimits = FormatLimits()
  ) {
    end = start
    let reader = FrameReader(file.rawSpan, salt: salt, limits: limits)
    while true {
      do {
        let frame = try reader.frame(at: end, verifying: true)
        byteCount += frame.bytes.byteCount
        frames.append((end, frame.head.rawKind))
        do throws(FormatError) {
          try decode(frame, salt: salt, limits: limits)
        } catch {
          contradictions.append(error)
        }
        end = frame.end
      } catch {
        stop = error
        return
      }
    }
  }

  private mutating func decode(_ frame: borrowing Frame, salt: UInt64, limits: FormatLimits)
    throws(FormatError)
  {
    switch frame.head.kind {
    case .soloRecord:
      let view = try SoloRecord.view(frame.bytes, head: frame.head)
      _ = try SoloRecord.producer(frame.bytes, head: frame.head)
      try take(view)
    case .batch:
      let word = frame.bytes.littleEndianUnsigned64(at: 0) ?? 0
      let place = FrameChecksum.place(salt: salt, position: frame.position, word: word)
      let batch = try BatchView(
        frame.bytes, frameHead: frame.head, place: place, limits: limits)
      _ = try batch.producer
      for index in 0..<batch.count { try take(batch.record(at: index)) }
    case .indexRows: _ = try IndexFrame(frame.bytes, at: frame.position)
    case .state: _ = try StateFrame(frame.bytes, at: frame.position, limits: limits)
    case .control: _ = try ControlFrame(frame.bytes)
    case .gap: _ = try GapFrame(frame.bytes)
    case .seal: _ = try SealBlock(frame.bytes, at: frame.position, limits: limits)
    case .commit: commits.append(try CommitFrame(frame.bytes, at: frame.position))
    case .integrity: _ = try IntegrityFrame(frame.bytes)
    case .padding, nil: return
    }
  }

  private mutating func take(_ view: borrowing RecordView) throws(FormatError) {
    let record = Record(copying: view)
    byteCount += record.value.count
    records.append(record)
    _ = try RecordHeaders.decoded(view.headers)
  }
}
