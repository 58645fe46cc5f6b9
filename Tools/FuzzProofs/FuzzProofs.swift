import ByteCoding
import Glibc

/// Feeds changed notes, proofs, requests, policies, keys, tile names, leaves and statements to everything that
/// reads them.
@main
enum FuzzProofs {
  static func main() throws {
    var words = Array(CommandLine.arguments.dropFirst())
    var numbers: [String: UInt64] = ["count": 100_000, "seed": 1]
    while words.count >= 2, numbers[String(words[0].dropFirst(2))] != nil,
      let number = UInt64(words[1])
    {
      numbers[String(words[0].dropFirst(2))] = number
      words.removeFirst(2)
    }
    guard words.isEmpty, let count = numbers["count"], let seed = numbers["seed"] else {
      print("usage: fuzz-proofs [--count N] [--seed S]")
      exit(2)
    }
    var fuzzer = try ProofFuzzer(seed: seed)
    guard fuzzer.isSound() else {
      print("fuzz-proofs: what was not changed does not verify")
      exit(1)
    }
    for _ in 0..<count { fuzzer.runOnce() }
    for failure in fuzzer.failures.prefix(20) {
      print("FAILED \(failure.name): \(Hexadecimal.text(failure.bytes))")
    }
    print("seed \(seed)")
    print("\(fuzzer.acceptedCount) read, \(fuzzer.refusedCount) refused")
    print("\(count) passed, \(fuzzer.failures.count) failed")
    exit(fuzzer.failures.isEmpty ? 0 : 1)
  }
}
