internal import DamageScenarios
internal import Glibc

/// Damages stores at rest and checks what engine and auditor make of them.
@main
enum Damage {
  static func main() {
    var words = Array(CommandLine.arguments.dropFirst())
    let command = words.isEmpty ? "help" : words.removeFirst()
    var values: [String: UInt64] = [:]
    while words.count >= 2, words[0].hasPrefix("--"), let value = UInt64(words[1]) {
      values[String(words[0].dropFirst(2))] = value
      words.removeFirst(2)
    }
    guard words.isEmpty, ["flips", "files", "mutations", "bits"].contains(command) else {
      print(usage)
      exit(command == "help" ? 0 : 2)
    }
    let seed = values["seed"] ?? 1
    do throws(ScenarioError) {
      let tally = try run(command, seed: seed, values)
      for failure in tally.failures { print("FAILED \(failure)") }
      print("seed \(seed)")
      for line in tally.lines { print(line) }
      exit(tally.failedCount == 0 ? 0 : 1)
    } catch {
      print("damage: \(error)")
      exit(2)
    }
  }

  private static func run(_ command: String, seed: UInt64, _ values: [String: UInt64])
    throws(ScenarioError) -> Tally
  {
    if command == "mutations" || command == "bits" {
      return try mutate(seed: seed, values, eachBit: command == "bits")
    }
    if command == "files" {
      var damage = FileDamage(seed: seed)
      if let count = values["foreign"] { damage.foreignCount = Int(clamping: count) }
      return try damage.run()
    }
    var sweep = FlipSweep()
    sweep.seed = seed
    sweep.sampleCount = values["sample"].map { Int(clamping: $0) }
    if let count = values["deep"] { sweep.deepCount = Int(clamping: count) }
    if let count = values["bytes"] { sweep.byteCount = Int(clamping: count) }
    sweep.threadCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    if let count = values["jobs"] { sweep.threadCount = max(1, Int(clamping: count)) }
    return try sweep.run()
  }

  private static func mutate(seed: UInt64, _ values: [String: UInt64], eachBit: Bool)
    throws(ScenarioError) -> Tally
  {
    var sweep = MutationSweep()
    sweep.seed = seed
    if let count = values["count"] { sweep.count = Int(clamping: count) }
    if let count = values["bytes"] { sweep.byteCount = Int(clamping: count) }
    sweep.only = values["case"].map { Int(clamping: $0) }
    if eachBit {
      sweep.bitStep = max(1, Int(clamping: values["every"] ?? 1))
      sweep.firstBit = Int(clamping: values["from"] ?? 0)
    }
    sweep.threadCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    if let count = values["jobs"] { sweep.threadCount = max(1, Int(clamping: count)) }
    let total = try sweep.numbers().count
    let step = max(1, total / 20)
    print("seed \(seed), \(total) \(eachBit ? "flips" : "mutations")")
    let outcome = try sweep.run { done in
      guard done % step < 256 else { return }
      print("\(done) of \(total)")
      // Seen at once, also where it is written to a file.
      fflush(nil)
    }
    var tally = outcome.tally
    if sweep.only == nil, !eachBit {
      var list = FailureList()
      (list.seed, list.byteCount) = (seed, sweep.byteCount)
      tally.add(try list.run())
    }
    for line in outcome.coverageLines { print(line) }
    if !eachBit { print("\(outcome.sameCount) mutations changed no byte") }
    return tally
  }

  static let usage = """
    usage: damage flips [--sample N] [--deep N] [--bytes N] [--jobs J] [--seed S]
           damage files [--foreign N] [--seed S]
           damage mutations [--count N] [--bytes N] [--jobs J] [--seed S] [--case NUMBER]
           damage bits [--every N] [--from N] [--bytes N] [--jobs J] [--seed S]
    """
}
