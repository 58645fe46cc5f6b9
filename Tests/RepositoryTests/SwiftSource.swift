/// A Swift source file, as far as house rules need to understand it: its lines, and the same lines
/// with comments and strings blanked out, byte for byte.
struct SwiftSource: Sendable {
  let path: String
  /// The lines as they are.
  let lines: [String]
  /// The same lines without comments and without strings.
  let code: [String]
  /// All functions with a body, nested ones too.
  let functions: [Function]

  struct Function: Sendable {
    let name: String
    /// Line numbers from 0.
    let first: Int
    let last: Int
    var lineCount: Int { last - first + 1 }
  }

  /// Every Swift source of the repository.
  static let all: [SwiftSource] = Repository.paths.filter { $0.hasSuffix(".swift") }.compactMap {
    Repository.textIfAny(of: $0).map { [path = $0] in SwiftSource(path: path, text: $0) }
  }

  /// Sources whose path begins with one of some folders.
  static func under(_ folders: String...) -> [SwiftSource] {
    all.filter { source in folders.contains { source.path.hasPrefix($0 + "/") } }
  }

  init(path: String, text: String) {
    self.path = path
    let bytes = Array(text.utf8)
    let masked = CodeMask(bytes).masked
    lines = Self.lines(bytes)
    code = Self.lines(masked)
    functions = FunctionFinder(masked).functions
  }

  private static func lines(_ bytes: [UInt8]) -> [String] {
    bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  /// `path:line`, with lines counted from 1 as editors do.
  func place(_ line: Int) -> String { "\(path):\(line + 1)" }
}

/// Blanks comments and strings out.
private struct CodeMask {
  private let source: [UInt8]
  private(set) var masked: [UInt8]

  init(_ source: [UInt8]) {
    self.source = source
    masked = source
    var index = 0
    while index < source.count {
      guard let end = endOfComment(from: index) ?? endOfString(from: index) else {
        index += 1
        continue
      }
      for place in index..<end where source[place] != UInt8(ascii: "\n") {
        masked[place] = UInt8(ascii: " ")
      }
      index = end
    }
  }

  private func byte(_ index: Int) -> UInt8 { index < source.count ? source[index] : 0 }

  private func endOfComment(from start: Int) -> Int? {
    guard byte(start) == UInt8(ascii: "/") else { return nil }
    if byte(start + 1) == UInt8(ascii: "/") {
      return source[start...].firstIndex(of: UInt8(ascii: "\n")) ?? source.count
    }
    guard byte(start + 1) == UInt8(ascii: "*") else { return nil }
    var depth = 0
    var index = start
    while index < source.count {
      if byte(index) == UInt8(ascii: "/"), byte(index + 1) == UInt8(ascii: "*") {
        depth += 1
        index += 2
      } else if byte(index) == UInt8(ascii: "*"), byte(index + 1) == UInt8(ascii: "/") {
        depth -= 1
        index += 2
        if depth == 0 { return index }
      } else {
        index += 1
      }
    }
    return source.count
  }

  /// The end of the string literal that begins here; interpolations are part of it.
  private func endOfString(from start: Int) -> Int? {
    var hashes = 0
    while byte(start + hashes) == UInt8(ascii: "#") { hashes += 1 }
    let quote = UInt8(ascii: "\"")
    guard byte(start + hashes) == quote else { return nil }
    let open = start + hashes
    let isMultiline = byte(open + 1) == quote && byte(open + 2) == quote
    let closing =
      [UInt8](repeating: quote, count: isMultiline ? 3 : 1)
      + [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
    let escape = [UInt8(ascii: "\\")] + [UInt8](repeating: UInt8(ascii: "#"), count: hashes)
    var index = open + (isMultiline ? 3 : 1)
    var depth = 0
    while index < source.count {
      if depth > 0 {
        if byte(index) == UInt8(ascii: "(") { depth += 1 }
        if byte(index) == UInt8(ascii: ")") { depth -= 1 }
        index = endOfString(from: index) ?? index + 1
      } else if isAt(index, escape) {
        index += escape.count
        if byte(index) == UInt8(ascii: "(") { depth = 1 }
        index += 1
      } else if isAt(index, closing) {
        return index + closing.count
      } else {
        index += 1
      }
    }
    return source.count
  }

  private func isAt(_ index: Int, _ text: [UInt8]) -> Bool {
    for (step, value) in text.enumerated() where byte(index + step) != value { return false }
    return true
  }
}

/// Finds functions with bodies in masked code.
private struct FunctionFinder {
  private let code: [UInt8]
  private(set) var functions: [SwiftSource.Function] = []

  init(_ code: [UInt8]) {
    self.code = code
    var line = 0
    var index = 0
    while index < code.count {
      if code[index] == UInt8(ascii: "\n") { line += 1 }
      guard Self.isWord(code[index]), index == 0 || !Self.isWord(code[index - 1]) else {
        index += 1
        continue
      }
      let end = code[index...].firstIndex { !Self.isWord($0) } ?? code.count
      let word = String(decoding: code[index..<end], as: UTF8.self)
      let isMember = index > 0 && code[index - 1] == UInt8(ascii: ".")
      if ["func", "init", "deinit", "subscript"].contains(word), !isMember,
        let close = body(after: end)?.close
      {
        functions.append(
          SwiftSource.Function(
            name: word == "func" ? name(after: end) : word, first: line,
            last: line + Self.newlines(code[index...close])))
      }
      index = end
    }
  }

  private static func newlines(_ bytes: ArraySlice<UInt8>) -> Int {
    bytes.count { $0 == UInt8(ascii: "\n") }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 128...:
      true
    default: false
    }
  }

  private func name(after index: Int) -> String {
    let rest = code[index...].drop { $0 == UInt8(ascii: " ") }
    let name = rest.prefix { $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: "<") }
    return String(decoding: name, as: UTF8.self)
  }

  /// The braces of the body behind a declaration's keyword; `nil` for a requirement.
  private func body(after start: Int) -> (open: Int, close: Int)? {
    var depth = 0
    var index = start
    while index < code.count {
      switch code[index] {
      case UInt8(ascii: "("), UInt8(ascii: "["): depth += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): depth -= 1
      case UInt8(ascii: "{") where depth == 0: return (index, closingBrace(of: index))
      case UInt8(ascii: "}") where depth == 0: return nil
      case UInt8(ascii: "\n") where depth == 0 && !continues(behind: index): return nil
      default: break
      }
      if depth < 0 { return nil }
      index += 1
    }
    return nil
  }

  /// Whether the next line goes on with the declaration.
  private func continues(behind newline: Int) -> Bool {
    let rest = code[newline...].drop { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: " ") }
    return ["{", "throws", "async", "->", "where", "rethrows"].contains {
      rest.starts(with: $0.utf8)
    }
  }

  private func closingBrace(of open: Int) -> Int {
    var depth = 0
    for index in open..<code.count {
      if code[index] == UInt8(ascii: "{") { depth += 1 }
      if code[index] == UInt8(ascii: "}") {
        depth -= 1
        if depth == 0 { return index }
      }
    }
    return code.count - 1
  }
}
