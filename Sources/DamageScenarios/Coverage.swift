internal import ByteCoding
internal import LogFormat
internal import SimulatedIO

/// Which bytes of a store's files some structure covers, and what nothing covers, by reason.
struct Coverage: Sendable {
  /// A run of covered bytes: one structure.
  struct Unit: Sendable {
    let file: String
    let bytes: Range<Int>
    let name: String
    /// The stream and the offsets of the records in it; `nil` where there are none.
    var records: (stream: String, offsets: Range<UInt64>)?
    /// The number of a recovery slot in its segment; 0 for all else.
    var sequence: UInt64 = 0
  }

  /// What recovery slots are called.
  static let slotName = "recovery slot"

  /// The structures of each file, by position.
  private(set) var units: [String: [Unit]] = [:]
  /// Bytes that nothing covers, by reason.
  private(set) var free: [(reason: String, file: String, bytes: Range<Int>)] = []
  /// All files, ascending, by path below the store.
  private(set) var files: [String] = []

  /// Maps a store.
  init(_ machine: Machine) throws(ScenarioError) {
    let map = try StoreMap(machine)
    let segments = Dictionary(map.segments.map { ($0.path, $0) }) { first, _ in first }
    for path in machine.disk.paths where path.hasPrefix(Machine.path + "/") {
      let name = String(path.dropFirst(Machine.path.utf8.count + 1))
      let bytes = try step("reading \(name)") { try machine.disk.readFile(path) }
      files.append(name)
      if name == "SUPER" {
        let ranges = SuperBlock.positions.map { Int($0)..<(Int($0) + SuperBlock.byteCount) }
        take(name, ranges.map { Unit(file: name, bytes: $0, name: "superblock") })
        leave(name, bytes.count) { _ in "pages of the superblock behind its two copies" }
      } else if let segment = segments[path] {
        take(name, Self.units(name, bytes, segment))
        leave(name, bytes.count, cuts: [SegmentLayout.preambleByteCount, segment.end]) {
          Self.reason($0, segment)
        }
      } else if name.hasPrefix("meta/") {
        take(name, Self.manifestUnits(name, bytes, map.superblock.manifestSalt))
        let end = units[name]?.last?.bytes.upperBound ?? 0
        let preamble = SegmentLayout.preambleByteCount
        leave(name, bytes.count, cuts: [preamble, end]) {
          $0 < preamble
            ? Self.slotReason
            : $0 < end ? "alignment in the manifest" : "behind the end of the manifest"
        }
      } else {
        leave(name, bytes.count) { _ in Self.foreign(name) }
      }
    }
  }

  private static let slotReason = "recovery slots not written yet, and pages behind slots"

  private static func foreign(_ name: String) -> String {
    switch name {
    case "LOCK": "LOCK, which says who writes"
    case "BALLAST": "BALLAST, space kept for full disks"
    default:
      name.hasPrefix("spare/")
        ? "spare files" : "segments that are prepared and hold nothing yet"
    }
  }

  private static func reason(_ position: Int, _ segment: StoreMap.SegmentPlace) -> String {
    if position >= segment.end { return "behind the end of a segment" }
    if position < SegmentLayout.preambleByteCount {
      return slotReason
    }
    return "padding, gaps and alignment between frames"
  }

  private mutating func take(_ file: String, _ found: [Unit]) {
    units[file] = found.sorted { $0.bytes.lowerBound < $1.bytes.lowerBound }
  }

  /// Notes what lies between the structures of a file.
  ///
  /// - Parameter cuts: Positions at which another reason begins.
  private mutating func leave(
    _ file: String, _ byteCount: Int, cuts: [Int] = [], _ reason: (Int) -> String
  ) {
    var position = 0
    func parts(upTo end: Int) -> [Range<Int>] {
      guard position < end else { return [] }
      let inner = cuts.filter { $0 > position && $0 < end }.sorted()
      return zip([position] + inner, inner + [end]).map { $0..<$1 }
    }
    for unit in units[file] ?? [] {
      free += parts(upTo: unit.bytes.lowerBound).map { (reason($0.lowerBound), file, $0) }
      position = unit.bytes.upperBound
    }
    free += parts(upTo: byteCount).map { (reason($0.lowerBound), file, $0) }
  }

  // MARK: Structures

  private static func preamble(_ file: String, _ bytes: [UInt8], _ salt: UInt64) -> [Unit] {
    var units = SegmentLayout.headerPositions.map {
      Unit(file: file, bytes: Int($0)..<(Int($0) + SegmentHeader.byteCount), name: "segment header")
    }
    for position in SegmentLayout.slotPositions {
      let range = Int(position)..<(Int(position) + RecoverySlot.byteCount)
      let sector = bytes.rawSpan.extracting(range)
      guard let slot = try? RecoverySlot(sector, salt: salt, at: position) else { continue }
      units.append(Unit(file: file, bytes: range, name: slotName, sequence: slot.sequence))
    }
    return units
  }

  private static func units(_ file: String, _ bytes: [UInt8], _ segment: StoreMap.SegmentPlace)
    -> [Unit]
  {
    preamble(file, bytes, segment.salt)
      + segment.frames.map { frame in
        let covered = Frame.coveredByteCount(frame.kind, length: frame.length)
        return Unit(
          file: file, bytes: frame.position..<(frame.position + covered), name: "\(frame.kind)",
          records: frame.first < frame.next ? (segment.stream, frame.first..<frame.next) : nil)
      }
  }

  private static func manifestUnits(_ file: String, _ bytes: [UInt8], _ salt: UInt64) -> [Unit] {
    var units = preamble(file, bytes, salt)
    let reader = FrameReader(bytes.rawSpan, salt: salt, limits: FormatLimits())
    var position = UInt64(SegmentLayout.preambleByteCount)
    while let frame = try? reader.frame(at: position, verifying: true) {
      let covered = frame.head.kind.map {
        Frame.coveredByteCount($0, length: Int(frame.head.length))
      }
      units.append(
        Unit(
          file: file, bytes: Int(position)..<(Int(position) + (covered ?? 0)),
          name: "manifest frame"))
      position = frame.end
    }
    return units
  }

  // MARK: Looking up

  /// The structures that a range of a file touches.
  func units(_ file: String, touching range: Range<Int>) -> ArraySlice<Unit> {
    let all = units[file] ?? []
    let from = all.partitionPoint { $0.bytes.upperBound <= range.lowerBound }
    let to = all.partitionPoint { $0.bytes.lowerBound < range.upperBound }
    return all[from..<max(from, to)]
  }

  /// Whether another slot of a slot's file tells that it was written, and is not among those changed.
  func isToldByOther(_ slot: Unit, _ changed: [Unit]) -> Bool {
    (units[slot.file] ?? []).contains { other in
      other.sequence > 1 && other.bytes != slot.bytes
        && !changed.contains { $0.file == other.file && $0.bytes == other.bytes }
    }
  }

  /// Bytes that some structure covers.
  var coveredByteCount: Int {
    units.values.reduce(0) { $0 + $1.reduce(0) { $0 + $1.bytes.count } }
  }

  /// Bytes that nothing covers, by reason.
  var freeByteCounts: [String: Int] {
    free.reduce(into: [:]) { $0[$1.reason, default: 0] += $1.bytes.count }
  }
}
