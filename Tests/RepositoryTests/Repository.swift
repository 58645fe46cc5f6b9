import Foundation

/// The files of this repository as the tests see them: what is tracked, and what is about to be.
enum Repository {
  /// The root directory, found from this source file.
  static let root: String = {
    let parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    return parts.dropLast(3).joined(separator: "/")
  }()

  /// Paths of all files, relative to the root, sorted.
  static let paths: [String] = (gitPaths() ?? walkedPaths()).sorted()

  /// Paths of Swift sources under a folder.
  static func swiftPaths(under folder: String) -> [String] {
    paths.filter { $0.hasPrefix(folder + "/") && $0.hasSuffix(".swift") }
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root + "/" + path)
  }

  static func isExecutable(_ path: String) -> Bool {
    FileManager.default.isExecutableFile(atPath: root + "/" + path)
  }

  static func text(of path: String) throws -> String {
    try String(contentsOfFile: root + "/" + path, encoding: .utf8)
  }

  /// The text of a file, or `nil` when it is not text.
  static func textIfAny(of path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: root + "/" + path), !data.contains(0)
    else { return nil }
    return String(data: data, encoding: .utf8)
  }

  /// Tracked files and new ones that nothing ignores; `nil` outside a working copy.
  private static func gitPaths() -> [String]? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", "-z",
    ]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return nil }
    let data = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0, !data.isEmpty else { return nil }
    let names = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    return Set(names).filter { exists($0) }
  }

  /// All files of an unpacked archive.
  private static func walkedPaths() -> [String] {
    let all = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return all.filter { path in
      var isDirectory: ObjCBool = false
      let exists = FileManager.default.fileExists(
        atPath: root + "/" + path, isDirectory: &isDirectory)
      let parts = path.split(separator: "/")
      return exists && !isDirectory.boolValue
        && !parts.contains { $0 == ".build" || $0 == ".git" || $0 == "__pycache__" }
    }
  }
}

extension Sequence<String> {
  /// Lines for a failure message.
  var listed: String { "\n" + joined(separator: "\n") }
}
