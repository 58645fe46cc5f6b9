internal import AuditVerification

extension HTMLReport {
  /// Checkpoints, by size: the earlier ones first.
  mutating func addCheckpoints() {
    page.markup("<h2>Checkpoints</h2>\n")
    guard !report.checkpoints.isEmpty else {
      page.markup(
        "<p>No checkpoint was given. Whether the log was cut or made anew since an earlier time ")
      page.markup("cannot be told without one.</p>\n")
      return
    }
    page.markup("<table><thead><tr><th class=\"n\">Length</th><th class=\"quarter\">Log</th>")
    page.markup("<th class=\"quarter\">Signed by</th>")
    page.markup("<th class=\"quarter\">Seen by witnesses</th><th>Result</th></tr></thead>\n")
    for checkpoint in report.checkpoints { add(checkpoint) }
    page.markup("</table>\n")
  }

  /// Two rows: what the checkpoint says and what became of it, and below it the long texts.
  private mutating func add(_ checkpoint: CheckpointResult) {
    page.markup("<tbody class=\"pair\"><tr><td class=\"n\">")
    page.number(checkpoint.size)
    page.markup("</td><td>")
    page.foreign(checkpoint.origin)
    page.markup("</td><td>")
    list(checkpoint.signers.isEmpty ? nil : checkpoint.signers, else: "no known key")
    page.markup("</td><td>")
    if checkpoint.witnesses.isEmpty { page.markup("nobody known<br>") }
    for witness in checkpoint.witnesses {
      page.foreign(witness.name)
      page.markup("<br><span class=\"moment\">")
      page.text(MomentText.text(seconds: witness.time))
      page.markup("</span><br>")
    }
    switch checkpoint.isQuorum {
    case true: page.markup("<span class=\"yes\">enough for the policy</span>")
    case false: page.markup("<span class=\"no\">too few for the policy</span>")
    case nil: break
    }
    page.markup("</td><td>")
    switch checkpoint.isConfirmed {
    case true: page.markup("<span class=\"yes\">confirmed</span>")
    case false: page.markup("<span class=\"no\">not confirmed</span>")
    case nil: page.markup("<span class=\"open\">could not be compared</span>")
    }
    page.markup("</td></tr>\n<tr><td></td><td colspan=\"4\" class=\"quiet\">Root <code>")
    page.foreign(checkpoint.root)
    page.markup("</code>, from the file ")
    page.foreign(checkpoint.path)
    page.markup("</td></tr></tbody>\n")
  }

  private mutating func list(_ names: [String]?, else text: String) {
    guard let names else { return page.text(text) }
    for name in names {
      page.foreign(name)
      page.markup("<br>")
    }
  }

  /// What the seals came to.
  mutating func addSeals() {
    guard let seals = report.seals else { return }
    page.markup("<h2>Seals</h2>\n<p>")
    page.text("\(seals.phrases.joined(separator: "; ")).")
    page.markup("</p>\n")
  }

  /// Removals, erasures and redactions, in the order of their statements.
  mutating func addEvents() {
    page.markup("<h2>Removals, erasures and redactions</h2>\n")
    guard !report.events.isEmpty else {
      page.markup("<p>The store states none.</p>\n")
      return
    }
    page.markup("<table><thead><tr><th>When</th><th>What</th><th class=\"fifth\">Stream</th>")
    page.markup("<th>Offsets</th><th class=\"quarter\">Why</th></tr></thead><tbody>\n")
    for event in report.events {
      page.markup("<tr><td class=\"nowrap\">")
      page.text(MomentText.text(nanoseconds: event.time))
      page.markup("</td><td class=\"nowrap\">")
      page.foreign(String(event.kind.prefix(20)))
      page.markup("</td><td>")
      if !event.streamName.isEmpty {
        page.foreign(event.streamName)
      } else {
        page.text(event.streamID == 0 ? "whole store" : "stream \(event.streamID)")
      }
      page.markup("</td><td class=\"nowrap\">")
      page.text(event.offsets.isEmpty ? "–" : OffsetText.bounds(event.offsets))
      page.markup("</td><td>")
      page.foreign([event.cause, event.reason].filter { !$0.isEmpty }.joined(separator: ": "))
      page.markup("</td></tr>\n")
    }
    page.markup("</tbody></table>\n")
  }
}
