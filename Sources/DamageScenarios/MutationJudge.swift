internal import AuditVerification
internal import PlatformIO
internal import SimulatedIO

/// Judges one mutation of a store after the other by what an audit says of it. Belongs to one thread.
struct MutationJudge {
  let store: EvidenceStore
  let coverage: Coverage
  let mutator: Mutator

  /// What became of a mutation.
  enum Verdict {
    /// No byte is another one than before.
    case same
    /// Something that a structure covers was changed; a problem, if the audit did not say so rightly.
    case covered(problem: String?)
    /// Nothing that is covered was changed; a problem, if the audit said otherwise.
    case free(problem: String?)
  }

  init(_ store: EvidenceStore, seed: UInt64) throws(ScenarioError) {
    self.store = store
    let coverage = try Coverage(store.machine)
    self.coverage = coverage
    var contents: [String: [UInt8]] = [:]
    for file in coverage.files {
      contents[file] = try step("reading \(file)") {
        try store.machine.disk.readFile("\(Machine.path)/\(file)")
      }
    }
    mutator = Mutator(coverage, contents, seed: seed)
    let report = try audit()
    guard report.verdict == .proven, report.findings.isEmpty else {
      throw ScenarioError("the store is not sound before anything is changed: \(Self.text(report))")
    }
  }

  private func audit() throws(ScenarioError) -> AuditReport {
    do throws(AuditError) {
      return try Audit(store.options, fileSystem: store.machine.disk).run().report
    } catch {
      throw ScenarioError("the audit ended with: \(error)")
    }
  }

  private static func text(_ report: AuditReport) -> String {
    let findings = report.findings.prefix(6).map {
      "\($0.rule.rawValue) \($0.severity.rawValue) \($0.origin.rawValue) in \($0.place.file ?? "-") at "
        + "\($0.place.position.map { "\($0)" } ?? "-"): \($0.message)"
    }
    return "\(report.verdict.rawValue); " + findings.joined(separator: "; ")
  }

  /// Carries out a mutation, audits, and undoes it.
  func judge(_ mutation: Mutation) throws(ScenarioError) -> Verdict {
    let touched = mutation.changes.map { change in
      (change, Self.differences(mutator.contents[change.file] ?? [], change))
    }
    guard touched.contains(where: { !$0.1.isEmpty }) else { return .same }
    try step("changing \(mutation.text)") {
      for (change, _) in touched { try put(change.after, change.file) }
    }
    let result: Result<AuditReport, ScenarioError>
    do throws(ScenarioError) { result = .success(try audit()) } catch { result = .failure(error) }
    try step("changing back \(mutation.text)") {
      for (change, _) in touched { try put(mutator.contents[change.file], change.file) }
    }
    let units = touched.flatMap { change, ranges in
      ranges.flatMap { coverage.units(change.file, touching: $0) }
    }
    let name = "case \(mutation.number), \(mutation.kind.rawValue), \(mutation.text): "
    switch result {
    case .failure(let error):
      return units.isEmpty
        ? .free(problem: "\(name)\(error)") : .covered(problem: "\(name)\(error)")
    case .success(let report):
      guard !units.isEmpty else {
        let isHarmless = report.verdict == .proven || mutation.kind == .cut
        return .free(
          problem: isHarmless
            ? nil : "\(name)nothing is covered there, and yet \(Self.text(report))")
      }
      return .covered(
        problem: problem(mutation, units, report).map { "\(name)\($0): \(Self.text(report))" })
    }
  }

  /// Flips a bit that is covered, audits, and flips it back.
  ///
  /// - Returns: A problem, if the audit did not name it.
  func judge(flip number: Int) throws(ScenarioError) -> String? {
    let (file, mutation) = mutator.flip(number)
    guard let flip = mutation.flip else { return nil }
    let path = "\(Machine.path)/\(file)"
    let turn = { try store.machine.disk.flipBit(path, byte: flip.byte, bit: flip.bit) }
    try step("flipping \(mutation.text)") { try turn() }
    let result: Result<AuditReport, ScenarioError>
    do throws(ScenarioError) { result = .success(try audit()) } catch { result = .failure(error) }
    try step("flipping back \(mutation.text)") { try turn() }
    let name = "bit \(number), \(mutation.text): "
    switch result {
    case .failure(let error): return "\(name)\(error)"
    case .success(let report):
      let units = Array(coverage.units(file, touching: flip.byte..<(flip.byte + 1)))
      return problem(mutation, units, report).map { "\(name)\($0): \(Self.text(report))" }
    }
  }

