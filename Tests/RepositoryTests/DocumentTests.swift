import Foundation
import Testing

/// The documents of the repository agree with it.
@Suite struct DocumentTests {
  // MARK: ARCHITECTURE.md

  @Test func `ARCHITECTURE md lists the targets of the package with what they import`() throws {
    let text = try Repository.text(of: "ARCHITECTURE.md")
    var listed: [String: Set<String>] = [:]
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let start = try #require(lines.firstIndex(of: "| target | imports | job |"))
    for line in lines[(start + 2)...].prefix(while: { $0.hasPrefix("|") }) {
      let cells = line.split(separator: "|").map(Self.quoted)
      try #require(cells.count >= 2)
      listed[try #require(cells[0].first)] = Set(cells[1])
    }
    var expected: [String: Set<String>] = [:]
    for target in try PackageDescription().sources {
      expected[target.name] = Set(target.dependencies)
    }
    for name in Set(listed.keys).union(expected.keys).sorted() {
      #expect(listed[name] == expected[name], "\(name) in ARCHITECTURE.md and in Package.swift")
    }
  }

  /// The words of a table cell that stand in back quotes.
  private static func quoted(_ cell: Substring) -> [String] {
    cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
      .filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }

  // MARK: FORMAT.md

  /// The name FORMAT.md uses for each size constant of `LogFormat`.
  static let structures: [String: String] = [
    "SuperBlock.byteCount": "superblock", "SuperBlock.fileByteCount": "superblock file",
    "SegmentLayout.preambleByteCount": "segment preamble",
    "SegmentHeader.byteCount": "segment header", "RecoverySlot.byteCount": "recovery slot",
    "FrameHead.byteCount": "frame head", "SoloRecord.headByteCount": "solo record head",
    "BatchLayout.headByteCount": "batch head", "ProducerStamp.byteCount": "producer stamp",
    "CommitFrame.byteCount": "commit frame", "IndexFrame.headByteCount": "index frame head",
    "IndexRow.byteCount": "index row",
    "IntegrityFrame.headByteCount": "integrity frame head",
    "StateFrame.headByteCount": "state frame head",
    "ProducerEntry.byteCount": "producer entry", "ControlFrame.byteCount": "control frame",
    "GapFrame.byteCount": "gap head", "SealBlock.fixedByteCount": "seal block before its columns",
    "SealTiles.headByteCount": "tiles before their nodes",
    "SegmentStatistics.byteCount": "statistics", "SealTrailer.byteCount": "trailer",
  ]

  /// Sizes of pages, not of structures.
  static let notStructures: Set<String> = [
    "SegmentLayout.pageByteCount", "IntegrityFrame.hashByteCount",
  ]

  /// Size constants in the sources of `LogFormat`: `Type.name` to value.
  static func sizeConstants() -> [String: Int] {
    var found: [String: Int] = [:]
    for source in SwiftSource.under("Sources/LogFormat") {
      var type = ""
      for line in source.code {
        if let match = line.firstMatch(of: /^(?:public )?(?:struct|enum|extension) (\w+)/) {
          type = String(match.1)
        }
        let constant = /public static let (\w*[bB]yteCount) = ([0-9_]+)$/
        if let match = line.firstMatch(of: constant) {
          found["\(type).\(match.1)"] = Int(match.2.filter { $0 != "_" })
        }
      }
    }
    return found
  }

  @Test func `FORMAT md has a row for every structure and its size`() throws {
    let constants = Self.sizeConstants()
    let document = try Repository.text(of: "FORMAT.md")
    var sizes: [String: Int] = [:]
    for line in document.split(separator: "\n") {
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      if cells.count == 2, sizes[cells[0]] == nil, let size = Int(cells[1]) {
        sizes[cells[0]] = size
      }
    }
    #expect(constants.count > 15)
    for (constant, size) in constants.sorted(by: { $0.key < $1.key })
    where !Self.notStructures.contains(constant) {
      let name = Self.structures[constant]
      #expect(name != nil, "\(constant) is new: describe it in FORMAT.md and name it here")
      #expect(name.flatMap { sizes[$0] } == size, "\(constant), \(name ?? "") in FORMAT.md")
    }
  }

  // MARK: The others

  @Test func `CHANGELOG md has a section for what is not released`() throws {
    let text = try Repository.text(of: "CHANGELOG.md")
    #expect(text.contains("\n## [Unreleased]\n"))
    let kinds: Set<Substring> = ["Added", "Changed", "Fixed", "Format", "Removed", "Security"]
    for line in text.split(separator: "\n") where line.hasPrefix("### ") {
      #expect(kinds.contains(line.dropFirst(4)), "\(line) is not a kind of change")
    }
  }

  @Test(arguments: ["Tools/quickstart", "Tools/test"])
  func `commands README md promises exist and can be run`(_ command: String) throws {
    #expect(try Repository.text(of: "README.md").contains(command))
    #expect(Repository.isExecutable(command))
  }

  @Test func `scripts can be run and stop at errors`() {
    let scripts = Repository.paths.filter { path in
      Repository.textIfAny(of: path)?.hasPrefix("#!/usr/bin/env bash\n") ?? false
    }
    #expect(scripts.count > 3)
    for script in scripts {
      #expect(Repository.isExecutable(script), "\(script) is not executable")
      let text = Repository.textIfAny(of: script) ?? ""
      #expect(text.contains("\nset -euo pipefail\n"), "\(script) goes on after errors")
    }
  }

  /// Documents that others point to and that are not written yet.
  static let awaited: Set<String> = ["Benchmarks/RESULTS.md"]

  @Test func `links between documents lead to files that exist`() throws {
    for path in Repository.paths where path.hasSuffix(".md") {
      let folder = path.split(separator: "/").dropLast().joined(separator: "/")
      for match in try Repository.text(of: path).matches(of: /\]\(([^)#\s:]+)(#[^)]*)?\)/) {
        let target = folder.isEmpty ? String(match.1) : "\(folder)/\(match.1)"
        let isThere = Repository.exists(target) || Self.awaited.contains(target)
        #expect(isThere, "\(path) points to \(target)")
      }
    }
  }

  @Test func `Swift examples in documents are compiled as tests`() throws {
    let tests = try Repository.text(of: "Tests/PiperollTests/DocumentExampleTests.swift")
      .split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    let documents = Repository.paths.filter { path in
      path == "README.md" || path.hasPrefix("Sources/Piperoll/") && path.hasSuffix(".md")
    }
    for path in documents {
      let blocks = try Repository.text(of: path).split(separator: "```swift\n").dropFirst()
      for block in blocks {
        var rest = tests[...]
        for line in block.prefix(upTo: block.firstRange(of: "```")?.lowerBound ?? block.endIndex)
          .split(separator: "\n")
        {
          let wanted = line.trimmingCharacters(in: .whitespaces)
          let place = rest.firstIndex(of: wanted)
          #expect(place != nil, "\(path): no test has, in this order: \(wanted)")
          rest = rest[(place.map { $0 + 1 } ?? rest.startIndex)...]
        }
      }
    }
  }

  /// Decision records are numbered without gaps and have their four sections.
  @Test func `decision records are complete`() throws {
    let folder = "Sources/Piperoll/Piperoll.docc/Decisions/"
    let records = Repository.paths.filter { $0.hasPrefix(folder) && $0.hasSuffix(".md") }
    #expect(!records.isEmpty)
    for (index, path) in records.enumerated() {
      let number = path.dropFirst(folder.count).prefix(4)
      #expect(Int(number) == index + 1, "\(path) is out of sequence")
      let text = try Repository.text(of: path)
      for section in ["Context", "Choice", "Rejected", "Consequences"] {
        #expect(text.contains("\n## \(section)\n"), "\(path) has no section \(section)")
      }
    }
  }

  // MARK: Traces of machines

  @Test func `no file names a place on somebody's machine or a private server`() throws {
    // Put together from parts, so that this file does not name them.
    let folders = ["work", "root", "home/[a-z]+", "Users/[A-Za-z]+", "farm"]
    let hosts = ["artifactory", "nexus", "verdaccio", "devpi", "index" + "-url", "GOPROXY="]
    let pattern = try Regex(
      "(^|[\\s\"'`(=:])/(\(folders.joined(separator: "|")))/|//[^/\\s]*(\(hosts[..<4].joined(separator: "|")))"
        + "|\(hosts[4...].joined(separator: "|"))")
    var found: [String] = []
    for path in Repository.paths where path != "LICENSE" && !path.hasSuffix("DocumentTests.swift") {
      guard let text = Repository.textIfAny(of: path) else { continue }
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated() where line.firstMatch(of: pattern) != nil
      {
        found.append("\(path):\(number + 1): \(line)")
      }
    }
    #expect(found.isEmpty, "\(found.listed)")
  }
}
