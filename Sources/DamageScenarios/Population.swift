internal import ByteCoding
internal import CommitLog
internal import LogFormat
internal import Quantities
internal import SimulatedIO

/// Fills a store with every structure the format has, and closes it in order.
struct Population {
  let machine: Machine
  /// Bytes of values, roughly.
  let byteCount: Int
  private let random: SeededRandom

  init(_ machine: Machine, byteCount: Int) {
    self.machine = machine
    self.byteCount = byteCount
    random = SeededRandom(seed: machine.random.seed &* 31)
  }

  /// A store on a machine of its own.
  static func make(seed: UInt64, byteCount: Int) throws(ScenarioError) -> Machine {
    let machine = Machine(seed: seed)
    try Population(machine, byteCount: byteCount).fill()
    return machine
  }

  private func fill() throws(ScenarioError) {
    try step("filling a store") {
      try machine.create()
      let store = try machine.open()
      try fillSolo(store)
      try fillBatches(store)
      try fillLarge(store)
      try fillMemory(store)
      for index in 0..<24 { _ = try store.createStream(StreamName("empty \(index)")) }
      store.close()
    }
    try forgeControlFrames()
    // The stop of the clock makes readers trust what they looked up.
    machine.time.setAdvancePerReading(nanoseconds: 0)
  }

  /// Small stores have small segments, so that all structures occur.
  private var isSmall: Bool { byteCount < 256 << 10 }

  private func value(_ count: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { bytes.appendLittleEndian(random.next()) }
    return Array(bytes[..<count])
  }

  private func small(_ byteCount: UInt64, _ durability: Durability = .disk) -> StreamOptions {
    var options = StreamOptions()
    options.durability = durability
    options.firstSegmentByteCount = byteCount
    options.segmentByteCount = byteCount
    return options
  }

  /// Single records: plain, with every part, stamped, given up.
  private func fillSolo(_ store: Store) throws {
    let log = try store.createStream(
      StreamName("solo"), options: small(64 << 10))
    let headers = try RecordHeaders.encoded([.init(name: "trace", value: [1, 2, 3])])
    for round in 0..<max(24, byteCount / 2_500) {
      try log.append(value(40 + random.below(200)))
      _ = try log.append(
        copying: value(20 + random.below(300)), key: value(round % 9), type: Array("kind".utf8),
        headers: headers, eventTime: Timestamp(rawValue: Int64(round) * 1_000_003),
        producer: ProducerStamp(id: UInt64(7 + round % 3), epoch: 1, sequence: UInt32(round / 3)))
      if round % 7 == 0 {
        _ = try log.append(copying: [], key: Array("gone".utf8), isTombstone: true)
      }
      if round % 11 == 0 {
        struct GivenUp: Error {}
        // Safety: the body does not touch the memory it is given.
        _ = unsafe try? log.appendReserving(byteCount: 90) { _ throws(GivenUp) in throw GivenUp() }
      }
      if round % 5 == 0 { try log.flush() }
    }
    try log.flush()
  }

  /// Batches: plain, narrow and wide ends, all columns, both forms of event times.
  private func fillBatches(_ store: Store) throws {
    let log = try store.createStream(
      StreamName("batches"), options: small(isSmall ? 96 << 10 : 256 << 10))
    for round in 0..<max(10, byteCount / 20_000) {
      var batch = BatchBuilder()
      let isWide = round % 5 == 4
      for index in 0..<(isWide ? 6 : 3 + random.below(12)) {
        let body = value(isWide ? 12_000 : 10 + random.below(160))
        guard round % 2 == 1 else {
          try batch.append(body.rawSpan)
          continue
        }
        let key = value(index % 5)
        let type = Array("t\(index % 3)".utf8)
        let headers = try RecordHeaders.encoded([.init(name: "n", value: value(index))])
        // Sparse nanoseconds do not fit the delta column; multiples of a microsecond do.
        let time = Int64(index) * (round % 4 == 1 ? 1_000 : 7_777_777_777_777)
        try batch.append(
          RecordInput(
            body.rawSpan, key: index % 4 == 3 ? nil : key.rawSpan,
            type: index % 4 == 2 ? nil : type.rawSpan, headers: headers.rawSpan,
            eventTime: index % 6 == 5 ? nil : Timestamp(rawValue: 1_600_000_000_000_000_000 + time))
        )
      }
      let stamp = ProducerStamp(id: 3, epoch: 1, sequence: 0)
      try log.append(batch, producer: round == 0 ? stamp : nil)
      if round % 2 == 0 { try log.flush() }
    }
    try log.flush()
  }

  /// One large segment: index frames, state frames, padded groups.
  private func fillLarge(_ store: Store) throws {
    let log = try store.createStream(
      StreamName("large"), options: small(isSmall ? 256 << 10 : 1_376_256))
    var sequence: UInt32 = 0
    for round in 0..<(byteCount >= 1 << 20 ? 72 : 8) {
      for _ in 0..<2 {
        _ = try log.append(
          copying: value(8_300), producer: ProducerStamp(id: 9, epoch: 1, sequence: sequence))
        sequence += 1
      }
      if round % 4 == 3 { try log.flush() }
    }
    try log.append(value(100))
    try log.flush()
  }

  private func fillMemory(_ store: Store) throws {
    let log = try store.createStream(StreamName("memory"), options: small(64 << 10, .memory))
    for _ in 0..<max(20, byteCount / 20_000) { try log.append(value(900)) }
    try log.flush()
  }

  /// Control frames are rare: one is put into the free space of every padding frame.
  private func forgeControlFrames() throws(ScenarioError) {
    let map = try StoreMap(machine)
    try step("forging control frames") {
      for segment in map.segments {
        var bytes = try machine.disk.readFile(segment.path)
        for frame in segment.frames where frame.kind == .padding && frame.length >= 56 {
          let control = ControlFrame(
            appendTime: Timestamp(rawValue: 1), clockStepNanoseconds: -3_600_000_000_000)
          let at = frame.position
          bytes.replaceSubrange(
            at..<(at + 40),
            with: control.encoded(
              salt: segment.salt, at: UInt64(at)))
          bytes.replaceSubrange(
            (at + 40)..<(at + 56),
            with: Frame.padding(
              length: UInt32(frame.length - 40), salt: segment.salt, at: UInt64(at + 40)))
        }
        try machine.disk.replaceFile(segment.path, with: bytes)
      }
    }
  }
}
