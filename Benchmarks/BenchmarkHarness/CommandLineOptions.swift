/// What the command line asks for.
struct CommandLineOptions: Equatable {
  var filters: [String] = []
  var contender: String?
  var isListing = false
  var isQuick = false
  var isHelp = false
  var roundCount: Int?
  var directory: String?
  var jsonPath: String?
  var markdownPath: String?

  static let help = """
    usage: bench [NAME ...] [options]

    Runs the benchmarks whose names contain one of the NAMEs; all without a NAME.

      --list            show the names and stop
      --only TEXT       run the contenders alone whose names contain TEXT, without goals: to profile one
      --rounds N        rounds per benchmark (default 5, at least 1)
      --quick           3 rounds with short windows: a look, not a measurement
      --dir DIR         measure in a new directory inside DIR (default: the current directory);
                        it is removed afterwards
      --json FILE       write all figures
      --markdown FILE   write the tables
      --help            show this text

    """

  init() {}

  /// - Throws: `BenchmarkError` naming the argument that is not understood.
  init(arguments: [String]) throws(BenchmarkError) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      switch argument {
      case "--list": isListing = true
      case "--quick": isQuick = true
      case "--help", "-h": isHelp = true
      case "--rounds":
        let text = try Self.value(of: argument, from: &rest)
        guard let count = Int(text), (1...1000).contains(count) else {
          throw BenchmarkError("--rounds: '\(text)' is not a number from 1 to 1000")
        }
        roundCount = count
      case "--only": contender = try Self.value(of: argument, from: &rest)
      case "--dir": directory = try Self.value(of: argument, from: &rest)
      case "--json": jsonPath = try Self.value(of: argument, from: &rest)
      case "--markdown": markdownPath = try Self.value(of: argument, from: &rest)
      case _ where argument.hasPrefix("-"):
        throw BenchmarkError("unknown option '\(argument)'; --help shows the options")
      default: filters.append(argument)
      }
    }
  }

  private static func value(
    of option: String, from rest: inout ArraySlice<String>
  ) throws(BenchmarkError) -> String {
    guard let value = rest.popFirst() else { throw BenchmarkError("\(option) needs a value") }
    return value
  }

  func selects(_ name: String) -> Bool {
    filters.isEmpty || filters.contains { name.contains($0) }
  }

  /// A benchmark with the contenders that are asked for; `nil` when it has none of them.
  func selected(_ benchmark: Benchmark) -> Benchmark? {
    guard selects(benchmark.name) else { return nil }
    guard let contender else { return benchmark }
    let left = benchmark.contenders.filter { $0.name.contains(contender) }
    guard !left.isEmpty else { return nil }
    return Benchmark(
      name: benchmark.name, workload: benchmark.workload, measure: benchmark.measure,
      contenders: left)
  }

  /// The command as it belongs into a report: what was run, not where files lie.
  var command: String {
    var parts = ["Tools/bench"] + filters
    if isQuick { parts.append("--quick") }
    if let contender { parts += ["--only", "'\(contender)'"] }
    if let roundCount { parts += ["--rounds", "\(roundCount)"] }
    return parts.joined(separator: " ")
  }
}
