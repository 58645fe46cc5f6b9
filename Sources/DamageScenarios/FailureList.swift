internal import AuditVerification
internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import SimulatedIO

/// Fourteen ways in which such evidence has failed elsewhere (EVIDENCE.md has them), each tried against a store
/// that an auditor holds checkpoints of, or against what is made of it.
public struct FailureList: Sendable {
  /// Decides the store's content.
  public var seed: UInt64 = 1
  /// Bytes of values in the store.
  public var byteCount = 256 << 10

  /// Makes the list.
  public init() {}

  /// Tries all of them.
  public func run() throws(ScenarioError) -> Tally {
    let rounds = 3
    let store = try EvidenceStore(seed: seed, byteCount: byteCount, rounds: rounds)
    var tally = Tally()
    try cutTails(store, rounds, &tally)
    try otherLogs(store, &tally)
    try forgedFrames(store, &tally)
    try elsewhere(store, &tally)
    try step("proofs and notes") { try proofs(&tally) }
    return tally
  }

  // MARK: Stores

  private func audit(
    _ store: EvidenceStore, holding held: EvidenceStore? = nil,
    _ change: (inout AuditOptions) -> Void = { _ in }
  ) throws(ScenarioError) -> AuditReport {
    var options = (held ?? store).options
    change(&options)
    do throws(AuditError) {
      return try Audit(options, fileSystem: store.machine.disk).run().report
    } catch {
      throw ScenarioError("the audit ended with: \(error)")
    }
  }

  /// What is wrong when a report does not say what it must.
  private func problem(
    _ report: AuditReport, _ rules: Set<Finding.Rule>, mentioning text: String = ""
  ) -> String? {
    let broken = report.findings.filter { $0.severity == .broken }
    let isRight =
      report.verdict == .broken && broken.contains { rules.contains($0.rule) }
      && (text.isEmpty || broken.contains { $0.message.contains(text) })
    return isRight
      ? nil : "\(report.verdict.rawValue): \(broken.map { "\($0.rule.rawValue): \($0.message)" })"
  }

  /// 1: the store as it was earlier, against what was held later.
  private func cutTails(_ store: EvidenceStore, _ rounds: Int, _ tally: inout Tally)
    throws(ScenarioError)
  {
    for made in 1..<rounds {
      let earlier = try EvidenceStore(
        seed: seed, byteCount: byteCount, rounds: rounds, made: made)
      let sizes = store.checkpoints.compactMap {
        try? Checkpoint(text: SignedNote($0.bytes).text).size
      }
      let report = try audit(earlier, holding: store)
      tally.note(
        "1 tail cut", problem(report, [.truncated], mentioning: "\(sizes.last ?? 0) leaves"))
      let alone = try audit(earlier) { $0.checkpoints = [] }
      let isSaid = alone.verdict == .proven && alone.unchecked.contains { $0.subject == .history }
      tally.note("1 tail cut, nothing held", isSaid ? nil : "it is not said that nothing was held")
    }
  }

  /// 2 and 6: another log in the place of one, and logs that say who they are.
  private func otherLogs(_ store: EvidenceStore, _ tally: inout Tally) throws(ScenarioError) {
    let other = try EvidenceStore(seed: seed &+ 1, byteCount: byteCount)
    let swapped = try audit(other, holding: store)
    tally.note("2 log swapped", problem(swapped, [.rewritten, .truncated]))
    let isNamed = swapped.checkpoints.allSatisfy { $0.isConfirmed == false }
    tally.note("2 log swapped", isNamed ? nil : "a checkpoint of the other log is confirmed")
    let elsewhere = try audit(store) { $0.origin = "example.org/other" }
    tally.note("6 identity", problem(elsewhere, [.untrustedCheckpoint]))
    let stranger = try step("a key") { try Self.signer("example.org/other", 2) }
    let unknown = try audit(store) { $0.keys = [stranger.verifier] }
    tally.note("6 identity", problem(unknown, [.untrustedCheckpoint]))
  }

  /// 4 and 5: an index that hides records, and chain and tree changed alone, under checksums made anew.
  private func forgedFrames(_ store: EvidenceStore, _ tally: inout Tally) throws(ScenarioError) {
    let map = try StoreMap(store.machine)
    for segment in map.segments where segment.stream != "plain" {
      for frame in segment.frames {
        let places: [(name: String, byte: Int, rules: Set<Finding.Rule>)]
        switch frame.kind {
        case .seal:
          let bytes = try step("reading") { try store.machine.disk.readFile(segment.path) }
          let span = bytes.rawSpan.extracting(
            frame.position..<(frame.position + frame.length))
          let rows = (try? SealBlock(span, at: UInt64(frame.position), limits: FormatLimits()))?
            .rows.count
          guard let rows, rows >= 2 else { continue }
          places = [("4 index hides", 128 + 4 * (rows - 1), [.wrongIndex, .contradiction])]
        case .integrity:
          let rules: Set<Finding.Rule> = [.brokenChain, .changedRecords, .unboundHeads, .rewritten]
          places = [
            ("5 tree alone", 80, rules), ("5 chain before", 112, rules),
            ("5 chain alone", 144, rules),
          ]
        default: continue
        }
        for place in places {
          let copy = store.copy()
          try step("forging") { try Self.forge(copy.machine.disk, segment, frame, at: place.byte) }
          let report = try audit(copy)
          tally.note(place.name, problem(report, place.rules))
        }
      }
    }
  }

  /// Changes a byte of a frame and makes its checksum anew.
  private static func forge(
    _ disk: SimulatedFileSystem, _ segment: StoreMap.SegmentPlace, _ place: StoreMap.FramePlace,
    at byte: Int
  ) throws {
    var bytes = try disk.readFile(segment.path)
    let range = place.position..<(place.position + place.length)
    var frame = Array(bytes[range])
    frame[byte] ^= 1
    let word = frame.rawSpan.littleEndianUnsigned64(at: 0) ?? 0
    let checksum =
      FrameChecksum.content(frame.rawSpan.extracting(16..<frame.count))
      ^ FrameChecksum.place(salt: segment.salt, position: UInt64(place.position), word: word)
    for index in 0..<8 {
      frame[8 + index] = UInt8(truncatingIfNeeded: checksum >> UInt64(8 * index))
    }
    bytes.replaceSubrange(range, with: frame)
    try disk.replaceFile(segment.path, with: bytes)
  }

  /// 14: a copy in another place, which may not be written.
  private func elsewhere(_ store: EvidenceStore, _ tally: inout Tally) throws(ScenarioError) {
    let copy = store.copy()
    let disk = copy.machine.disk
    try step("copying") {
      for path in disk.paths where path.hasPrefix(Machine.path + "/") {
        let name = path.dropFirst(Machine.path.utf8.count)
        try disk.replaceFile("/media/copy of it\(name)", with: disk.readFile(path))
      }
      disk.isReadOnly = true
    }
    let report = try audit(copy) { $0.path = "/media/copy of it" }
    tally.note(
      "14 read-only copy", report.verdict == .proven && report.findings.isEmpty ? nil : "\(report)")
  }
}
