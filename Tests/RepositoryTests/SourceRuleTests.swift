import Foundation
import Testing

/// House rules about what stands in the sources.
@Suite struct SourceRuleTests {
  static let fileLineLimit = 500
  static let functionLineLimit = 60

  @Test func `no source file is longer than the limit`() {
    let long = SwiftSource.all.filter { $0.lines.count - 1 > Self.fileLineLimit }
    #expect(
      long.isEmpty,
      "split by job: \(long.map { "\($0.path): \($0.lines.count - 1) lines" }.listed)")
  }

  @Test func `no function is longer than the limit`() {
    var long: [String] = []
    for source in SwiftSource.all {
      for function in source.functions where function.lineCount > Self.functionLineLimit {
        long.append("\(source.place(function.first)): \(function.name): \(function.lineCount)")
      }
    }
    #expect(long.isEmpty, "split: \(long.listed)")
  }

  // MARK: Banned

  /// What must not stand in code, and where; comments and strings do not count.
  static let banned: [(text: String, folders: [String])] = [
    ("try!", ["Sources", "Tests", "Tools", "Benchmarks"]),
    (" as! ", ["Sources", "Tests", "Tools", "Benchmarks"]),
    ("fatalError(", ["Sources"]),
    ("print(", ["Sources"]),
    ("debugPrint(", ["Sources"]),
    ("dump(", ["Sources"]),
  ]

  @Test(arguments: banned.indices)
  func `banned calls do not occur`(_ index: Int) {
    let (text, folders) = Self.banned[index]
    var found: [String] = []
    for source in SwiftSource.all
    where folders.contains(where: { source.path.hasPrefix($0 + "/") }) {
      for (number, line) in source.code.enumerated() where Self.occurs(text, in: line) {
        found.append(source.place(number))
      }
    }
    #expect(found.isEmpty, "\(text) in \(found.listed)")
  }

  /// Whether a call stands in a line: not as the end of another word, a member or a case.
  private static func occurs(_ text: String, in line: String) -> Bool {
    var rest = line[...]
    while let range = rest.firstRange(of: text) {
      let before = line[..<range.lowerBound].last ?? " "
      if !before.isLetter, !before.isNumber, before != "_", before != ".",
        !line.contains("case " + text), !line.contains("func " + text)
      {
        return true
      }
      rest = rest[range.upperBound...]
    }
    return false
  }

  @Test func `every open task in a comment has a number`() throws {
    let marks = ["TO" + "DO", "FIX" + "ME", "X" + "XX"]
    let pattern = try Regex("\\b(\(marks.joined(separator: "|")))\\b(?! ?\\(?#[0-9]+)")
    var found: [String] = []
    for path in Repository.paths {
      guard let text = Repository.textIfAny(of: path) else { continue }
      for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
        .enumerated()
      where marks.contains(where: line.contains) && line.firstMatch(of: pattern) != nil {
        found.append("\(path):\(number + 1)")
      }
    }
    #expect(found.isEmpty, "write the number of the issue behind it: \(found.listed)")
  }

  // MARK: Safety

  /// How far above a use its `// Safety:` line may stand.
  static let safetyDistance = 12

  @Test func `what the compiler cannot check says why it is safe`() {
    var found: [String] = []
    for source in SwiftSource.under("Sources") {
      let safety = source.lines.indices.filter { source.lines[$0].contains("// Safety:") }
      let safeTypes = Self.typesWithSafety(source, safety)
      for (number, line) in source.code.enumerated() where Self.needsSafety(line) {
        let isExplained = safety.contains { place in
          (number - Self.safetyDistance...number).contains(place)
            || source.functions.contains {
              ($0.first...$0.last).contains(number) && ($0.first - 3...$0.last).contains(place)
            }
        }
        let isCovered = safeTypes.contains { $0.contains(number) }
        if !isExplained && !isCovered { found.append("\(source.place(number)): \(line)") }
      }
    }
    #expect(found.isEmpty, "without a Safety line in reach: \(found.listed)")
  }

  private static func needsSafety(_ line: String) -> Bool {
    line.contains("@unchecked Sendable") || line.contains("nonisolated(unsafe)")
      || line.firstMatch(of: /\bunsafe [^:,=)]/) != nil
  }

  /// Lines of types whose own declaration carries a `// Safety:` line: it speaks for their members.
  private static func typesWithSafety(_ source: SwiftSource, _ safety: [Int]) -> [ClosedRange<Int>]
  {
    source.code.indices.compactMap { number in
      let line = source.code[number]
      guard line.contains("@safe ") || line.contains("@unchecked Sendable"), line.hasSuffix("{"),
        safety.contains(where: { (number - 4...number + 4).contains($0) })
      else { return nil }
      let indentation = line.prefix { $0 == " " }
      let end = source.code[number...].firstIndex { $0 == indentation + "}" }
      return number...(end ?? number)
    }
  }
}
