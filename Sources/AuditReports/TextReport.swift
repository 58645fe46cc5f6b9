public import AuditVerification
internal import CommandLineInterface
internal import Integrity

/// An audit as text for a terminal: the verdict first, then what it rests on.
public struct TextReport {
  /// Findings that are shown; the other formats have all of them.
  static let findingCountLimit = 100

  /// The report.
  public private(set) var text = ""
  private let isColoured: Bool

  /// Makes the text of a report.
  ///
  /// - Parameters:
  ///   - report: What the audit came to.
  ///   - isColoured: Whether a terminal shows it, so that the verdict may have a colour.
  public init(_ report: AuditReport, isColoured: Bool) {
    self.isColoured = isColoured
    addVerdict(report)
    addStreams(report.streams)
    addCheckpoints(report.checkpoints)
    if let seals = report.seals {
      text += "\nseals\n  \(seals.phrases.joined(separator: "; "))\n"
    }
    addEvents(report.events)
    addFindings(report.findings)
    addUnchecked(report.unchecked)
  }

  private mutating func addVerdict(_ report: AuditReport) {
    let (word, colour) =
      switch report.verdict {
      case .proven: ("PROVEN", "32")
      case .broken: ("BROKEN", "31")
      case .incomplete: ("INCOMPLETE", "33")
      }
    let shown = isColoured ? "\u{1b}[1;\(colour)m\(word)\u{1b}[0m" : word
    text += "\(shown): \(report.verdictLine)\n"
    let id = report.storeID.isEmpty ? "" : "store \(TerminalText.escaped(report.storeID)) in "
    text += "\(id)'\(TerminalText.escaped(report.path))'\n"
  }

  private mutating func addStreams(_ streams: [StreamCoverage]) {
    guard !streams.isEmpty else { return }
    var table = TextTable([
      "stream", "evidence", "offsets", "covered to", "records", "groups", "read",
    ])
    for stream in streams {
      table.add([
        TerminalText.escaped(AuditReport.name(of: stream)), EvidenceText.word(stream.coverage),
        stream.firstOffset >= stream.nextOffset
          ? "none" : "\(stream.firstOffset) to \(stream.nextOffset - 1)",
        stream.coverage == nil || stream.evidencedOffset == 0
          ? "-" : "\(stream.evidencedOffset - 1)",
        "\(stream.recordCount)", "\(stream.groupCount)", HumanFormat.byteCount(stream.byteCount),
      ])
    }
    text += "\n" + table.text
    for stream in streams where stream.resumedOffset > 0 {
      text +=
        "'\(TerminalText.escaped(AuditReport.name(of: stream)))': an earlier audit is relied upon "
      text += "before offset \(stream.resumedOffset)\n"
    }
  }

  private mutating func addCheckpoints(_ checkpoints: [CheckpointResult]) {
    guard !checkpoints.isEmpty else { return }
    text += "\ncheckpoints\n"
    for checkpoint in checkpoints {
      text +=
        "  \(TerminalText.escaped(checkpoint.origin)), \(Count.grouped(checkpoint.size)) leaves: "
      text += EvidenceText.result(checkpoint).joined(separator: "; ") + "\n"
    }
  }

  private mutating func addEvents(_ events: [StatedEvent]) {
    guard !events.isEmpty else { return }
    text += "\nstated by the log\n"
    for event in events {
      text += "  \(MomentText.text(nanoseconds: event.time))  \(TerminalText.escaped(event.kind))"
      if !event.streamName.isEmpty {
        text += " in '\(TerminalText.escaped(event.streamName))'"
      } else if event.streamID != 0 {
        text += " in stream \(event.streamID)"
      }
      if !event.offsets.isEmpty { text += ", \(OffsetText.range(event.offsets))" }
      let reasons = [event.cause, event.reason].filter { !$0.isEmpty }
      if !reasons.isEmpty { text += ": \(TerminalText.escaped(reasons.joined(separator: ", ")))" }
      text += "\n"
    }
  }

  private mutating func addFindings(_ findings: [Finding]) {
    guard !findings.isEmpty else { return }
    text += "\nfindings\n"
    for (index, finding) in findings.prefix(Self.findingCountLimit).enumerated() {
      let origin = finding.origin == .unknown ? "" : ", \(finding.origin.rawValue)"
      text += "  \(index + 1). \(finding.rule.rawValue) (\(finding.severity.rawValue)\(origin)): "
      // The message repeats the place.
      text += "\(ReportText.sentence(finding.message))\n"
    }
    if findings.count > Self.findingCountLimit {
      let rest = findings.count - Self.findingCountLimit
      text += "  and \(Count.text(rest, "finding")) more; --report json has all of them\n"
    }
  }

  private mutating func addUnchecked(_ unchecked: [Unchecked]) {
    guard !unchecked.isEmpty else { return }
    text += "\nnot checked\n"
    for item in unchecked {
      let stream = item.streamName.map { " in '\(TerminalText.escaped($0))'" } ?? ""
      let wish = item.wasAskedFor ? " (asked for)" : ""
      text += "  \(item.subject.rawValue)\(stream)\(wish): \(ReportText.sentence(item.reason))\n"
    }
  }
}

/// Evidence in words.
enum EvidenceText {
  /// What evidence a stream has, in a word.
  static func word(_ coverage: EvidenceCoverage?) -> String {
    switch coverage {
    case nil: "none"
    case .chain: "chain"
    case .tree: "tree"
    }
  }

  /// What a checkpoint came to, in phrases.
  static func result(_ checkpoint: CheckpointResult) -> [String] {
    let comparison =
      switch checkpoint.isConfirmed {
      case true: "confirmed"
      case false: "not confirmed"
      case nil: "could not be compared"
      }
    var parts = [comparison]
    let signers = checkpoint.signers.map { TerminalText.escaped($0) }
    parts.append(
      signers.isEmpty ? "signed by no known key" : "signed by \(signers.joined(separator: ", "))")
    for witness in checkpoint.witnesses {
      parts.append(
        "seen by \(TerminalText.escaped(witness.name)) at \(MomentText.text(seconds: witness.time))"
      )
    }
    if let isQuorum = checkpoint.isQuorum {
      parts.append(isQuorum ? "enough witnesses" : "too few witnesses")
    }
    return parts
  }
}
