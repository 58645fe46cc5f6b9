import TestSupport

// Rewrites Fixtures/format-v1 and the hex examples of FORMAT.md: the same bytes every time.

for file in try Golden().files {
  try RepositoryFile("Fixtures/format-v1/" + file.path).write(file.bytes)
  print("Fixtures/format-v1/\(file.path): \(file.bytes.count) bytes")
}
let document = RepositoryFile("FORMAT.md")
let (text, missing) = try Example.inserted(
  into: String(decoding: try document.read(), as: UTF8.self))
try document.write(Array(text.utf8))
print("FORMAT.md: examples written, without a place: \(missing)")
