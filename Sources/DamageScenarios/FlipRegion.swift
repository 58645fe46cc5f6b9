internal import ByteCoding
internal import LogFormat
internal import SimulatedIO

/// A run of bytes of one structure: every bit in it is either covered by a checksum or free space.
struct FlipRegion: Sendable {
  /// Where it stands.
  enum Place: Sendable {
    /// A frame of a segment.
    case frame(segment: Int, frame: Int)
    /// Header or slot of a segment.
    case preamble(segment: Int)
    /// Behind the end of a segment.
    case behindEnd(segment: Int)
    /// A file of the store's root: superblock, manifest, lock.
    case root(path: String)
  }

  let name: String
  let place: Place
  let bytes: Range<Int>
  let isCovered: Bool

  var bitCount: Int { bytes.count * 8 }

  /// All regions of a store.
  static func all(_ map: StoreMap, _ machine: Machine) throws(ScenarioError) -> [FlipRegion] {
    var regions: [FlipRegion] = []
    for index in map.segments.indices { segmentRegions(map, index, &regions) }
    for path in machine.disk.paths where path.hasPrefix("\(Machine.path)/meta/") {
      try manifestRegions(path, map, machine, &regions)
    }
    let superblock = "\(Machine.path)/SUPER"
    for place in SuperBlock.positions {
      let start = Int(place)
      regions.append(root("superblock", superblock, start..<(start + 512), true))
      regions.append(
        root("free: superblock page", superblock, (start + 512)..<(start + 576), false))
    }
    let lock = "\(Machine.path)/LOCK"
    let size = try step("lock") { try machine.disk.readFile(lock).count }
    regions.append(root("lock", lock, 0..<min(64, size), false))
    return regions
  }

  private static func root(_ name: String, _ path: String, _ bytes: Range<Int>, _ isCovered: Bool)
    -> FlipRegion
  {
    FlipRegion(name: name, place: .root(path: path), bytes: bytes, isCovered: isCovered)
  }

  private static func segmentRegions(
    _ map: StoreMap, _ index: Int, _ regions: inout [FlipRegion]
  ) {
    let segment = map.segments[index]
    for (name, bytes, isCovered) in preamble {
      regions.append(
        FlipRegion(
          name: name, place: .preamble(segment: index), bytes: bytes, isCovered: isCovered))
    }
    for (number, frame) in segment.frames.enumerated() {
      let place = Place.frame(segment: index, frame: number)
      let covered = frame.position + frame.covered
      regions.append(
        FlipRegion(
          name: "frame \(frame.kind)", place: place, bytes: frame.position..<covered,
          isCovered: true))
      guard covered < frame.end else { continue }
      regions.append(
        FlipRegion(
          name: "free: \(frame.kind)", place: place, bytes: covered..<frame.end, isCovered: false))
    }
    let end = min(segment.end + 512, segment.byteCount)
    guard end > segment.end else { return }
    regions.append(
      FlipRegion(
        name: "free: behind the end", place: .behindEnd(segment: index), bytes: segment.end..<end,
        isCovered: false))
  }

  private static let preamble: [(String, Range<Int>, Bool)] = [
    ("segment header", 0..<4_096, true), ("recovery slot", 4_096..<4_608, true),
    ("free: slot page", 4_608..<4_672, false), ("recovery slot", 8_192..<8_704, true),
    ("free: slot page", 8_704..<8_768, false), ("segment header", 12_288..<16_384, true),
  ]

  private static func manifestRegions(
    _ path: String, _ map: StoreMap, _ machine: Machine, _ regions: inout [FlipRegion]
  ) throws(ScenarioError) {
    let bytes = try step("manifest") { try machine.disk.readFile(path) }
    let kind = path.hasSuffix(".mir") ? "mirror" : "manifest"
    for (name, range, isCovered) in preamble {
      regions.append(root("\(kind): \(name)", path, range, isCovered))
    }
    let reader = FrameReader(
      bytes.rawSpan, salt: map.superblock.manifestSalt, limits: FormatLimits())
    var position = UInt64(SegmentLayout.preambleByteCount)
    while true {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        let start = Int(position)
        let covered = start + Int(frame.head.length)
        regions.append(root("\(kind): frame", path, start..<covered, true))
        if covered < Int(frame.end) {
          regions.append(root("free: \(kind)", path, covered..<Int(frame.end), false))
        }
        position = frame.end
      } catch {
        break
      }
    }
    let end = Int(position)
    let behind = root("free: behind the \(kind)", path, end..<min(end + 256, bytes.count), false)
    regions.append(behind)
  }
}
