import AuditReports
import AuditVerification
import Integrity

/// Reports to show, of every kind.
enum SampleReport {
  static let tool = ReportTool(name: "piperoll-audit", version: "0.1.0")

  /// Text that tries to be more than text, in every format.
  static let hostile =
    "<script>alert('x')</script>\"]]>&amp;\u{1b}[31m\u{202e}\u{0}\u{85}\u{fffe}\n\t --> </style>"

  static let head = String(repeating: "1f", count: 32)
  static let root = String(repeating: "a0", count: 32)

  static func stream(
    _ id: UInt64, _ name: String, _ coverage: EvidenceCoverage?, _ offsets: Range<UInt64>,
    to evidenced: UInt64
  ) -> StreamCoverage {
    var stream = StreamCoverage(streamID: id, name: name, coverage: coverage)
    (stream.firstOffset, stream.nextOffset) = (offsets.lowerBound, offsets.upperBound)
    stream.evidencedOffset = evidenced
    stream.recordCount = UInt64(offsets.count)
    stream.groupCount = coverage == nil ? 0 : UInt64(offsets.count) / 256
    (stream.segmentCount, stream.byteCount) = (3, UInt64(offsets.count) * 117)
    stream.head = coverage == nil ? "" : head
    stream.root = coverage == .tree ? root : ""
    return stream
  }

  /// A store of which everything holds.
  static var proven: AuditReport {
    var report = AuditReport(path: "/srv/logs/orders", storeID: String(repeating: "0c", count: 16))
    report.streams = [stream(2, "orders", .tree, 0..<12_032, to: 12_032)]
    var checkpoint = CheckpointResult(
      path: "monday.checkpoint", origin: "example.com/orders", size: 8_192, root: root)
    checkpoint.signers = ["example.com/orders"]
    checkpoint.witnesses = [.init(name: "witness.example/one", time: 1_790_000_000)]
    (checkpoint.isQuorum, checkpoint.isConfirmed) = (true, true)
    report.checkpoints = [checkpoint]
    var seals = SealCoverage()
    (seals.sealCount, seals.verifiedCount, seals.epochs) = (96, 95, 0...97)
    (seals.missingEpochCount, seals.coveredOffset) = (3, 190)
    seals.lastTime = 1_790_000_000_000_000_001
    report.seals = seals
    return report
  }

  /// A store with every kind of finding and of what is not checked.
  static var broken: AuditReport {
    var report = proven
    var relied = stream(3, "sessions", .chain, 4_096..<9_000, to: 8_960)
    relied.resumedOffset = 6_000
    report.streams += [relied, stream(4, "metrics", nil, 0..<700, to: 0)]
    var other = CheckpointResult(
      path: "tuesday.checkpoint", origin: "example.com/orders", size: 20_000, root: head)
    (other.isQuorum, other.isConfirmed) = (false, false)
    report.checkpoints.append(other)
    report.checkpoints.append(
      CheckpointResult(path: "other", origin: "example.org/other", size: 7, root: root))
    report.events = [
      StatedEvent(
        kind: "removal", statementOffset: 3, streamID: 3, streamName: "sessions",
        offsets: 0..<4_096, time: 1_790_000_000_123_456_789, cause: "age",
        reason: "kept for six months"),
      StatedEvent(
        kind: "erasure", statementOffset: 4, streamID: 0, streamName: "", offsets: 0..<0,
        time: 1_790_100_000_000_000_000, cause: "", reason: "on request of the person concerned"),
      StatedEvent(
        kind: "redaction", statementOffset: 5, streamID: 2, streamName: "orders", offsets: 77..<78,
        time: 1_790_200_000_000_000_000, cause: "", reason: "a password had been logged"),
    ]
    report.findings = findings
    report.unchecked = Unchecked.Subject.allCases.map { subject in
      Unchecked(
        subject, streamName: subject == .uncovered ? "sessions" : nil,
        wasAskedFor: subject == .witnesses, "what \(subject.rawValue) would take")
    }
    return report
  }

  /// A finding of every rule, all origins and both severities, at places of all kinds.
  static var findings: [Finding] {
    Finding.Rule.allCases.enumerated().map { index, rule in
      let offset = UInt64(index) * 640
      let place: Finding.Place =
        switch index % 4 {
        case 0:
          .init(
            streamID: 2, streamName: "orders", offsets: offset..<offset + 1,
            file: "s/0000000000000002/0000000000000005.seg", position: 4_096 + offset,
            byteCount: 1, bit: index % 8)
        case 1: .init(streamID: 3, streamName: "sessions", offsets: 4_352..<4_608)
        case 2: .init(file: "SUPER", position: 512, byteCount: 64)
        default: .init()
        }
      return Finding(
        rule, rule == .unexpectedBytes || rule == .newer ? .warning : .broken,
        Finding.Origin.allCases[index % 3], at: place,
        "what \(rule.rawValue) found, number \(index)")
    }
  }

  /// Nothing wrong, and something asked for could not be checked.
  static var incomplete: AuditReport {
    var report = proven
    report.unchecked = [
      Unchecked(.signature, wasAskedFor: true, "no key was given; give it with --key"),
      Unchecked(
        .history, "no earlier checkpoint was given; keep one, and give it with --checkpoint"),
    ]
    return report
  }

  /// A report whose every text is hostile.
  static var nasty: AuditReport {
    var report = AuditReport(path: hostile, storeID: hostile)
    report.streams = [stream(9, hostile, .tree, 0..<1_000, to: 768)]
    var checkpoint = CheckpointResult(path: hostile, origin: hostile, size: .max, root: hostile)
    checkpoint.signers = [hostile]
    checkpoint.witnesses = [.init(name: hostile, time: .max)]
    report.checkpoints = [checkpoint]
    report.events = [
      StatedEvent(
        kind: hostile, statementOffset: .max, streamID: .max, streamName: hostile,
        offsets: 0..<(.max), time: .min, cause: hostile, reason: hostile)
    ]
    report.findings = [
      Finding(
        .changedRecords,
        at: .init(
          streamID: 9, streamName: hostile, offsets: 5..<5, file: hostile, position: .max,
          byteCount: .max, bit: 7), hostile),
      Finding(.missingFile, at: .init(streamID: 77, streamName: hostile), hostile),
    ]
    report.seals = SealCoverage()
    report.unchecked = [Unchecked(.removed, streamName: hostile, hostile)]
    return report
  }

  static let all = [
    ("proven", proven), ("broken", broken), ("incomplete", incomplete), ("nasty", nasty),
  ]
}
