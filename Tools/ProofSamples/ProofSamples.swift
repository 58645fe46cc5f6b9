import ByteCoding
import CommandLineInterface
import Cryptography
import Foundation
import Integrity

/// Writes checkpoints, proofs and tiled logs made by `Integrity`, for programs of others to judge; or judges
/// those that programs of others have made.
@main
enum ProofSamples {
  static func main() throws {
    var words = Array(CommandLine.arguments.dropFirst())
    var numbers: [String: UInt64] = ["count": 1_000, "seed": 1]
    while words.count >= 3, numbers[String(words[0].dropFirst(2))] != nil,
      let number = UInt64(words[1])
    {
      numbers[String(words[0].dropFirst(2))] = number
      words.removeFirst(2)
    }
    guard words.count == 1, !words[0].hasPrefix("-"), let count = numbers["count"],
      let seed = numbers["seed"]
    else {
      print("usage: proof-samples [--count N] [--seed S] DIRECTORY | FILE.jsonl")
      exit(2)
    }
    if words[0].hasSuffix(".jsonl") { return try judge(words[0], seed) }
    var maker = try SampleMaker(folder: words[0], seed: seed)
    try maker.writeLeaves()
    try maker.writeCases(Int(clamping: count))
    try maker.writeLogs()
    print("\(count) cases, seed \(seed)")
  }

  private static func judge(_ file: String, _ seed: UInt64) throws {
    var cases = ForeignCases(seed: seed)
    try cases.judge(file: file)
    for failure in cases.failures { print("FAILED \(failure)") }
    print(
      "ours, of what others made: \(cases.accepted) accepted, \(cases.refused) changed ones refused, "
        + "\(cases.failures.count) failed")
    if !cases.failures.isEmpty || cases.accepted == 0 { exit(1) }
  }
}
