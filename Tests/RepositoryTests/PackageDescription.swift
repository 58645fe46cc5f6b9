/// A package's targets, read from the text of its `Package.swift`.
struct PackageDescription {
  struct Target {
    let name: String
    let kind: String
    let dependencies: [String]
    let path: String
  }

  let targets: [Target]

  /// Targets whose sources make up the products.
  var sources: [Target] { targets.filter { $0.path.hasPrefix("Sources/") } }

  init(path: String = "Package.swift", folder: String = "") throws {
    let text = try Repository.text(of: path)
    // Comments out, so that what they show is not taken for a target.
    let lines = text.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
    let characters = Array(lines.joined(separator: "\n"))
    let marker = Array("\n  targets: [")
    guard let start = characters.indices.first(where: { characters[$0...].starts(with: marker) })
    else {
      targets = []
      return
    }
    var found: [Target] = []
    var index = start + marker.count
    while index < characters.count, characters[index] != "]" {
      guard characters[index] == "." else {
        index += 1
        continue
      }
      let kind = String(characters[(index + 1)...].prefix { $0.isLetter })
      let open = index + 1 + kind.count
      let close = Self.closing(characters, of: open)
      let body = String(characters[open...close])
      let name = Self.string(after: "name: ", in: body) ?? ""
      let standard = kind == "testTarget" ? "Tests/" : "Sources/"
      found.append(
        Target(
          name: name, kind: kind, dependencies: Self.dependencies(in: body),
          path: folder + (Self.string(after: " path: ", in: body) ?? standard + name)))
      index = close + 1
    }
    targets = found
  }

  /// Index of the bracket that closes the one at `open`.
  private static func closing(_ characters: [Character], of open: Int) -> Int {
    var depth = 0
    for index in open..<characters.count {
      if "([".contains(characters[index]) { depth += 1 }
      if ")]".contains(characters[index]) {
        depth -= 1
        if depth == 0 { return index }
      }
    }
    return characters.count - 1
  }

  private static func string(after label: String, in text: String) -> String? {
    guard let range = text.firstRange(of: label + "\"") else { return nil }
    return String(text[range.upperBound...].prefix { $0 != "\"" })
  }

  private static func dependencies(in text: String) -> [String] {
    guard let range = text.firstRange(of: "dependencies: [") else { return [] }
    let characters = Array(text[range.lowerBound...])
    guard let open = characters.firstIndex(of: "[") else { return [] }
    let list = String(characters[open...closing(characters, of: open)])
    // Strings behind `condition:` and `package:` labels are none of ours; there are no such here.
    return list.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }
}
