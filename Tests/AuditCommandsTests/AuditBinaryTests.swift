import Foundation
import Testing

/// The built program, in real processes.
@Suite struct AuditBinaryTests {
  /// The program beside the tests, or `nil`, said, when it was not built.
  static let program: String? = {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
    let path = folder.appendingPathComponent("piperoll-audit").path
    if FileManager.default.isExecutableFile(atPath: path) { return path }
    print("skipped: no piperoll-audit beside the tests")
    return nil
  }()

  /// Runs a script with `$P` for the program, in the rig's folder; what it printed.
  private func shell(_ rig: AuditRig, _ script: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-c", script]
    process.currentDirectoryURL = URL(fileURLWithPath: rig.folder)
    process.environment = ["P": Self.program ?? "", "PATH": "/usr/bin:/bin"]
    try rig.write("out", [])
    process.standardOutput = FileHandle(forWritingAtPath: rig.path("out"))
    process.standardError = process.standardOutput
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return String(decoding: try rig.read("out"), as: UTF8.self)
  }

  @Test func `the status of the process is the verdict`() throws {
    guard Self.program != nil else { return }
    let rig = try AuditRig()
    let store = try AuditedStore(in: rig)
    #expect(try shell(rig, "$P verify store >report; echo $?; head -c 7 report") == "0\nPROVEN:")
    try store.flip("order 9,")
    #expect(try shell(rig, "$P verify store >report; echo $?; head -c 7 report") == "1\nBROKEN:")
    let usage = try shell(rig, "$P verify; echo $?")
    #expect(usage.hasSuffix("\n2\n") && usage.hasPrefix("piperoll-audit verify: "))
  }

  @Test func `a reader that has seen enough ends the auditor quietly`() throws {
    guard Self.program != nil else { return }
    let rig = try AuditRig()
    _ = try AuditedStore(in: rig)
    let output = try shell(rig, "$P verify store --json | head -c 1; echo; echo ${PIPESTATUS[0]}")
    #expect(output == "{\n0\n")
  }

  @Test func `the configuration of libcrypto on a machine has no say`() throws {
    guard Self.program != nil else { return }
    let rig = try AuditRig()
    _ = try AuditedStore(in: rig)
    let broken =
      "openssl_conf = a\n[a]\nproviders = b\n[b]\nnone = c\n[c]\nmodule = /none\nactivate = 1\n"
    try rig.write("openssl.cnf", Array(broken.utf8))
    let output = try shell(
      rig,
      "$P verify store >one; OPENSSL_CONF=$PWD/openssl.cnf $P verify store >two; cmp one two; echo $?"
    )
    #expect(output == "0\n")
  }
}
