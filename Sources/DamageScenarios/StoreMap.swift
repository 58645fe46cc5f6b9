internal import ByteCoding
internal import CommitLog
internal import LogFormat
internal import Quantities
internal import SimulatedIO

/// What an undamaged store holds: every record, and which bytes of which file say so.
struct StoreMap: Sendable {
  /// One frame of a segment, with the offsets around it.
  struct FramePlace: Sendable {
    let position: Int
    let length: Int
    let kind: FrameKind
    /// Bytes under its checksum.
    let covered: Int
    /// Position behind it, alignment included.
    let end: Int
    /// Offset of the next record in front of it and behind it.
    let first: UInt64
    let next: UInt64
  }

  struct SegmentPlace: Sendable {
    let streamID: UInt64
    let segmentID: UInt64
    let stream: String
    let path: String
    let salt: UInt64
    let base: UInt64
    let isActive: Bool
    let byteCount: Int
    /// Where it ends.
    let end: Int
    let frames: [FramePlace]
  }

  private(set) var segments: [SegmentPlace] = []
  /// Records by stream, in order.
  private(set) var records: [String: [Record]] = [:]
  let manifest: [ManifestEdit]
  let superblock: SuperBlock

  init(_ machine: Machine) throws(ScenarioError) {
    let reader = try step("opening") { try machine.openReader() }
    manifest = reader.manifestEdits
    superblock = reader.currentSuperblock
    var names: [UInt64: String] = [:]
    var salts: [UInt64: UInt64] = [:]
    var ended: Set<UInt64> = []
    for edit in manifest {
      switch edit {
      case .createStream(let definition): names[definition.streamID] = definition.name
      case .segmentPrepared(let definition): salts[definition.segmentID] = definition.salt
      case .segmentEnded(let end): ended.insert(end.segmentID)
      default: break
      }
    }
    for case .segmentActivated(let activation) in manifest {
      guard let name = names[activation.streamID], let salt = salts[activation.segmentID] else {
        continue
      }
      segments.append(
        try Self.segment(
          machine, activation, name: name, salt: salt,
          isActive: !ended.contains(activation.segmentID)))
    }
    for name in names.values {
      records[name] = try step("reading \(name)") {
        var log = try reader.makeReader(of: StreamName(name))
        return try log.records(max: .max)
      }
    }
  }

  private static func segment(
    _ machine: Machine, _ activation: ManifestEdit.SegmentActivation, name: String, salt: UInt64,
    isActive: Bool
  ) throws(ScenarioError) -> SegmentPlace {
    let path =
      "\(Machine.path)/s/\(Hexadecimal.digits(activation.streamID, count: 16))/"
      + "\(Hexadecimal.digits(activation.segmentID, count: 16)).seg"
    let bytes = try step("reading a file") { try machine.disk.readFile(path) }
    var frames: [FramePlace] = []
    var position = UInt64(SegmentLayout.preambleByteCount)
    var next = activation.baseOffset.rawValue
    let reader = FrameReader(bytes.rawSpan, salt: salt, limits: FormatLimits())
    while true {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        let first = next
        next = try offset(behind: frame) ?? next
        guard let kind = frame.head.kind else { break }
        let length = Int(frame.head.length)
        let covered = kind == .padding ? 16 : kind == .gap ? 32 : length
        frames.append(
          FramePlace(
            position: Int(position), length: length, kind: kind, covered: covered,
            end: Int(frame.end), first: first, next: next))
        position = frame.end
      } catch {
        break
      }
    }
    return SegmentPlace(
      streamID: activation.streamID, segmentID: activation.segmentID, stream: name, path: path,
      salt: salt, base: activation.baseOffset.rawValue, isActive: isActive, byteCount: bytes.count,
      end: Int(position), frames: frames)
  }

  private static func offset(behind frame: borrowing Frame) throws(FormatError) -> UInt64? {
    switch frame.head.kind {
    case .soloRecord: try SoloRecord.view(frame.bytes, head: frame.head).offset.rawValue + 1
    case .batch:
      try BatchView(frame.bytes, frameHead: frame.head, place: nil, limits: FormatLimits())
        .nextOffset.rawValue
    case .gap:
      try GapFrame(frame.bytes).firstOffset.rawValue + UInt64(try GapFrame(frame.bytes).count)
    default: nil
    }
  }

  /// The records of a stream within a range of offsets.
  func records(_ stream: String, from: UInt64, upTo: UInt64) -> ArraySlice<Record> {
    let all = records[stream] ?? []
    let low = all.partitionPoint { $0.offset.rawValue < from }
    return all[low..<max(low, all.partitionPoint { $0.offset.rawValue < upTo })]
  }
}
