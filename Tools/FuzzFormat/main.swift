@preconcurrency import Glibc

/// Usage: fuzz-format [--count N] [--seed N] [--first N]
///
/// Makes mutations `first ..< first + count` of the sequence that a seed names, decodes each and ends
/// with status 1 when a promise was broken. A crash prints the number of the mutation: run it again
/// with that seed, `--first` and `--count 1`.

nonisolated(unsafe) var current: UInt64 = 0
nonisolated(unsafe) var seed: UInt64 = 1
var count: UInt64 = 1_000_000
var first: UInt64 = 0

func usage() -> Never {
  fputs("usage: fuzz-format [--count N] [--seed N] [--first N]\n", stderr)
  exit(2)
}

var arguments = CommandLine.arguments.dropFirst()
while let name = arguments.popFirst() {
  guard let value = arguments.popFirst().flatMap({ UInt64($0) }) else { usage() }
  switch name {
  case "--count": count = value
  case "--seed": seed = value
  case "--first": first = value
  default: usage()
  }
}

for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT] {
  signal(number) { code in
    fputs("crashed by signal \(code): --seed \(seed) --first \(current) --count 1\n", stderr)
    signal(code, SIG_DFL)
    raise(code)
  }
}

func seconds(since start: ContinuousClock.Instant) -> Double {
  let time = ContinuousClock.now - start
  return Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
}

var fuzzer = try Fuzzer()
var slowest = (number: UInt64(0), seconds: 0.0)
var slowCount = 0
let start = ContinuousClock.now
print("fuzz-format: seed \(seed), mutations \(first) to \(first + count)")
for number in first..<first + count {
  current = number
  let before = ContinuousClock.now
  fuzzer.run(number, seed: seed)
  let time = seconds(since: before)
  if time > slowest.seconds { slowest = (number, time) }
  if time > 1 { slowCount += 1 }
  if (number - first) % 1_000_000 == 999_999 {
    print("\(number - first + 1) after \(Int(seconds(since: start))) s")
    fflush(stdout)
  }
}

let total = seconds(since: start)
let decoder = fuzzer.decoder
var usageOfMemory = rusage()
getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usageOfMemory)
let megabytes = usageOfMemory.ru_maxrss / 1_024
var failed = decoder.failures.values.reduce(0, +) + slowCount
for (name, times) in decoder.failures.sorted(by: { $0.key < $1.key }) {
  print("FAILED \(times) times: \(name)")
}
if megabytes > 1_024 {
  print("FAILED: \(megabytes) MiB of memory")
  failed += 1
}
print(
  "\(Int(Double(count) / max(total, 1e-9))) mutations/s, \(decoder.acceptedCount) structures taken, "
    + "\(decoder.refusedCount) refused, slowest \(Int(slowest.seconds * 1e6)) us (number "
    + "\(slowest.number)), \(megabytes) MiB, touched \(decoder.touched), seed \(seed)")
print("\(Int(count) - min(Int(count), failed)) passed, \(failed) failed")
exit(failed == 0 ? 0 : 1)
