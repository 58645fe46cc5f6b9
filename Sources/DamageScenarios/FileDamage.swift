internal import ByteCoding
internal import CommitLog
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import SimulatedIO

/// Damages whole files of a store, and sectors of them, and judges what the engine makes of it.
public struct FileDamage: Sendable {
  /// Decides the store's content and the sectors.
  public var seed: UInt64
  /// Bytes of values in the store.
  public var byteCount = 600 << 10
  /// Sectors damaged in each way.
  public var sectorCount = 60
  /// Step between the lengths files are cut to, in bytes.
  public var cutStep = 4_096
  /// Of the damages of one sort, how many are tried: all, or the first and one in so many others.
  public var gap = 1
  /// Files with foreign names.
  public var foreignCount = 1_000

  /// Makes a run.
  public init(seed: UInt64) { self.seed = seed }

  /// Runs it.
  public func run() throws(ScenarioError) -> Tally {
    let machine = try Population.make(seed: seed, byteCount: byteCount)
    let run = try FileDamageRun(machine, self)
    var tally = Tally()
    try run.replacements(&tally)
    try run.cuts(&tally)
    try run.exchanges(&tally)
    try run.foreignNames(&tally)
    try run.sectors(&tally)
    try run.roots(&tally)
    try run.hardLinks(&tally)
    return tally
  }
}

/// One run over one store.
struct FileDamageRun {
  let machine: Machine
  let settings: FileDamage
  let map: StoreMap
  let endurance: Endurance
  let random: SeededRandom

  init(_ machine: Machine, _ settings: FileDamage) throws(ScenarioError) {
    self.machine = machine
    self.settings = settings
    map = try StoreMap(machine)
    endurance = Endurance(map: map)
    random = SeededRandom(seed: settings.seed &* 97)
  }

  /// Damages a copy of the store and judges it.
  func attempt(
    _ structure: String, _ name: String, _ damage: Endurance.Damage, _ tally: inout Tally,
    _ body: (SimulatedFileSystem) throws -> Void
  ) throws(ScenarioError) {
    let isFirst = tally.counts[structure] == nil
    guard isFirst || settings.gap == 1 || random.oneIn(settings.gap) else { return }
    let copy = machine.copy()
    try step(name) { try body(copy.disk) }
    tally.note(structure, endurance.judge(copy, damage).map { "\(name): \($0)" })
  }

  /// The segments worth damaging: of each stream the first, one in the middle, and the active one.
  var victims: [StoreMap.SegmentPlace] {
    var chosen: [StoreMap.SegmentPlace] = []
    for name in ["solo", "batches", "memory", "large"] {
      let all = map.segments.filter { $0.stream == name }
      for index in Set([0, all.count / 2, all.count - 1]).sorted() where all.indices.contains(index)
      {
        chosen.append(all[index])
      }
    }
    return chosen
  }

  private func touched(_ segments: StoreMap.SegmentPlace...) -> Endurance.Damage {
    Endurance.Damage(streams: Set(segments.map(\.stream)))
  }

  // MARK: Files

  func replacements(_ tally: inout Tally) throws(ScenarioError) {
    for victim in victims {
      let path = victim.path
      try attempt("missing", path, touched(victim), &tally) { try $0.removeFile(path) }
      for (name, special) in Self.specials {
        try attempt("replaced by a \(name)", path, touched(victim), &tally) {
          try $0.placeSpecialFile(special, at: path)
        }
      }
      try attempt("replaced by a directory", path, touched(victim), &tally) {
        try $0.placeDirectory(at: path)
      }
      try attempt("a giant", path, touched(victim), &tally) {
        try $0.truncate(path, to: 1 << 39)
      }
      try attempt("foreign bytes", path, touched(victim), &tally) {
        try $0.replaceFile(path, with: Array(repeating: 0x5a, count: 100_000))
      }
    }
  }

  static let specials: [(String, SpecialFile)] = [
    ("link", .symbolicLink(to: "/data/store/SUPER")), ("dangling link", .symbolicLink(to: "/no")),
    ("FIFO", .fifo), ("socket", .socket), ("device", .device),
  ]

  func cuts(_ tally: inout Tally) throws(ScenarioError) {
    for victim in victims {
      var lengths = [0, 1, 4_095, 4_096, 16_383, 16_384, 16_385, victim.end - 1, victim.end]
      lengths += stride(from: 20_480, to: victim.byteCount, by: settings.cutStep)
      for length in lengths where length < victim.byteCount {
        try attempt("cut", "\(victim.path) to \(length)", touched(victim), &tally) {
          try $0.truncate(victim.path, to: length)
        }
      }
    }
  }