  private func put(_ bytes: [UInt8]?, _ file: String) throws {
    let path = "\(Machine.path)/\(file)"
    if let bytes {
      try store.machine.disk.replaceFile(path, with: bytes)
    } else {
      try store.machine.disk.removeFile(path)
    }
  }

  /// The stretches in which a file differs from what it was.
  private static func differences(_ before: [UInt8], _ change: Mutation.Change) -> [Range<Int>] {
    guard let after = change.after else { return before.isEmpty ? [] : [0..<before.count] }
    var ranges: [Range<Int>] = []
    for position in change.range.clamped(to: 0..<before.count)
    where position >= after.count || before[position] != after[position] {
      if let last = ranges.last, last.upperBound == position {
        ranges[ranges.count - 1] = last.lowerBound..<(position + 1)
      } else {
        ranges.append(position..<(position + 1))
      }
    }
    // Bytes behind the end that was.
    if after.count > before.count { ranges.append(before.count..<after.count) }
    return ranges
  }

  /// What an audit says wrongly of structures that were changed.
  private func problem(
    _ mutation: Mutation, _ units: [Coverage.Unit], _ report: AuditReport
  ) -> String? {
    let broken = report.findings.filter { $0.severity == .broken }
    // A power cut can leave a recovery slot that does not hold, and nothing depends on it: with more than
    // a bit changed it is named, where the other one tells that it was written, and no reason to call
    // the store broken.
    let counting = units.first { $0.name != Coverage.slotName || mutation.flip != nil }
    if let counting, report.verdict != .broken { return "FALSE OK, \(counting.name) was changed" }
    if let flip = mutation.flip, let unit = units.first {
      guard broken.count == 1, let finding = broken.first else {
        return "\(broken.count) findings for one bit"
      }
      let isNamed =
        finding.place.file == unit.file && finding.place.position == UInt64(flip.byte)
        && finding.place.bit == flip.bit && finding.origin == .rot
      return isNamed ? nil : "the bit is not named"
    }
    let silent = units.first { unit in
      let isSlot = unit.name == Coverage.slotName
      if isSlot, !coverage.isToldByOther(unit, units) { return false }
      return !(isSlot ? report.findings : broken).contains {
        Self.names($0, unit) || Self.namesCut($0, mutation)
      }
    }
    if let silent {
      return "\(silent.name) at \(silent.bytes.lowerBound) of \(silent.file) is not named"
    }
    return nil
  }

  /// Whether a finding says that a file ends where it was cut. Of a stream without evidence nothing else may
  /// be left that knows what was behind.
  private static func namesCut(_ finding: Finding, _ mutation: Mutation) -> Bool {
    guard mutation.kind == .cut, let change = mutation.changes.first, let after = change.after
    else {
      return false
    }
    return finding.place.file == change.file && finding.place.position == UInt64(after.count)
  }

  /// Whether a finding says that something is wrong with a structure.
  private static func names(_ finding: Finding, _ unit: Coverage.Unit) -> Bool {
    let place = finding.place
    if let records = unit.records, place.streamName == records.stream,
      let offsets = place.offsets, offsets.overlaps(records.offsets)
    {
      return true
    }
    guard place.file == unit.file else { return false }
    guard let position = place.position else { return true }
    let end = position &+ max(1, place.byteCount ?? 1)
    let overlaps = position < UInt64(unit.bytes.upperBound) && end > UInt64(unit.bytes.lowerBound)
    // Beside records it is enough that the file is named.
    return overlaps || unit.records == nil
  }
}
