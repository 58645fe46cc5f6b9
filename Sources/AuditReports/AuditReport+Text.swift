public import AuditVerification

extension AuditReport.Verdict {
  /// What a program that audits ends with: 0 proven, 1 broken, 3 incomplete.
  public var exitStatus: Int32 {
    switch self {
    case .proven: 0
    case .broken: 1
    case .incomplete: 3
    }
  }
}

extension AuditReport {
  /// How many findings contradict the evidence.
  var brokenCount: Int { findings.count { $0.severity == .broken } }

  /// The verdict in one line.
  var verdictLine: String {
    switch verdict {
    case .proven where streams.allSatisfy { $0.coverage == nil }:
      "no stream has evidence; what was read fits its checksums" + noteOfUnchecked
    case .proven: "everything that evidence covers holds" + noteOfUnchecked
    case .broken:
      "\(Count.text(brokenCount, "finding")) \(brokenCount == 1 ? "contradicts" : "contradict") "
        + "the evidence"
    case .incomplete:
      "nothing contradicts the evidence, but "
        + "\(Count.text(unchecked.count(where: \.wasAskedFor), "thing")) asked for could not be checked"
    }
  }

  private var noteOfUnchecked: String {
    unchecked.isEmpty ? "" : "; \(Count.text(unchecked.count, "thing")) not checked, see below"
  }

  /// What the verdict means, in a few words that stand behind it.
  var verdictHeadline: String {
    switch verdict {
    case .proven where streams.allSatisfy { $0.coverage == nil }:
      "nothing is wrong, and nothing has evidence"
    case .proven: "the log is what its evidence says"
    case .broken: "the log contradicts its evidence"
    case .incomplete: "not all that was asked for could be checked"
    }
  }

  /// The verdict for readers who are no programmers.
  var verdictParagraph: String {
    let records = streams.reduce(UInt64(0)) { $0 &+ $1.recordCount }
    let covered = streams.count { $0.coverage != nil }
    switch verdict {
    case .proven:
      return covered == 0
        ? "No stream of this log has evidence. The files were read and fit their checksums, which find "
          + "damage and not deliberate changes."
        : "\(Count.text(records, "record")) were read. All records that the evidence covers are those "
          + "that it was made from: none of them was changed, and none is missing without a statement."
    case .broken:
      return
        "\(Count.text(brokenCount, "finding")) \(brokenCount == 1 ? "contradicts" : "contradict") the "
        + "evidence. \(originSentence)What is covered, and named neither among "
        + "the findings nor as not checked, holds."
    case .incomplete:
      return
        "Nothing that was read contradicts the evidence. But something that this audit was asked to "
        + "check could not be checked; what it would take is said below."
    }
  }

  /// Whether devices or people explain what is broken, with a blank at its end; empty when that is open.
  private var originSentence: String {
    let origins = findings.filter { $0.severity == .broken }.map(\.origin)
    let edits = origins.count { $0 == .edit }
    guard edits == 0 else {
      return "\(Count.text(edits, "finding")) can only be the doing of a person or a program. "
    }
    guard origins.allSatisfy({ $0 == .rot }) else { return "" }
    return "The failure of a device explains all of it, and nothing points to a person's doing. "
  }

  /// The name of a stream for people: its own, or its number.
  static func name(of stream: StreamCoverage) -> String {
    stream.name.isEmpty ? "stream \(stream.streamID)" : stream.name
  }
}

/// Numbers with the thing that they count.
enum Count {
  /// `1 finding`, `1,024 records`.
  static func text(_ count: some BinaryInteger, _ noun: String) -> String {
    "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
  }

  /// `1,234,567`.
  static func grouped(_ count: some BinaryInteger) -> String {
    var text = ""
    let digits = String(count)
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
      text.append(digit)
    }
    return text
  }
}

extension String {
  /// The text as it stands inside a sentence.
  var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
