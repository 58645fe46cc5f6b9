import Foundation
import Glibc
import Testing

/// The program as `Tools/audit` links it.
enum StaticProgram {
  /// Where `Tools/audit` leaves it; `nil`, said, when it was not run.
  static let path: String? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent(".build/static/piperoll-audit").path
    if FileManager.default.isExecutableFile(atPath: path) { return path }
    print("skipped: no static program; Tools/audit builds it")
    return nil
  }()
}

/// The program alone in its root, on a copy it cannot write, as nobody.
@Suite(.enabled(if: StaticProgram.path != nil))
struct StaticProgramTests {
  /// Runs the program in a root with nothing but itself and a store.
  private func run(in root: String, _ arguments: [String]) throws -> (status: Int32, output: String)
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let enter =
      geteuid() == 0
      ? ["chroot", "--userspec=65534:65534", root]
      : ["unshare", "--user", "--map-root-user", "chroot", root]
    process.arguments =
      ["--ignore-environment", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"] + enter
      + ["/piperoll-audit"] + arguments
    let file = root + "-output"
    try Data().write(to: URL(fileURLWithPath: file))
    defer { try? FileManager.default.removeItem(atPath: file) }
    process.standardOutput = FileHandle(forWritingAtPath: file)
    process.standardError = FileHandle(forWritingAtPath: file)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let output = try Data(contentsOf: URL(fileURLWithPath: file))
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
  }

  /// A folder with the program and a copy of a store that nobody can write.
  private func root(_ rig: AuditRig, _ store: AuditedStore) throws -> String {
    let root = rig.path("root")
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: #require(StaticProgram.path), toPath: root + "/piperoll-audit")
    try store.copy(to: root + "/store")
    let paths = try FileManager.default.subpathsOfDirectory(atPath: root + "/store")
    for path in [""] + paths {
      let path = root + "/store/" + path
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      chmod(path, isFolder.boolValue ? 0o555 : 0o444)
    }
    return root
  }

  /// Lets the rig remove its folder again.
  private func release(_ root: String) throws {
    for path in [""] + (try FileManager.default.subpathsOfDirectory(atPath: root + "/store")) {
      chmod(root + "/store/" + path, 0o755)
    }
  }

  @Test func `it needs no other file and is small`() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: #require(StaticProgram.path)))
    #expect(bytes.count <= 15 << 20)
    // Program headers: 56 bytes each, the type first; 3 asks for an interpreter, 2 for libraries.
    let start = Int(bytes[32..<40].reversed().reduce(0) { $0 << 8 | UInt64($1) })
    let count = Int(bytes[56]) | Int(bytes[57]) << 8
    let types = (0..<count).map { bytes[start + 56 * $0] }
    #expect(types.contains(1) && !types.contains(3) && !types.contains(2))
  }

  @Test func `it proves a read-only copy where nothing else is installed`() throws {
    let rig = try AuditRig()
    let root = try root(rig, try AuditedStore(in: rig))
    defer { try? release(root) }
    let result = try run(in: root, ["verify", "/store"])
    #expect(result.status == 0 && result.output.hasPrefix("PROVEN: "), "\(result)")
    let help = try run(in: root, ["help", "verify"])
    #expect(help.status == 0 && help.output.contains("--checkpoint"))
  }

  @Test func `it names a flipped bit there, too`() throws {
    let rig = try AuditRig()
    let store = try AuditedStore(in: rig)
    try store.flip("order 700,")
    let root = try root(rig, store)
    defer { try? release(root) }
    let result = try run(in: root, ["verify", "/store"])
    #expect(result.status == 1 && result.output.contains("bit 2"), "\(result)")
    #expect(try run(in: root, ["verify", "/nowhere"]).status == 2)
  }
}
