internal import AuditVerification
internal import CommandLineInterface
internal import Integrity

extension HTMLReport {
  /// How much of each stream the evidence covers.
  mutating func addStreams() {
    page.markup("<h2>Streams</h2>\n")
    guard !report.streams.isEmpty else {
      page.markup("<p>No stream could be read.</p>\n")
      return
    }
    for stream in report.streams { add(stream) }
    page.markup(
      """
      <p class="legend"><span class="key covered"></span>covered by evidence that holds\
      <span class="key relied"></span>relied upon from an earlier audit\
      <span class="key removed"></span>removed before\
      <span class="key"></span>not covered\
      <span class="key wrong"></span>findings</p>

      """)
  }

  private mutating func add(_ stream: StreamCoverage) {
    page.markup("<section class=\"stream\">\n<h3>")
    page.foreign(AuditReport.name(of: stream))
    page.markup("</h3>\n<p>")
    page.text(Self.sentence(stream))
    let concerned = report.findings.count { $0.place.streamID == stream.streamID }
    if concerned > 0 {
      page.text(
        " \(Count.text(concerned, "finding")) below \(concerned == 1 ? "concerns" : "concern") it.")
    }
    page.markup("</p>\n")
    bar(stream)
    page.markup("<table><thead><tr><th>Evidence</th><th class=\"n\">First offset</th>")
    page.markup("<th class=\"n\">Last offset</th><th class=\"n\">Covered up to</th>")
    page.markup("<th class=\"n\">Records</th><th class=\"n\">Groups</th>")
    page.markup("<th class=\"n\">Files</th><th class=\"n\">Read</th></tr></thead><tbody><tr><td>")
    page.text(EvidenceText.word(stream.coverage))
    let isEmpty = stream.firstOffset >= stream.nextOffset
    for cell in [
      isEmpty ? "–" : "\(stream.firstOffset)", isEmpty ? "–" : "\(stream.nextOffset - 1)",
      stream.evidencedOffset == 0 ? "–" : "\(stream.evidencedOffset - 1)",
      Count.grouped(stream.recordCount), Count.grouped(stream.groupCount),
      Count.grouped(stream.segmentCount), HumanFormat.byteCount(stream.byteCount),
    ] {
      page.markup("</td><td class=\"n\">")
      page.text(cell)
    }
    page.markup("</td></tr></tbody></table>\n")
    hashes(stream)
    page.markup("</section>\n")
  }

  private mutating func hashes(_ stream: StreamCoverage) {
    guard !stream.head.isEmpty || !stream.root.isEmpty else { return }
    page.markup("<p class=\"quiet\">")
    if !stream.head.isEmpty {
      page.markup("Head of the chain <code>")
      page.text(stream.head)
      page.markup("</code><br>")
    }
    if !stream.root.isEmpty {
      page.markup("Root of the tree <code>")
      page.text(stream.root)
      page.markup("</code>")
    }
    page.markup("</p>\n")
  }

  /// What of a stream is covered, in a sentence.
  private static func sentence(_ stream: StreamCoverage) -> String {
    guard stream.coverage != nil else {
      return "This stream keeps no evidence. Its checksums were looked at, which find damage only."
    }
    guard stream.firstOffset < stream.nextOffset else { return "No record is left in this stream." }
    if stream.evidencedOffset <= stream.firstOffset {
      return "None of its records could be proven."
    }
    if stream.evidencedOffset >= stream.nextOffset { return "Evidence covers it to its end." }
    let rest = stream.nextOffset - stream.evidencedOffset
    return "Evidence covers it up to offset \(stream.evidencedOffset - 1); the last "
      + "\(Count.text(rest, "record")) \(rest == 1 ? "is" : "are") not covered."
  }

  /// A picture of the stream from offset 0 to its end.
  private mutating func bar(_ stream: StreamCoverage) {
    let scale = BarScale(end: stream.nextOffset)
    page.markup(
      "<svg class=\"bar\" viewBox=\"0 0 1000 14\" preserveAspectRatio=\"none\" role=\"img\" ")
    page.markup("aria-label=\"")
    page.attribute(Self.sentence(stream))
    page.markup("\"><rect class=\"frame\" x=\"0.5\" y=\"0.5\" width=\"999\" height=\"13\"/>")
    let first = min(stream.firstOffset, stream.nextOffset)
    part(scale, 0..<first) { $0.markup("<rect class=\"removed\"") }
    if stream.coverage != nil {
      let covered = min(max(stream.evidencedOffset, first), stream.nextOffset)
      let relied = min(max(stream.resumedOffset, first), covered)
      part(scale, first..<relied) { $0.markup("<rect class=\"relied\"") }
      part(scale, relied..<covered) { $0.markup("<rect class=\"covered\"") }
    }
    for finding in report.findings.lazy.filter({ $0.place.streamID == stream.streamID }).prefix(
      1_000)
    {
      guard let offsets = finding.place.offsets else { continue }
      part(scale, offsets, least: 4) { $0.markup("<rect class=\"wrong\"") }
    }
    page.markup("</svg>\n")
  }

  private mutating func part(
    _ scale: BarScale, _ offsets: Range<UInt64>, least: Int = 0, _ begin: (inout HTMLWriter) -> Void
  ) {
    guard let (x, width) = scale.place(of: offsets, least: least) else { return }
    begin(&page)
    page.markup(" x=\"")
    page.number(x)
    page.markup("\" y=\"0\" width=\"")
    page.number(width)
    page.markup("\" height=\"14\"/>")
  }
}

/// Places on a bar of a thousand units.
struct BarScale {
  /// Offset at the right end.
  let end: UInt64

  /// Where a range begins, and how wide it is; `nil` when there is nothing to draw.
  ///
  /// - Parameters:
  ///   - offsets: The range; what lies behind the end is drawn at the end.
  ///   - least: The least width, so that single offsets can be seen.
  func place(of offsets: Range<UInt64>, least: Int = 0) -> (x: Int, width: Int)? {
    guard end > 0 else { return least > 0 ? (1_000 - least, least) : nil }
    func position(_ offset: UInt64) -> Int {
      Int(UInt128(min(offset, end)) * 1_000 / UInt128(end))
    }
    let x = min(position(offsets.lowerBound), 1_000 - least)
    let width = max(position(offsets.upperBound) - x, least)
    return width > 0 ? (x, width) : nil
  }
}
