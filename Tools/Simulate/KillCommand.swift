internal import CommitLog
internal import Glibc
internal import PlatformIO
internal import SimulatedIO

/// `simulate kill`: the real program on a real disk, killed again and again.
enum KillCommand {
  private static let roundsOfStore = 20

  /// What all stores came to.
  private struct Totals {
    var rounds = 0
    var acknowledged = 0
    var missing = 0
    var foreign = 0
  }

  static func run(_ arguments: Arguments) throws -> Bool {
    let seed: UInt64 = try arguments.number("seed", default: SystemRandom().next() >> 32)
    let roundCount: Int = try arguments.number("rounds", default: 100)
    let threadCount: Int = try arguments.number("threads", default: 8)
    let classes = try durabilities(arguments)
    let program = try program(arguments)
    let folder = try makeFolder(in: arguments.text("dir") ?? "/tmp")
    printNow("seed \(seed)")
    let random = SeededRandom(seed: seed)
    var totals = Totals()
    var number = 0
    while totals.rounds < roundCount {
      let plan = KilledStore.Plan(
        program: program, threadCount: threadCount, durability: classes[number % classes.count])
      let count = min(roundsOfStore, roundCount - totals.rounds)
      let isWell = try kill(
        plan, "\(folder)/\(number)", rounds: count, random: random, &totals)
      guard isWell else { return false }
      number += 1
    }
    try remove(folder)
    printNow(summary(totals))
    return true
  }

  /// The rounds of one store; a failure is told, and its store stays.
  private static func kill(
    _ plan: KilledStore.Plan, _ folder: String, rounds: Int, random: SeededRandom,
    _ totals: inout Totals
  ) throws -> Bool {
    let store = try KilledStore(plan, folder: folder, random: random)
    var problem: (any Error)?
    do {
      for _ in 0..<rounds {
        totals.rounds += 1
        try store.round()
      }
      try store.finish()
    } catch {
      problem = error
    }
    totals.acknowledged += store.acknowledgedCount
    totals.missing += store.missingCount
    totals.foreign += store.foreignCount
    if let problem {
      printNow("FAILED in round \(totals.rounds), class \(plan.durability): \(problem)")
      printNow("the store is kept in \(folder)")
      printNow(summary(totals))
      return false
    }
    try remove(folder)
    return true
  }

  private static func summary(_ totals: Totals) -> String {
    "\(totals.rounds) rounds, \(totals.acknowledged) acknowledged, \(totals.missing) missing, "
      + "\(totals.foreign) foreign"
  }

  // MARK: Arguments

  /// The class asked for; all in turn, store by store, when none is.
  private static func durabilities(_ arguments: Arguments) throws -> [Durability] {
    let async = Durability.async(maxDelayNanoseconds: 5_000_000, maxByteCount: 1 << 20)
    switch arguments.text("durability") {
    case nil: return [.disk, async, .memory]
    case "disk": return [.disk]
    case "async": return [async]
    case "memory": return [.memory]
    case let other?:
      throw Arguments.Problem(description: "--durability is disk, async or memory, not '\(other)'")
    }
  }

  /// The program asked for; the one beside this one when none is.
  private static func program(_ arguments: Arguments) throws -> String {
    let path = try arguments.text("program") ?? ownFolder() + "/piperoll"
    guard unsafe access(path, X_OK) == 0 else {
      throw Arguments.Problem(
        description: "no program \(path); build it (swift build -c release --product piperoll) or "
          + "name another with --program")
    }
    return path
  }

  // MARK: Folders

  /// Where this program lies.
  private static func ownFolder() throws -> String {
    let program = try PlainFile(reading: "/proc/self/exe").resolvedPath
    return program.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      .joined(separator: "/")
  }

  private static func makeFolder(in parent: String) throws -> String {
    let folder = "\(parent)/piperoll-kill-\(getpid())"
    // Safety: the path is a string that lives through the call.
    guard unsafe mkdir(folder, 0o700) == 0 else {
      throw Arguments.Problem(description: "\(folder) cannot be made: error \(errno)")
    }
    return folder
  }

  private static func remove(_ folder: String) throws {
    let child = try ChildProcess("/bin/rm", ["-rf", folder], outputTo: "/dev/null")
    guard child.wait() == .exit(0) else {
      throw Arguments.Problem(description: "\(folder) cannot be removed")
    }
  }
}
