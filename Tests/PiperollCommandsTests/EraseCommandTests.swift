import CommandLineInterface
import Foundation
import Integrity
import Testing

@Suite struct EraseCommandTests {
  private let rig: Rig

  /// A store with an erasable stream of two subjects.
  init() throws {
    rig = try Rig().initialise()
    try SubjectsCommandTests.master(rig, "master", 1)
    try SubjectsCommandTests.master(rig, "other", 2)
    #expect(
      rig.run("subjects", "init", rig.path("keys"), "--master-key", rig.path("master")).code
        == .success)
    #expect(rig.run("create", rig.store, "a", "--erasable", "--evidence", "tree").code == .success)
    for name in ["one", "two"] {
      let result = rig.run(
        ["append", rig.store, "a"] + subject(name), input: PieceSource([Array("\(name)\n".utf8)]))
      #expect(result.code == .success, "\(result.errors)")
    }
  }

  private func subject(_ name: String, master: String = "master", keys: String = "keys")
    -> [String]
  {
    [
      "--subject", name, "--keys", rig.path(keys), "--master-key", rig.path(master),
    ]
  }

  private func erase(_ name: String, _ words: String..., master: String = "master") -> Outcome {
    rig.run(
      ["erase", rig.store] + subject(name, master: master) + words, input: PieceSource([]))
  }

  private func read(_ name: String) -> Outcome {
    rig.run(["read", rig.store, "a"] + subject(name), input: PieceSource([]))
  }

  @Test func `an erased subject is gone, the others are not, and the store says why`() throws {
    let result = erase("one", "--reason", "ticket 7")
    #expect(result.code == .success && result.errors.isEmpty, "\(result.errors)")
    #expect(result.text.hasPrefix("erased; stated as record "))
    #expect(read("one").isClearError && read("one").output.isEmpty)
    #expect(read("two").text == "two\n")
    let statements = rig.run("read", rig.store, "piperoll.evidence", "--json")
    #expect(statements.text.contains("erasure"))
    let files = try FileManager.default.subpathsOfDirectory(atPath: rig.store)
    for file in files {
      guard let bytes = FileManager.default.contents(atPath: rig.store + "/" + file) else {
        continue
      }
      // The reason stands there; who it was does not.
      #expect(bytes.range(of: Data("--subject".utf8)) == nil)
    }
    #expect(rig.run("verify", rig.store).code == .success)
  }

  @Test func `what became of an erasure is told to programs too`() throws {
    let first = erase("one", "--json")
    #expect(first.code == .success && first.text.hasPrefix("{\"erased\":true,\"statement\":"))
    let unknown = erase("three", "--json")
    #expect(unknown.code == .damaged && unknown.lines == ["{\"erased\":false,\"statement\":null}"])
    #expect(erase("three").errors.contains("no key here"))
    let again = erase("one")
    #expect(again.code == .success || again.code == .damaged)
  }

  @Test func `an erasure with wrong keys erases nothing, and says so in one line`() throws {
    try rig.write("empty", [])
    #expect(erase("one", master: "absent").isClearError)
    #expect(erase("one", master: "empty").isClearError)
    let other = erase("one", master: "other")
    #expect(other.code != .success && other.output.isEmpty && !other.errors.isEmpty)
    let bad: [[String]] = [
      ["erase", rig.store], ["erase", rig.store, "--subject", "one"],
      ["erase", rig.store, "--keys", rig.path("keys")],
      ["erase", rig.path("no")] + subject("one"),
      ["erase", rig.store] + subject("one", keys: "no"),
    ]
    for words in bad {
      let result = rig.run(words, input: PieceSource([]))
      #expect(result.isClearError && result.output.isEmpty, "\(words): \(result.errors)")
    }
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o640], ofItemAtPath: rig.path("master"))
    #expect(erase("one").isClearError)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o600], ofItemAtPath: rig.path("master"))
    let long = erase("one", "--reason", String(repeating: "x", count: 1_025))
    #expect(long.isClearError && long.errors.contains("1024"))
    #expect(read("one").text == "one\n")
  }
}
