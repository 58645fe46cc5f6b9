internal import ByteCoding
internal import Cryptography

/// How the page looks, on a screen and on A4 paper.
enum HTMLStyle {
  /// What the page may do: use this style, and nothing else; so nothing that stands in a log can do
  /// anything, even if it got past the escaping.
  static let policy =
    "default-src 'none'; style-src 'sha256-\(Base64.text(SHA256.digest(Array(css.utf8)).bytes))'"

  /// The style sheet.
  static let css = """
    :root { color-scheme: light; }
    * { box-sizing: border-box; }
    body { margin: 0 auto; max-width: 54rem; padding: 2rem 1.25rem 4rem; color: #1b1f24;
      background: #fff; font: 1rem/1.5 "Helvetica Neue", Arial, "Liberation Sans", sans-serif; }
    h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
    h2 { font-size: 1.2rem; margin: 2.25rem 0 .5rem; padding-bottom: .25rem;
      border-bottom: 1px solid #c5ccd3; }
    h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
    p { margin: .4rem 0; max-width: 46rem; }
    bdi, td, dd { overflow-wrap: anywhere; }
    code { font: .86em/1.4 "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
    .quiet { color: #4d5661; }
    .verdict { margin: 1.25rem 0; padding: 1rem 1.25rem; border: 2px solid; border-left-width: 10px; }
    .verdict strong { display: block; font-size: 1.35rem; line-height: 1.3; }
    .verdict p { margin: .35rem 0 0; color: #1b1f24; }
    .proven { border-color: #1a7f37; background: #eef8f0; }
    .proven strong { color: #116329; }
    .broken { border-color: #b3261e; background: #fdf0ef; }
    .broken strong { color: #8c1d18; }
    .incomplete { border-color: #8a5a00; background: #fff7e6; }
    .incomplete strong { color: #6b4500; }
    dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem;
      margin: .75rem 0; }
    dl.facts dt { color: #4d5661; }
    dl.facts dd { margin: 0; }
    table { width: 100%; border-collapse: collapse; margin: .75rem 0; font-size: .92rem; }
    th, td { padding: .35rem .6rem .35rem 0; text-align: left; vertical-align: top;
      border-bottom: 1px solid #dde2e7; }
    th { font-weight: 600; color: #4d5661; border-bottom-color: #aab3bd; }
    th.n, td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
    td.nowrap, .moment { white-space: nowrap; }
    .moment { color: #4d5661; }
    th.quarter { width: 24%; }
    th.fifth { width: 20%; }
    tbody.pair tr:first-child td { border-bottom: 0; padding-bottom: 0; }
    .bar { display: block; width: 100%; height: 14px; margin: .3rem 0 .1rem; }
    .bar .frame { fill: #fff; stroke: #6e7781; stroke-width: 1; }
    .bar .covered { fill: #2f6f4f; }
    .bar .relied { fill: #8fb8a3; }
    .bar .removed { fill: #c5ccd3; }
    .bar .wrong { fill: #c62828; }
    .key { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 .9em;
      border: 1px solid #6e7781; vertical-align: -.05em; }
    .key:first-child { margin-left: 0; }
    .key.covered { background: #2f6f4f; }
    .key.relied { background: #8fb8a3; }
    .key.removed { background: #c5ccd3; }
    .key.wrong { background: #c62828; }
    .legend { max-width: none; font-size: .85rem; color: #4d5661; }
    .finding { margin: .75rem 0; padding: .6rem .9rem; border-left: 5px solid #b3261e;
      background: #f6f8fa; }
    .finding.warning { border-left-color: #8a5a00; }
    .finding p { margin: .25rem 0; }
    .finding .place { font-size: .9rem; color: #4d5661; }
    .tag { display: inline-block; padding: 0 .45em; border: 1px solid; border-radius: 3px;
      font-size: .8rem; font-weight: 600; }
    .tag.rot { color: #4b3fa3; }
    .tag.edit { color: #8c1d18; }
    .tag.unknown { color: #4d5661; }
    .yes { color: #116329; font-weight: 600; }
    .no { color: #8c1d18; font-weight: 600; }
    .open { color: #6b4500; font-weight: 600; }
    dl.words dt { font-weight: 600; margin-top: .5rem; }
    dl.words dd { margin: 0; }
    footer { margin-top: 3rem; padding-top: .75rem; border-top: 1px solid #c5ccd3; font-size: .85rem;
      color: #4d5661; }
    @media screen and (max-width: 60rem) {
      table { display: block; overflow-x: auto; }
    }
    @media screen and (max-width: 44rem) {
      dl.facts { grid-template-columns: 1fr; }
      dl.facts dd { margin-bottom: .4rem; }
    }
    @page { size: A4; margin: 18mm 16mm; }
    @media print {
      body { max-width: none; padding: 0; font-size: 10pt; }
      .verdict, .finding, .bar, .key { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
      .verdict, .finding, tr, tbody.pair, dt { break-inside: avoid; }
      h2, h3, dt { break-after: avoid; }
      .advice, .legend { break-before: avoid; }
      thead { display: table-header-group; }
    }
    """
}
