internal import AuditVerification

extension HTMLReport {
  /// Findings, those of one kind together, each kind explained once.
  mutating func addFindings() {
    page.markup("<h2>Findings</h2>\n")
    guard !report.findings.isEmpty else {
      page.markup("<p>Nothing was found that is not as it should be.</p>\n")
      return
    }
    let rules = Dictionary(grouping: report.findings.indices) { report.findings[$0].rule }
    // The order of kinds is that of their first findings.
    for (rule, places) in rules.sorted(by: { ($0.value.first ?? 0) < ($1.value.first ?? 0) }) {
      page.markup("<section>\n<h3>")
      page.text(rule.title)
      page.markup("</h3>\n<p>")
      page.text(rule.explanation)
      page.markup("</p>\n")
      for index in places { add(report.findings[index], number: index + 1) }
      page.markup("<p class=\"advice\"><strong>What to do.</strong> ")
      page.text(rule.advice)
      page.markup("</p>\n</section>\n")
    }
  }

  private mutating func add(_ finding: Finding, number: Int) {
    switch finding.severity {
    case .broken: page.markup("<div class=\"finding\" id=\"finding-")
    case .warning: page.markup("<div class=\"finding warning\" id=\"finding-")
    }
    page.number(number)
    page.markup("\">\n<p>")
    page.text("\(number). ")
    page.sentence(finding.message)
    page.markup("</p>\n<p>")
    switch finding.origin {
    case .rot: page.markup("<span class=\"tag rot\">Rot</span> ")
    case .edit: page.markup("<span class=\"tag edit\">Edit</span> ")
    case .unknown: page.markup("<span class=\"tag unknown\">Origin unknown</span> ")
    }
    page.text(finding.origin.explanation)
    if finding.severity == .warning { page.text(" \(finding.severity.explanation)") }
    page.markup("</p>\n")
    let place = [finding.place.logText, finding.place.fileText].filter { !$0.isEmpty }
    // Most messages repeat the place.
    let isSaid = (finding.place.file ?? finding.place.streamName).map(finding.message.contains)
    if !place.isEmpty, isSaid != true {
      page.markup("<p class=\"place\">")
      page.foreign(place.joined(separator: "; "))
      page.markup("</p>\n")
    }
    page.markup("</div>\n")
  }

  /// What was not checked, what that leaves open, and what it would take.
  mutating func addUnchecked() {
    page.markup("<h2>What was not checked</h2>\n")
    guard !report.unchecked.isEmpty else {
      page.markup("<p>Everything that can be checked was checked.</p>\n")
      return
    }
    page.markup("<table><thead><tr><th>What</th><th>What that leaves open</th>")
    page.markup("<th>Why, and what it would take</th></tr></thead><tbody>\n")
    for item in report.unchecked {
      page.markup("<tr><td>")
      page.text(item.subject.title)
      if let name = item.streamName {
        page.markup(" <span class=\"quiet\">in ")
        page.foreign(name)
        page.markup("</span>")
      }
      if item.wasAskedFor { page.markup(" <span class=\"open\">(was asked for)</span>") }
      page.markup("</td><td>")
      page.text(item.subject.explanation)
      page.markup("</td><td>")
      page.sentence(item.reason)
      page.markup("</td></tr>\n")
    }
    page.markup("</tbody></table>\n")
  }
}
