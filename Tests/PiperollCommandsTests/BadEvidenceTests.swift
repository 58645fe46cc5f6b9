import CommandLineInterface
import CommitLog
import Foundation
import Integrity
import Testing

/// Each file of a store with evidence in turn gives place to something else: what is signed or proven then is
/// what would have been, or nothing.
@Suite struct BadEvidenceTests {
  /// What stands in the place of a file.
  enum Form: String, CaseIterable {
    case noise, empty, directory, link, older, missing
  }

  private func append(_ rig: Rig, _ count: Int) {
    let lines = (0..<count).map { "record \($0)\n" }.joined()
    #expect(rig.run("append", rig.store, "a", input: Array(lines.utf8)).code == .success)
  }

  private func checkpoint(_ rig: Rig, _ store: String, _ last: String) -> Outcome {
    rig.run(
      [
        "evidence", "checkpoint", store, "--adopt", "--key", rig.path("key"), "--last",
        rig.path(last), "--stream", "a",
      ], input: PieceSource([]))
  }

  private func put(_ form: Form, at path: String, older: String) throws -> Bool {
    let files = FileManager.default
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    try files.removeItem(atPath: path)
    switch form {
    case .noise:
      try Data((0..<40_000).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 / 251) })
        .write(to: URL(fileURLWithPath: path))
    case .empty: try Data().write(to: URL(fileURLWithPath: path))
    case .directory: try files.createDirectory(atPath: path, withIntermediateDirectories: false)
    case .link:
      try bytes.write(to: URL(fileURLWithPath: path + ".aside"))
      try files.createSymbolicLink(atPath: path, withDestinationPath: path + ".aside")
    case .older:
      guard files.fileExists(atPath: older) else { return false }
      try files.copyItem(atPath: older, toPath: path)
    case .missing: break
    }
    return true
  }

  @Test(arguments: Form.allCases)
  func `of a store with a bad file nothing is signed or proven but the truth`(_ form: Form) throws {
    let rig = try Rig().initialise()
    #expect(rig.run("create", rig.store, "a", "--evidence", "tree").code == .success)
    append(rig, 200)
    _ = rig.run("key", "generate", "log.example/x", "--kind", "log", "--out", rig.path("key"))
    #expect(checkpoint(rig, rig.store, "last").code == .success)
    try FileManager.default.copyItem(atPath: rig.store, toPath: rig.path("older"))
    append(rig, 100)
    let whole = checkpoint(rig, rig.store, "last")
    #expect(whole.code == .success)
    let truth = try Checkpoint(text: SignedNote(whole.output).text)
    try rig.write("cp", whole.output)
    let names = try FileManager.default.subpathsOfDirectory(atPath: rig.store).sorted().filter {
      $0 == "SUPER" || $0.hasSuffix(".seg") || $0.hasSuffix(".mir")
    }
    #expect(names.count >= 4)
    for name in names {
      let copy = rig.path("copy")
      try FileManager.default.copyItem(atPath: rig.store, toPath: copy)
      defer { try? FileManager.default.removeItem(atPath: copy) }
      guard try put(form, at: copy + "/" + name, older: rig.path("older/" + name)) else { continue }
      let proof = rig.run(
        "evidence", "prove", copy, "--adopt", "--stream", "a", "--offset", "250", "--checkpoint",
        rig.path("cp"))
      if proof.code == .success {
        let file = try ProofFile(proof.output)
        let record = try #require(file.extra.flatMap { RecordProof($0) })
        try file.verify(
          leaf: record.provenLeaf, origin: "log.example/x/streams/a",
          keys: [
            NoteSignerKey(String(decoding: rig.read("key").dropLast(), as: UTF8.self)).verifier
          ])
      } else {
        #expect(proof.output.isEmpty && !proof.errors.isEmpty, "\(form) \(name)")
      }
      try rig.write("last-copy", whole.output)
      let again = checkpoint(rig, copy, "last-copy")
      if again.code == .success {
        let signed = try Checkpoint(text: SignedNote(again.output).text)
        #expect(signed == truth, "\(form) \(name)")
      } else {
        #expect(again.output.isEmpty && !again.errors.isEmpty, "\(form) \(name): \(again)")
      }
    }
  }
}
