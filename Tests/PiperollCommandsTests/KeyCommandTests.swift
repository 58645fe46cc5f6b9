import CommandLineInterface
import CommitLog
import Foundation
import Integrity
import PlatformIO
import SimulatedIO
import Testing

@Suite struct KeyCommandTests {
  private func generate(_ rig: Rig, _ file: String, kind: String = "log") -> Outcome {
    rig.run("key", "generate", "example.com/a", "--kind", kind, "--out", file)
  }

  @Test(arguments: [("log", SignatureKind.ed25519), ("witness", .ed25519Cosignature)])
  func `a generated key is secret in its file and public on the screen`(
    _ kind: String, _ signs: SignatureKind
  ) throws {
    let rig = try Rig()
    let result = generate(rig, rig.path("key"), kind: kind)
    #expect(result.code == .success && result.lines.count == 1 && result.errors.isEmpty)
    let text = String(decoding: try rig.read("key"), as: UTF8.self)
    let key = try NoteSignerKey(String(text.dropLast()))
    #expect(text.last == "\n" && key.verifier.kind == signs)
    #expect(result.lines == [key.verifier.text])
    let attributes = try FileManager.default.attributesOfItem(atPath: rig.path("key"))
    #expect(attributes[.posixPermissions] as? Int == 0o600)
    let other = generate(rig, rig.path("other"), kind: kind)
    #expect(other.code == .success && other.lines != result.lines)
  }

  @Test func `a key is never written over another file`() throws {
    let rig = try Rig()
    #expect(generate(rig, rig.path("key")).code == .success)
    let before = try rig.read("key")
    let again = generate(rig, rig.path("key"))
    #expect(again.isClearError && again.output.isEmpty && again.errors.contains("exists"))
    #expect(try rig.read("key") == before)
    for file in ["missing/key", "", "folder/", ".", ".."] {
      let result = generate(rig, file.isEmpty ? "" : rig.path(file))
      #expect(result.isClearError && result.output.isEmpty, "\(file)")
    }
  }

  @Test func `the public key is shown only when the secret one is durable`() throws {
    for fault in [FileSystemError.Operation.write, .synchronizeData, .synchronizeDirectory] {
      let rig = try Rig()
      let disk = SimulatedFileSystem()
      try disk.makeDirectory(path: "/keys")
      try disk.synchronizeParent(ofDirectoryAt: "/keys")
      rig.environment.fileSystem = disk
      disk.failNext(fault)
      let result = generate(rig, "/keys/a")
      #expect(result.isClearError && result.output.isEmpty)
      // What was half written is in nobody's way.
      let again = generate(rig, "/keys/a")
      let text = try disk.crashImage(.loseAll, seed: 1).readFile("/keys/a")
      let key = try NoteSignerKey(String(decoding: text.dropLast(), as: UTF8.self))
      #expect(again.lines == [key.verifier.text])
    }
  }

  @Test func `a name that no key can have is refused`() throws {
    let rig = try Rig()
    for name in ["", "a b", "a+b", "a\u{2003}b", "a\nb", "a\u{202e}b"] {
      let result = rig.run(
        "key", "generate", name, "--kind", "log", "--out", rig.path("key"))
      #expect(result.isClearError, "\(name)")
    }
    let result = rig.run("key", "generate", "a", "--out", rig.path("key"))
    #expect(result.isClearError && result.errors.contains("--kind"))
  }
}
