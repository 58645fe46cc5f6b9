/// A value of a JSON document.
indirect enum JSONValue {
  case null
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([(String, JSONValue)])

  init(_ number: Double?) {
    if let number, number.isFinite { self = .number(number) } else { self = .null }
  }

  /// The document's text, indented by two spaces.
  func rendered(indentation: String = "") -> String {
    let inner = indentation + "  "
    switch self {
    case .null: return "null"
    case .number(let number):
      return number == number.rounded() && number.magnitude < 9e15
        ? String(Int64(number)) : "\(number)"
    case .text(let text): return Self.quoted(text)
    case .list(let values):
      if values.isEmpty { return "[]" }
      let lines = values.map { inner + $0.rendered(indentation: inner) }
      return "[\n" + lines.joined(separator: ",\n") + "\n\(indentation)]"
    case .object(let members):
      if members.isEmpty { return "{}" }
      let lines = members.map { name, value in
        "\(inner)\(Self.quoted(name)): \(value.rendered(indentation: inner))"
      }
      return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

extension Report {
  /// All figures, with every round by itself.
  var json: String {
    var facts = machine.facts.map { ($0.name, JSONValue.text($0.value)) }
    facts.append(("command", .text(command)))
    let document = JSONValue.object([
      ("machine", .object(facts)),
      ("benchmarks", .list(results.map { Self.value(of: $0) })),
    ])
    return document.rendered() + "\n"
  }

  private static func value(of result: BenchmarkResult) -> JSONValue {
    .object([
      ("name", .text(result.name)),
      ("recordBytes", .number(Double(result.workload.recordByteCount))),
      ("recordsPerIteration", .number(Double(result.workload.recordsPerIteration))),
      ("contenders", .list(result.contenders.map { value(of: $0) })),
      ("comparisons", .list(result.comparisons.map { value(of: $0) })),
      (
        "goals",
        .list(
          result.goalResults.map { item in
            .object([
              ("ours", .text(item.ours)), ("goal", .text(item.goal.text)),
              ("ratio", value(of: item.ratios)), ("verdict", .text(item.verdict.rawValue)),
            ])
          })
      ),
    ])
  }

  private static func value(of contender: ContenderResult) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .text(contender.name)), ("role", .text(contender.role.rawValue)),
    ]
    if let failure = contender.failure { members.append(("failure", .text(failure))) }
    if let rate = contender.rate { members.append(("recordsPerSecond", value(of: rate))) }
    members += [
      ("bytesPerSecond", JSONValue(contender.bytesPerSecond)),
      ("deviceBytesPerUserByte", JSONValue(contender.deviceBytesPerUserByte)),
      ("allocationsPerRecord", JSONValue(contender.allocationsPerRecord)),
      ("processorNanosecondsPerRecord", JSONValue(contender.processorNanosecondsPerRecord)),
      ("contextSwitchesPerRecord", JSONValue(contender.contextSwitchesPerRecord)),
    ]
    if contender.latencies.count > 0 {
      var latencies: [(String, JSONValue)] = Percentile.allCases.map { percentile in
        let value = Double(contender.latencies.value(atShare: percentile.share))
        return (percentile.rawValue, .number(value))
      }
      latencies.append(("max", .number(Double(contender.latencies.maximum))))
      latencies.append(("count", .number(Double(contender.latencies.count))))
      members.append(("latencyNanoseconds", .object(latencies)))
    }
    members.append(("rounds", .list(contender.rounds.map { value(of: $0) })))
    return .object(members)
  }

  private static func value(of round: Round) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("iterations", .number(Double(round.iterations))),
      ("nanoseconds", .number(Double(round.nanoseconds))),
      ("recordsPerSecond", .number(round.rate)),
      ("allocations", .number(Double(round.usage.allocations))),
      ("deviceBytes", JSONValue(round.usage.deviceBytes.map { Double($0) })),
    ]
    for percentile in Percentile.allCases {
      if let value = round.percentiles[percentile] {
        members.append((percentile.rawValue, .number(value)))
      }
    }
    return .object(members)
  }

  private static func value(of comparison: Comparison) -> JSONValue {
    let figure =
      switch comparison.figure {
      case .rate: "rate"
      case .latency(let percentile): percentile.rawValue
      }
    return .object([
      ("ours", .text(comparison.ours)), ("reference", .text(comparison.reference)),
      ("figure", .text(figure)), ("ratio", value(of: comparison.ratios)),
    ])
  }

  private static func value(of spread: Spread) -> JSONValue {
    .object([
      ("min", .number(spread.minimum)), ("median", .number(spread.median)),
      ("max", .number(spread.maximum)),
    ])
  }
}
