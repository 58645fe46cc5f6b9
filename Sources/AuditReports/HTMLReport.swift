public import AuditVerification

/// An audit as one page that needs nothing besides itself, for people who are no programmers: it reads from
/// the verdict to what the verdict rests on, and prints on A4.
///
/// The page has no script, and its own policy forbids it to load or run anything.
public struct HTMLReport {
  /// The page.
  public var bytes: [UInt8] { Array(page.html.utf8) }

  var page = HTMLWriter()
  let report: AuditReport

  /// Makes the page of a report.
  ///
  /// - Parameters:
  ///   - report: What the audit came to.
  ///   - tool: What the report says it was made by.
  public init(_ report: AuditReport, by tool: ReportTool) {
    self.report = report
    page.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
    page.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
    page.markup("<meta http-equiv=\"Content-Security-Policy\" content=\"")
    page.attribute(HTMLStyle.policy)
    page.markup("\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>Audit: ")
    page.text(report.verdict.rawValue)
    page.markup("</title>\n<style>")
    // Ours, and the policy names its digest: it goes out as it is.
    page.style(HTMLStyle.css)
    page.markup("</style>\n</head>\n<body>\n<main>\n")
    addHead()
    addBasis()
    addStreams()
    addCheckpoints()
    addSeals()
    addEvents()
    addFindings()
    addUnchecked()
    addWords()
    page.markup("</main>\n<footer>\n<p>Made by ")
    page.text("\(tool.name) \(tool.version)")
    page.markup(
      """
      . The page holds no date of its own: the same files and keys give the same page, byte for byte, so \
      anybody can make it again. Note beside it when the audit was made.</p>
      </footer>
      </body>
      </html>

      """)
  }

  private mutating func addHead() {
    page.markup("<h1>Audit of a log</h1>\n<p class=\"quiet\">")
    page.foreign(report.path)
    page.markup("</p>\n")
    switch report.verdict {
    case .proven: page.markup("<div class=\"verdict proven\" id=\"verdict\">\n<strong>Proven: ")
    case .broken: page.markup("<div class=\"verdict broken\" id=\"verdict\">\n<strong>Broken: ")
    case .incomplete:
      page.markup("<div class=\"verdict incomplete\" id=\"verdict\">\n<strong>Incomplete: ")
    }
    page.text(report.verdictHeadline)
    page.markup("</strong>\n<p>")
    page.text(report.verdictParagraph)
    page.markup("</p>\n")
    let kinds = Finding.Rule.allCases.filter { rule in report.findings.contains { $0.rule == rule }
    }
    if !kinds.isEmpty {
      page.markup("<p>")
      page.text("Found: \(kinds.map { $0.title.lowercasedFirst }.joined(separator: "; ")).")
      page.markup("</p>\n")
    }
    if !report.unchecked.isEmpty {
      page.markup("<p>")
      page.text(
        "\(Count.text(report.unchecked.count, "thing")) \(report.unchecked.count == 1 ? "was" : "were") "
          + "not checked; a section below says what it would take.")
      page.markup("</p>\n")
    }
    page.markup("</div>\n")
  }

  private mutating func addBasis() {
    // A copy, because the closures below run while the page is changed.
    let report = report
    page.markup("<h2>What was audited, and by which evidence</h2>\n<dl class=\"facts\">\n")
    fact("Audited") { $0.foreign(report.path) }
    if !report.storeID.isEmpty {
      fact("Identity of the store") {
        $0.markup("<code>")
        $0.foreign(report.storeID)
        $0.markup("</code>")
      }
    }
    let records = report.streams.reduce(UInt64(0)) { $0 &+ $1.recordCount }
    let groups = report.streams.reduce(UInt64(0)) { $0 &+ $1.groupCount }
    let covered = report.streams.count { $0.coverage != nil }
    fact("Read") {
      $0.text(
        "\(Count.text(records, "record")) in \(Count.text(report.streams.count, "stream")), of which "
          + "\(covered) \(covered == 1 ? "has" : "have") evidence")
    }
    fact("Made again") { $0.text("\(Count.text(groups, "group")) of records, with their hashes") }
    let confirmed = report.checkpoints.count { $0.isConfirmed == true }
    fact("Checkpoints") {
      $0.text(
        report.checkpoints.isEmpty
          ? "none was given"
          : "\(Count.text(report.checkpoints.count, "checkpoint")) given, \(confirmed) confirmed")
    }
    page.markup("</dl>\n")
  }

  private mutating func fact(_ name: String, _ body: (inout HTMLWriter) -> Void) {
    page.markup("<dt>")
    page.text(name)
    page.markup("</dt><dd>")
    body(&page)
    page.markup("</dd>\n")
  }

  private mutating func addWords() {
    page.markup("<h2>What the words mean</h2>\n<dl class=\"words\">\n")
    for (word, meaning) in Self.words {
      page.markup("<dt>")
      page.text(word)
      page.markup("</dt><dd>")
      page.text(meaning)
      page.markup("</dd>\n")
    }
    page.markup("</dl>\n")
  }

  private static let words = [
    (
      "Record, offset",
      "A log holds records in a fixed order. The offset is a record's number, from 0 on."
    ),
    ("Stream, store", "A stream is one log. A store is a folder with several of them."),
    (
      "Hash",
      "A number of 64 digits that is computed from bytes. Other bytes with the same hash cannot be found, so "
        + "the hash shows whether the bytes are still the same."
    ),
    (
      "Chain, tree, group",
      "Records are taken together in groups. In the chain, each group's hash depends on all groups before it. "
        + "In the tree, one hash, the root, depends on every record."
    ),
    (
      "Checkpoint",
      "A short signed statement: at this length, the log had this root. Whoever keeps one can later tell "
        + "whether the log was cut or rewritten."
    ),
    (
      "Witness",
      "Somebody independent who signs a checkpoint after checking that it goes on from the last one seen."
    ),
    (
      "Seal, epoch",
      "A code over all that the log had stated, made with a key that is destroyed when its epoch is over. Who "
        + "takes over the machine later cannot make it, nor change what it covers without a trace."
    ),
    ("Rot", "Damage that a device does. \(Finding.Origin.rot.explanation)"),
    ("Edit", "A change that somebody makes. \(Finding.Origin.edit.explanation)"),
    (
      "Removal, erasure, redaction",
      "Records whose contents were taken away in order, by a rule or on request. The hashes stay, and the log "
        + "states when it was done and why, so that the rest can still be proven."
    ),
  ]
}
