internal import CommitLog
internal import LogFormat
internal import Quantities
internal import SimulatedIO

/// Judges a store whose files were damaged beyond one frame: what is not touched reads as before, what
/// is lost is named, nothing is given out twice and nothing is deleted.
struct Endurance {
  let map: StoreMap

  /// What was done to the store.
  struct Damage {
    /// Streams that may have lost records.
    var streams: Set<String> = []
    /// Whether opening may be refused altogether, with an error that names the file.
    var mayRefuse = false
  }

  /// What was appended after the damage.
  private struct Appended {
    var counts: [String: Int] = [:]
    /// Where a stream went on whose last group nobody could judge, as its recovery said.
    var resumed: [String: UInt64] = [:]
  }

  private struct Outcome {
    var records: [Record] = []
    var reports: [DamageReport] = []
    var problem: String?
  }

  /// What is wrong; `nil` when nothing is.
  func judge(_ machine: Machine, _ damage: Damage) -> String? {
    let before = Set(map.segments.map(\.path)).intersection(machine.disk.paths)
    if let problem = judgeReading(machine, damage, appended: Appended()) {
      return "reading: \(problem)"
    }
    var appended = Appended()
    for round in 0..<2 {
      if let problem = append(machine, damage, round, &appended) { return "writing: \(problem)" }
    }
    if let problem = judgeReading(machine, damage, appended: appended) {
      return "reading after writing: \(problem)"
    }
    // Files that were made ready and never written to hold nothing.
    let gone = before.subtracting(machine.disk.paths)
    if !gone.isEmpty { return "deleted: \(gone.sorted())" }
    if machine.disk.openHandleCount != 0 { return "\(machine.disk.openHandleCount) open handles" }
    return nil
  }

  private func judgeReading(_ machine: Machine, _ damage: Damage, appended: Appended)
    -> String?
  {
    let store: StoreReader
    do throws(OpenError) { store = try machine.openReader() } catch {
      let isNamed = error.description.contains(Machine.path)
      return damage.mayRefuse && isNamed ? nil : "refused: \(error)"
    }
    for name in map.records.keys.sorted() {
      let outcome = read(store, name)
      let isTouched = damage.streams.contains(name)
      if let problem = check(outcome, name, isTouched: isTouched, appended) {
        return "\(name): \(problem)"
      }
    }
    return nil
  }

  private func read(_ store: StoreReader, _ name: String) -> Outcome {
    var outcome = Outcome()
    do throws(ScenarioError) {
      try step("reading") {
        var reader = try store.makeReader(of: StreamName(name))
        for round in 0... {
          if round == 5_000 { throw ScenarioError("the reader does not come to an end") }
          do throws(ReadError) {
            if try reader.read({ outcome.records.append(Record(copying: $0)) }) == 0 { break }
          } catch {
            guard case .damaged(let report) = error else { throw error }
            outcome.reports.append(report)
          }
        }
      }
    } catch {
      outcome.problem = error.description
    }
    return outcome
  }

  private func check(
    _ outcome: Outcome, _ name: String, isTouched: Bool, _ appended: Appended
  ) -> String? {
    var expected = map.records[name] ?? []
    if let resumed = appended.resumed[name] { expected.removeAll { $0.offset.rawValue >= resumed } }
    guard isTouched else {
      if let problem = outcome.problem { return problem }
      guard outcome.reports.isEmpty else { return "reports: \(outcome.reports)" }
      guard outcome.records.prefix(expected.count).elementsEqual(expected),
        outcome.records.count == expected.count + (appended.counts[name] ?? 0)
      else { return "\(outcome.records.count) records, not as they were" }
      return nil
    }
    if let problem = outcome.problem, !problem.contains(Machine.path) {
      return "no file is named: \(problem)"
    }
    var known: [Offset: Record] = [:]
    for record in expected { known[record.offset] = record }
    let end = expected.last?.offset.rawValue
    var delivered: Set<Offset> = []
    for record in outcome.records {
      if let end, record.offset.rawValue <= end, known[record.offset] != record {
        return "offset \(record.offset) reads as something else"
      }
      guard delivered.insert(record.offset).inserted else {
        return "offset \(record.offset) is read twice"
      }
    }
    // An error at the end stands for everything behind what was read.
    if outcome.problem != nil { return nil }
    let lost = expected.first { record in
      !delivered.contains(record.offset)
        && !outcome.reports.contains {
          ($0.firstOffset..<$0.nextOffset).contains(record.offset)
        }
    }
    return lost.map { "offset \($0.offset) is lost in silence; \(outcome.reports)" }
  }

  private func append(
    _ machine: Machine, _ damage: Damage, _ round: Int, _ appended: inout Appended
  ) -> String? {
    let store: Store
    do throws(OpenError) { store = try machine.open() } catch {
      let isNamed = error.description.contains(Machine.path)
      return damage.mayRefuse && isNamed ? nil : "refused: \(error)"
    }
    defer { store.close() }
    for name in map.records.keys.sorted() where !name.hasPrefix("empty") {
      do throws(ScenarioError) {
        let (offset, isUndecided) = try step("appending") {
          let log = try store.anyStream(StreamName(name))
          let offset = try log.append(Array("more".utf8))
          try log.flush()
          return (offset.rawValue, log.recovery.undecidableByteCount > 0)
        }
        appended.counts[name, default: 0] += 1
        if isUndecided, damage.streams.contains(name) { appended.resumed[name] = offset }
        let end =
          appended.resumed[name]
          ?? map.segments.last { $0.stream == name }?.frames.last?.next ?? 0
        if offset < end { return "\(name): offset \(offset) is given again" }
      } catch {
        guard damage.streams.contains(name), error.description.contains(Machine.path) else {
          return "\(name): \(error)"
        }
      }
    }
    return nil
  }
}
