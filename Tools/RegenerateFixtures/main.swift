@preconcurrency import Glibc
import TestSupport

// Rewrites Fixtures/format-v1 and the hex examples of FORMAT.md: the same bytes every time.
// With --check it writes nothing and ends with status 1 when anything would change.

let isChecking = CommandLine.arguments.contains("--check")
var differences: [String] = []

func settle(_ name: String, _ bytes: [UInt8]) throws {
  let file = RepositoryFile(name)
  if isChecking {
    if (try? file.read()) != bytes { differences.append(name) }
  } else {
    try file.write(bytes)
    print("\(name): \(bytes.count) bytes")
  }
}

for file in try Golden().files { try settle("Fixtures/format-v1/" + file.path, file.bytes) }

let (text, missing) = try Example.inserted(
  into: String(decoding: try RepositoryFile("FORMAT.md").read(), as: UTF8.self))
try settle("FORMAT.md", Array(text.utf8))
if !missing.isEmpty { differences.append("FORMAT.md has no place for \(missing)") }

for difference in differences { fputs("not as generated: \(difference)\n", stderr) }
if isChecking, differences.isEmpty { print("fixtures are as generated") }
exit(differences.isEmpty ? 0 : 1)
