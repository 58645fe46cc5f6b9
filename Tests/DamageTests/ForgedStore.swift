import CommitLog
import LogFormat
import Quantities
import SimulatedIO
import TestSupport
import Testing

@testable import DamageScenarios

/// A store whose structures are changed and given right checksums again, one field at a time.
struct ForgedStore {
  let machine: Machine
  let map: StoreMap
  let seed: UInt64

  init(seed: UInt64, byteCount: Int = 40 << 10) throws {
    self.seed = seed
    machine = try Population.make(seed: seed, byteCount: byteCount)
    map = try StoreMap(machine)
  }

  /// A structure of a file: its bytes, and what its checksums depend on.
  struct Target {
    let name: String
    /// Files that get the same change: a manifest and its mirror.
    let paths: [String]
    /// The stream whose records may change; `nil` when all may.
    let stream: String?
    /// Every place the structure stands at, copies included, with its form.
    let places: [(position: Int, form: Forge.Structure)]
    let byteCount: Int
  }

  /// One field set to one value.
  struct Change {
    let field: Int
    let size: Int
    let value: UInt64
  }

  /// Numbers at the ends of what a field can hold, and next to what is there.
  private static let extremes: [UInt64] = [
    0, 1, 7, 0xff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 62,
    UInt64(Int64.max) - 1, UInt64(Int64.max), 1 << 63, .max - 7, .max,
  ]

  /// A seeded choice of changes: every field of the head, and some places behind it.
  func changes(of target: Target, count: Int) -> [Change] {
    let random = SeededRandom(seed: seed &* 31 &+ UInt64(target.byteCount))
    let reach = min(target.byteCount, random.oneIn(2) ? 256 : target.byteCount)
    return (0..<count).map { number in
      let size = [8, 8, 4, 2, 1][random.below(5)]
      let field =
        number % 3 == 0 ? random.below(max(1, reach / size)) : random.below(max(1, 128 / size))
      return Change(
        field: min(field * size, max(0, target.byteCount - size)), size: size,
        value: Self.extremes[random.below(Self.extremes.count)])
    }
  }

  /// A copy of the machine with one change, checksums mended.
  func forged(_ target: Target, _ change: Change) throws -> Machine {
    let copy = machine.copy()
    for path in target.paths {
      var bytes = try copy.disk.readFile(path)
      for (position, form) in target.places {
        let range = position..<(position + target.byteCount)
        let changed = Forge.changed(
          Array(bytes[range]), form, at: change.field, size: change.size, to: change.value)
        bytes.replaceSubrange(range, with: changed)
      }
      try copy.disk.replaceFile(path, with: bytes)
    }
    return copy
  }

  /// Words of a manifest frame set to their extremes: fields of edits, all of them 8 bytes.
  func changesOfEdits(in target: Target, count: Int) -> [Change] {
    let random = SeededRandom(seed: seed &* 37 &+ UInt64(target.places[0].position))
    let words = max(1, target.byteCount / 8)
    return (0..<count).map { _ in
      Change(
        field: min(random.below(words) * 8, target.byteCount - 8), size: 8,
        value: [UInt64.max, 1 << 63, 1 << 62, UInt64(Int64.max), 0][random.below(5)])
    }
  }

  // MARK: Structures

  /// The first and the last frame of each kind in each stream.
  func frames(_ kind: FrameKind) -> [Target] {
    var targets: [Target] = []
    for stream in Set(map.segments.map(\.stream)).sorted() {
      let all = map.segments.filter { $0.stream == stream }.flatMap { segment in
        segment.frames.filter { $0.kind == kind }.map { (segment, $0) }
      }
      guard let first = all.first, let last = all.last else { continue }
      for (segment, frame) in [first, last] {
        targets.append(
          Target(
            name: "\(kind) at \(frame.position)", paths: [segment.path], stream: stream,
            places: [
              (frame.position, .frame(salt: segment.salt, position: UInt64(frame.position)))
            ], byteCount: frame.length))
      }
    }
    return targets
  }

  /// Headers of the segments that are active and of those that were sealed first.
  func headers() -> [Target] {
    chosenSegments.map { segment in
      Target(
        name: "header", paths: [segment.path], stream: segment.stream,
        places: SegmentLayout.headerPositions.map { (Int($0), .header(position: $0)) },
        byteCount: SegmentHeader.byteCount)
    }
  }

