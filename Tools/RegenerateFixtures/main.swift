@preconcurrency import Glibc
import TestSupport

// Rewrites Fixtures/format-v1, Fixtures/evidence-v1 and the hex examples of FORMAT.md: the same bytes every
// time.
// With --check it writes nothing and ends with status 1 when anything would change.

let isChecking = CommandLine.arguments.contains("--check")

/// Writes a file, or answers what is wrong with it.
func settle(_ name: String, _ bytes: [UInt8], checking: Bool) throws -> String? {
  let file = RepositoryFile(name)
  if checking { return (try? file.read()) == bytes ? nil : "\(name) is not as generated" }
  try file.write(bytes)
  print("\(name): \(bytes.count) bytes")
  return nil
}

var problems: [String?] = []
for file in try Golden().files {
  problems.append(
    try settle("Fixtures/format-v1/" + file.path, file.bytes, checking: isChecking))
}
for file in try EvidenceVectors.files() {
  problems.append(
    try settle("Fixtures/evidence-v1/" + file.path, file.bytes, checking: isChecking))
}
let (text, missing) = try Example.inserted(
  into: String(decoding: try RepositoryFile("FORMAT.md").read(), as: UTF8.self))
problems.append(try settle("FORMAT.md", Array(text.utf8), checking: isChecking))
if !missing.isEmpty { problems.append("FORMAT.md has no place for the examples \(missing)") }

let found = problems.compactMap { $0 }
for problem in found { fputs("\(problem)\n", stderr) }
if isChecking, found.isEmpty { print("fixtures are as generated") }
exit(found.isEmpty ? 0 : 1)
