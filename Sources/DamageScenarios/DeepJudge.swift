internal import CommitLog
internal import LogFormat
internal import Quantities
internal import SimulatedIO

/// Judges damage by the whole store: read by another process, opened for writing, appended to, closed
/// and opened again.
struct DeepJudge {
  let machine: Machine
  let map: StoreMap

  init(_ machine: Machine, _ map: StoreMap) {
    self.machine = machine
    self.map = map
  }

  /// Flips a bit and judges.
  func judge(_ region: FlipRegion, byte: Int, bit: Int) -> String? {
    let path: String
    switch region.place {
    case .frame(let segment, _), .preamble(let segment), .behindEnd(let segment):
      path = map.segments[segment].path
    case .root(let name): path = name
    }
    let copy = machine.copy()
    do throws(ScenarioError) {
      try step("flip") { try copy.disk.flipBit(path, byte: byte, bit: bit) }
      return try judge(copy, isDamaged: region.isCovered).map {
        "\(region.name), \(path), byte \(byte), bit \(bit): \($0)"
      }
    } catch {
      return "\(path), byte \(byte), bit \(bit): \(error)"
    }
  }

  /// Judges a store that something was done to: at most one frame of one stream may be lost, and the
  /// loss does not grow.
  func judge(_ copy: Machine, isDamaged: Bool) throws(ScenarioError) -> String? {
    let before = try readAll(copy)
    if let problem = check(before, isDamaged: isDamaged, appended: [:]) { return problem }
    var appended: [String: UInt64] = [:]
    var report: [String: Int] = [:]
    for round in 0..<2 {
      let store = try step("opening for writing") { try copy.open() }
      defer { store.close() }
      for name in map.records.keys.sorted() where !name.hasPrefix("empty") {
        let log = try step("opening \(name)") { try store.anyStream(StreamName(name)) }
        let offset = try step("appending to \(name)") {
          let offset = try log.append(Array("more".utf8))
          try log.flush()
          return offset
        }
        let end = (map.records[name]?.last?.offset.rawValue).map { $0 + 1 } ?? 0
        if round == 0, offset.rawValue < end { return "\(name): offset \(offset) is given again" }
        appended[name, default: 0] += 1
        if log.recovery.damaged.count > 1 {
          return "\(name): recovery reports \(log.recovery.damaged)"
        }
        report[name] = log.recovery.damaged.count
      }
    }
    let after = try readAll(copy)
    return check(after, isDamaged: isDamaged, appended: appended)
  }

  /// What a reader of another process gets.
  struct Reading {
    var records: [Record] = []
    var reports: [DamageReport] = []
    var problem: String?
  }

  func readAll(_ copy: Machine) throws(ScenarioError) -> [String: Reading] {
    let store = try step("opening for reading") { try copy.openReader() }
    var result: [String: Reading] = [:]
    for name in map.records.keys {
      var reading = Reading()
      try step("reading \(name)") {
        var reader = try store.makeReader(of: StreamName(name))
        var rounds = 0
        while rounds < 10_000 {
          rounds += 1
          do throws(ReadError) {
            if try reader.read({ reading.records.append(Record(copying: $0)) }) == 0 { break }
          } catch {
            guard case .damaged(let report) = error else { throw error }
            reading.reports.append(report)
          }
        }
        if rounds == 10_000 { reading.problem = "the reader does not come to an end" }
      }
      result[name] = reading
    }
    return result
  }

  private func check(
    _ found: [String: Reading], isDamaged: Bool, appended: [String: UInt64]
  ) -> String? {
    var reportCount = 0
    for (name, reading) in found {
      if let problem = reading.problem { return "\(name): \(problem)" }
      reportCount += reading.reports.count
      var expected = map.records[name] ?? []
      for report in reading.reports {
        expected.removeAll { (report.firstOffset..<report.nextOffset).contains($0.offset) }
      }
      guard reading.records.prefix(expected.count).elementsEqual(expected) else {
        return "\(name): other records than those not reported: \(reading.reports)"
      }
      let extra = reading.records.count - expected.count
      guard UInt64(extra) == appended[name] ?? 0 else {
        return "\(name): \(extra) records behind the end"
      }
    }
    guard reportCount <= (isDamaged ? 1 : 0) else {
      return "\(reportCount) reports: \(found.values.flatMap(\.reports))"
    }
    return nil
  }
}
