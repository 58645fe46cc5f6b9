/// The same figures as a table for people, for a document, and as JSON.
struct Report {
  let machine: MachineDescription
  let command: String
  var results: [BenchmarkResult] = []

  /// The columns of a benchmark's table.
  static func table(of result: BenchmarkResult) -> [[String]] {
    let withLatencies = result.measure == .latency
    let withBytes = result.workload.recordByteCount > 0
    let withDevice = result.workload.durability == .durable
    var header = ["contender", "role", "rec/s min", "median", "max"]
    if withBytes { header.append("MB/s") }
    if withLatencies { header += ["p50", "p99", "p99.9", "max"] }
    if withDevice { header.append("device B/B") }
    header += ["alloc/rec", "CPU ns/rec", "switches/rec"]
    var rows = [header]
    for contender in result.contenders {
      var row = [contender.name, contender.role.rawValue]
      if contender.failure != nil {
        row.append("failed")
        row += Array(repeating: "", count: header.count - row.count)
        rows.append(row)
        continue
      }
      let rate = contender.rate
      row += [rate?.minimum, rate?.median, rate?.maximum].map { text($0, Figures.rate) }
      if withBytes { row.append(text(contender.bytesPerSecond.map { $0 / 1e6 }, Figures.short)) }
      if withLatencies {
        row += Percentile.allCases.map { percentile in
          Figures.duration(
            nanoseconds: Double(contender.latencies.value(atShare: percentile.share)))
        }
        row.append(Figures.duration(nanoseconds: Double(contender.latencies.maximum)))
      }
      if withDevice { row.append(text(contender.deviceBytesPerUserByte, Figures.short)) }
      row += [
        text(contender.allocationsPerRecord, Figures.short),
        text(contender.processorNanosecondsPerRecord, Figures.short),
        text(contender.contextSwitchesPerRecord, Figures.short),
      ]
      rows.append(row)
    }
    return rows
  }

  /// Comparisons, goals and failures of a benchmark, a line each.
  static func remarks(on result: BenchmarkResult) -> [String] {
    var lines: [String] = []
    var compared = ""
    for comparison in result.comparisons {
      let figure =
        switch comparison.figure {
        case .rate: "rate"
        case .latency(let percentile): percentile.rawValue
        }
      // All figures of a pair share a line.
      let pair = "\(comparison.ours) / \(comparison.reference)"
      let ratio = "\(figure) \(text(comparison.ratios))"
      if pair == compared {
        lines[lines.count - 1] += ", \(ratio)"
      } else {
        lines.append("\(pair): \(ratio)")
        compared = pair
      }
    }
    for item in result.goalResults {
      lines.append(
        "goal: \(item.ours) \(item.goal.text): \(item.verdict.rawValue), \(text(item.ratios))")
    }
    for contender in result.contenders {
      if let failure = contender.failure { lines.append("\(contender.name) failed: \(failure)") }
    }
    return lines
  }

  /// A table with aligned columns.
  static func plainText(of result: BenchmarkResult) -> String {
    let rows = table(of: result)
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var text = "\(result.name)\n"
    for row in rows {
      let cells = row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column < 2 ? row[column] + padding : padding + row[column]
      }
      text += "  " + cells.joined(separator: "  ") + "\n"
    }
    for line in remarks(on: result) { text += "  \(line)\n" }
    return text
  }

  /// The document's text: machine and command, then a table for each benchmark.
  var markdown: String {
    var text = "# Benchmark results\n\n"
    for (name, value) in machine.facts { text += "- \(name): \(value)\n" }
    text += "- Command: `\(command)`\n"
    text += "\nRates are records per second: lowest, median and highest of the rounds.\n"
    for result in results {
      text += "\n## \(result.name)\n\n"
      for (index, row) in Self.table(of: result).enumerated() {
        text += "| " + row.map { escaped($0) }.joined(separator: " | ") + " |\n"
        guard index == 0 else { continue }
        text += "|" + row.indices.map { $0 < 2 ? " --- |" : " ---: |" }.joined() + "\n"
      }
      let remarks = Self.remarks(on: result)
      if !remarks.isEmpty { text += "\n" }
      for line in remarks { text += "- \(line)\n" }
    }
    return text
  }

  /// A bar would end the cell.
  private func escaped(_ cell: String) -> String {
    cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }

  private static func text(_ value: Double?, _ format: (Double) -> String) -> String {
    value.map(format) ?? "n/a"
  }

  private static func text(_ spread: Spread) -> String {
    "\(Figures.short(spread.median))x "
      + "(\(Figures.short(spread.minimum)) .. \(Figures.short(spread.maximum)))"
  }
}