  func slots() -> [Target] {
    chosenSegments.flatMap { segment in
      SegmentLayout.slotPositions.map { place in
        Target(
          name: "slot", paths: [segment.path], stream: segment.stream,
          places: [(Int(place), .slot(salt: segment.salt, position: place))],
          byteCount: RecoverySlot.byteCount)
      }
    }
  }

  private var chosenSegments: [StoreMap.SegmentPlace] {
    map.segments.enumerated().filter { $0.offset % 5 == 0 || $0.element.isActive }.map(\.element)
  }

  func superblocks() -> [Target] {
    let places = SuperBlock.positions.map { (Int($0), Forge.Structure.superblock(position: $0)) }
    let path = "\(Machine.path)/SUPER"
    let all = places.map { [$0] } + [places]
    return all.map {
      Target(
        name: "superblock", paths: [path], stream: nil, places: $0,
        byteCount: SuperBlock.byteCount)
    }
  }

  /// The frames of the manifest with the edits in them, in both files alike.
  func manifestFrames() throws -> [Target] {
    let folder = "\(Machine.path)/meta/"
    let paths = machine.disk.paths.filter { $0.hasPrefix(folder) }
    let bytes = try machine.disk.readFile(#require(paths.first))
    let salt = map.superblock.manifestSalt
    let reader = FrameReader(bytes.span.bytes, salt: salt, limits: FormatLimits())
    var targets: [Target] = []
    var position = UInt64(SegmentLayout.preambleByteCount)
    while let frame = try? reader.frame(at: position, verifying: true) {
      targets.append(
        Target(
          name: "manifest at \(position)", paths: paths, stream: nil,
          places: [(Int(position), .frame(salt: salt, position: position))],
          byteCount: Int(frame.head.length)))
      position = frame.end
    }
    return targets
  }

  // MARK: Judging

  /// Uses a forged store in every way there is; what is wrong, `nil` when nothing is.
  ///
  /// Every error is typed by the functions that are called; what can go wrong is a trap, a walk that
  /// does not end, another stream's records, and a file that stays open.
  func problem(_ copy: Machine, _ target: Target) throws -> String? {
    if let problem = try problemOfReading(copy, target) { return problem }
    // Damage is in the report; what cannot be opened at all is an error.
    _ = try? StoreVerification.run(
      at: Machine.path, options: copy.options, environment: copy.environment)
    write(copy)
    return openFiles(copy)
  }

  private func write(_ copy: Machine) {
    guard let store = try? copy.open() else { return }
    for name in map.records.keys.sorted() where !name.hasPrefix("empty") {
      guard let log = try? store.anyStream(StreamName(name)) else { continue }
      _ = try? log.append([1, 2, 3])
      _ = try? log.flush()
    }
    _ = try? store.createStream(StreamName("one more"))
    store.close()
  }

  private func problemOfReading(_ copy: Machine, _ target: Target) throws
    -> String?
  {
    guard let store = try? copy.openReader() else { return nil }
    for name in map.records.keys.sorted() {
      let isTouched = target.stream == nil || target.stream == name
      let found: [Record]?
      do {
        found = try records(store, name)
      } catch is Endless {
        return "\(name): reading does not come to an end"
      } catch {
        found = nil
      }
      if !isTouched, found != map.records[name] { return "\(name) has other records" }
      guard var reader = try? store.makeReader(of: StreamName(name)) else { continue }
      try? reader.seek(to: .time(Timestamp(rawValue: 1_650_000_000_000_000_000)))
      try? reader.seek(to: .offset(Offset(rawValue: 5)))
      _ = try? reader.read(max: 3) { _ in }
    }
    return nil
  }

  private struct Endless: Error {}

  private func records(_ store: StoreReader, _ name: String) throws -> [Record] {
    var reader = try store.makeReader(of: StreamName(name))
    var result: [Record] = []
    for round in 0... {
      if round == 5_000 { throw Endless() }
      do throws(ReadError) {
        if try reader.read({ result.append(Record(copying: $0)) }) == 0 { break }
      } catch {
        guard case .damaged = error else { throw error }
      }
    }
    return result
  }

  private func openFiles(_ copy: Machine) -> String? {
    copy.disk.openHandleCount == 0 ? nil : "\(copy.disk.openHandleCount) files stay open"
  }
}