  func exchanges(_ tally: inout Tally) throws(ScenarioError) {
    let other = try Population.make(
      seed: settings.seed &+ 1_000, byteCount: settings.byteCount)
    let all = victims
    for (index, first) in all.enumerated() {
      for second in all[(index + 1)...] {
        try attempt(
          "exchanged", "\(first.path) and \(second.path)", touched(first, second), &tally
        ) { disk in
          let bytes = try disk.readFile(first.path)
          try disk.replaceFile(first.path, with: disk.readFile(second.path))
          try disk.replaceFile(second.path, with: bytes)
        }
      }
      try attempt("another store's", first.path, touched(first), &tally) {
        try $0.replaceFile(first.path, with: other.disk.readFile(first.path))
      }
      try attempt("copied over", first.path, touched(first), &tally) {
        try $0.replaceFile(first.path, with: $0.readFile(all[(index + 1) % all.count].path))
      }
      try attempt("duplicate", first.path, Endurance.Damage(), &tally) {
        let twin = String(first.path.dropLast(20)) + "00000000000fffff.seg"
        try $0.replaceFile(twin, with: $0.readFile(first.path))
      }
    }
    try exchangePrepared(&tally)
  }

  /// A prepared file and a segment: nothing may be written over the segment's bytes.
  private func exchangePrepared(_ tally: inout Tally) throws(ScenarioError) {
    let known = Set(map.segments.map(\.path))
    for path in machine.disk.paths
    where path.hasPrefix("\(Machine.path)/s/") && !known.contains(path) {
      let segments = map.segments.filter { $0.path.hasPrefix(path.dropLast(20)) }
      for victim in [segments.first, segments.last(where: \.isActive)].compactMap(\.self) {
        try exchange(victim, withPrepared: path, &tally)
      }
    }
  }

  private func exchange(
    _ victim: StoreMap.SegmentPlace, withPrepared path: String, _ tally: inout Tally
  ) throws(ScenarioError) {
    let copy = machine.copy()
    try step("exchange") {
      let bytes = try copy.disk.readFile(path)
      let taken = try copy.disk.readFile(victim.path)
      try copy.disk.replaceFile(path, with: taken)
      try copy.disk.replaceFile(victim.path, with: bytes)
      let problem = endurance.judge(copy, touched(victim))
      let isKept = copy.disk.paths.contains {
        (try? copy.disk.readFile($0))?.starts(with: taken[..<victim.end]) ?? false
      }
      tally.note(
        "exchanged with a prepared file",
        problem.map { "\(victim.path) and \(path): \($0)" }
          ?? (isKept ? nil : "\(path) was written over"))
    }
  }

  // MARK: Names

  func foreignNames(_ tally: inout Tally) throws(ScenarioError) {
    let names = [
      "99999999999999999999.seg", "0000000000000001.tmp", "SUPER.new", ".SUPER.new", "a b",
      "\u{202e}txt.seg",
      "\u{fffd}\u{fffd}", "0000000000000001.seg~", "00000000000000AB.seg", "-rf", "é", "e\u{301}",
      "000000000000000g.seg", "ffffffffffffffff.seg", "ffffffffffffffff.mir", ".", "core",
    ]
    let places = ["", "/s", "/s/0000000000000001", "/meta", "/spare", "/q"]
    try attempt("foreign names", "many", Endurance.Damage(), &tally) { disk in
      for place in places {
        for name in names where name != "." {
          try disk.replaceFile("\(Machine.path)\(place)/\(name)", with: [1, 2, 3])
        }
        for number in 0..<(settings.foreignCount / places.count) {
          try disk.replaceFile("\(Machine.path)\(place)/x\(number)", with: [])
        }
      }
      try disk.placeSpecialFile(.fifo, at: "\(Machine.path)/spare/0000000000000077.seg")
      try disk.placeSpecialFile(.symbolicLink(to: "/"), at: "\(Machine.path)/s/00000000000000aa")
    }
  }

  /// Segments with a second name are dropped, never used again.
  func hardLinks(_ tally: inout Tally) throws(ScenarioError) {
    for isLinked in [true, false] {
      let copy = machine.copy()
      try step("hard links") {
        let sealed = map.segments.filter { $0.stream == "batches" && !$0.isActive }
        for segment in sealed where isLinked {
          try copy.disk.overrideLinkCount(segment.path, 2)
        }
        let store = try copy.open()
        let log = try store.stream(StreamName("batches"))
        let removed = try log.removeSegments(before: log.visibleOffset)
        store.close()
        let spares = copy.disk.paths.filter { $0.hasPrefix("\(Machine.path)/spare/") }
        let isRight = removed.removed > 0 && spares.isEmpty == isLinked
        tally.note("hard link", isRight ? nil : "\(removed), spare files \(spares)")
      }
    }
  }
}
