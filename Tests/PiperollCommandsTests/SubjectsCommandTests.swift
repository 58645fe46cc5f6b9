import CommandLineInterface
import Foundation
import Testing

@Suite struct SubjectsCommandTests {
  private let rig: Rig

  init() throws {
    rig = try Rig()
    try Self.master(rig, "master", 1)
    try Self.master(rig, "next", 2)
  }

  /// Writes a master key that only its owner may read.
  static func master(_ rig: Rig, _ name: String, _ byte: UInt8, mode: Int = 0o600) throws {
    try rig.write(name, [UInt8](repeating: byte, count: 32))
    try FileManager.default.setAttributes(
      [.posixPermissions: mode], ofItemAtPath: rig.path(name))
  }

  private func subjects(_ words: String...) -> Outcome {
    rig.run(["subjects"] + words, input: PieceSource([]))
  }

  private func initialise(_ name: String = "keys", master: String = "master") -> Outcome {
    subjects("init", rig.path(name), "--master-key", rig.path(master))
  }

  private func rewrap(_ words: String..., from: String = "master", to: String = "next") -> Outcome {
    rig.run(
      [
        "subjects", "rewrap", rig.path("keys"), "--master-key", rig.path(from),
        "--new-master-key", rig.path(to),
      ] + words, input: PieceSource([]))
  }

  /// Appends a line about each of some subjects to an erasable stream.
  private func append(_ names: String..., master: String = "master") {
    rig.initialise()
    #expect(rig.run("create", rig.store, "a", "--erasable").code == .success)
    for name in names {
      let result = rig.run(
        "append", rig.store, "a", "--subject", name, "--keys", rig.path("keys"), "--master-key",
        rig.path(master), input: Array("about \(name)\n".utf8))
      #expect(result.code == .success, "\(result.errors)")
    }
  }

  private func read(_ name: String, master: String) -> Outcome {
    rig.run(
      "read", rig.store, "a", "--subject", name, "--keys", rig.path("keys"), "--master-key",
      rig.path(master))
  }

  @Test func `a folder of keys is made once, and for its owner alone`() throws {
    let result = initialise()
    #expect(result.code == .success && result.lines.count == 1 && result.errors.isEmpty)
    let attributes = try FileManager.default.attributesOfItem(atPath: rig.path("keys"))
    #expect(attributes[.posixPermissions] as? Int == 0o700)
    #expect(initialise().isClearError)
    let quiet = subjects(
      "init", rig.path("other"), "--master-key", rig.path("master"), "--json")
    #expect(quiet.code == .success && quiet.output.isEmpty)
  }

  @Test func `keys under a new master key open what they opened before`() throws {
    #expect(initialise().code == .success)
    append("one", "two")
    let result = rewrap()
    #expect(result.code == .success, "\(result.errors)")
    #expect(result.text == "2 keys under the new master key, 0 erased\n")
    #expect(read("one", master: "next").text == "about one\n")
    #expect(read("two", master: "next").text == "about two\n")
    let refused = read("one", master: "master")
    #expect(refused.isClearError && refused.output.isEmpty)
    // Again, when nothing is left to do.
    let again = rewrap("--json", from: "next")
    #expect(again.code == .success, "\(again.errors)")
    #expect(again.lines == ["{\"keys\":2,\"erased\":0,\"damaged\":0}"])
  }

  @Test func `a damaged key is left as it is, and the exit code says so`() throws {
    #expect(initialise().code == .success)
    append("one", "two")
    let names = try FileManager.default.contentsOfDirectory(atPath: rig.path("keys")).filter {
      $0.utf8.count == 64
    }
    let name = try #require(names.first)
    var bytes = try rig.read("keys/" + name)
    // In the sector that has the key.
    bytes[100] ^= 1
    try rig.write("keys/" + name, bytes)
    let result = rewrap("--json")
    #expect(result.code == .damaged && result.errors.contains(name), "\(result.errors)")
    #expect(result.lines == ["{\"keys\":1,\"erased\":0,\"damaged\":1}"])
    #expect(try rig.read("keys/" + name) == bytes)
  }

  @Test func `master keys that are none, or that others may read, are refused in one line`() throws
  {
    try rig.write("empty", [])
    try rig.write("short", [UInt8](repeating: 1, count: 31))
    for name in ["empty", "short"] {
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o600], ofItemAtPath: rig.path(name))
    }
    try Self.master(rig, "shown", 1, mode: 0o644)
    for name in ["empty", "short", "shown", "absent"] {
      #expect(initialise(master: name).isClearError, "\(name)")
      #expect(!FileManager.default.fileExists(atPath: rig.path("keys")))
    }
    #expect(initialise(master: "shown").errors.contains("644"))
    #expect(initialise().code == .success)
    for name in ["empty", "short", "shown", "absent"] {
      #expect(rewrap(to: name).isClearError && rewrap(from: name).isClearError, "\(name)")
    }
    // Not the one that the keys are under.
    try Self.master(rig, "third", 3)
    append("one")
    let wrong = rewrap(from: "third")
    #expect(wrong.code != .success && !wrong.errors.isEmpty)
    #expect(read("one", master: "master").text == "about one\n")
  }

  @Test func `parameters of one action are not those of the other`() throws {
    #expect(
      subjects(
        "init", rig.path("keys"), "--master-key", rig.path("master"), "--new-master-key",
        rig.path("next")
      ).isClearError)
    #expect(subjects("rewrap", rig.path("keys"), "--master-key", rig.path("master")).isClearError)
    #expect(rewrap().isClearError)
    #expect(subjects("init", rig.path("keys")).isClearError)
    #expect(subjects("burn", rig.path("keys"), "--master-key", rig.path("master")).isClearError)
  }
}
