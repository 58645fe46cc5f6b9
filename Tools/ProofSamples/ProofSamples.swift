import ByteCoding
import CommandLineInterface
import Cryptography
import Foundation
import Integrity

/// Writes checkpoints, proofs and tiled logs made by `Integrity`, for programs of others to judge.
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
      print("usage: proof-samples [--count N] [--seed S] DIRECTORY")
      exit(2)
    }
    var maker = try SampleMaker(folder: words[0], seed: seed)
    try maker.writeLeaves()
    try maker.writeCases(Int(clamping: count))
    try maker.writeLogs()
    print("\(count) cases, seed \(seed)")
  }
}
