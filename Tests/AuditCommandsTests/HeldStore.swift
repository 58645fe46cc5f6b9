import ByteCoding
import CommitLog
import Cryptography
import Foundation
import Integrity
import Testing

/// A store, an older copy of it and another store, with the checkpoints that an auditor holds.
struct HeldStore {
  let rig: AuditRig
  let store: AuditedStore
  let older: AuditedStore
  let other: AuditedStore
  private let key: NoteSignerKey

  init(_ rig: AuditRig) throws {
    self.rig = rig
    key = try NoteSignerKey(
      name: #require(KeyName("example.com/log")), seed: [UInt8](repeating: 9, count: 32))
    store = try AuditedStore(in: rig, recordCount: 250)
    try Self.state(store)
    try store.copy(to: rig.path("older"))
    older = AuditedStore(path: rig.path("older"))
    try store.append(150)
    try Self.state(store)
    other = try AuditedStore(in: rig, name: "other", recordCount: 300)
    try Self.state(other)
    try hold("orders", "/streams/orders", as: "held-orders")
    try hold("piperoll.evidence", "", as: "held-store")
  }

  private static func state(_ store: AuditedStore) throws {
    let log = try Store.open(at: store.path)
    defer { log.close() }
    _ = try log.stateHeads()
  }

  private struct Report: Decodable {
    struct Stream: Decodable {
      let name: String
      let root: String
      let evidencedOffset: UInt64
    }
    struct Finding: Decodable { let rule: String }
    struct Unchecked: Decodable { let subject: String }
    let streams: [Stream]
    let findings: [Finding]
    let unchecked: [Unchecked]
  }

  /// Signs what a stream is now.
  private func hold(_ name: String, _ suffix: String, as file: String) throws {
    let outcome = rig.run(["verify", store.path, "--json"])
    let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    let stream = try #require(report.streams.first { $0.name == name })
    let root = try #require(Hexadecimal.bytes(stream.root).flatMap { Digest($0) })
    let checkpoint = try Checkpoint(
      origin: "example.com/log" + suffix, size: stream.evidencedOffset, root: root)
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: key)
    try rig.write(file, note.encoded)
  }

  /// Words that give the auditor what was held.
  var trust: [String] {
    [
      "--checkpoint", rig.path("held-orders"), "--checkpoint", rig.path("held-store"), "--key",
      key.verifier.text,
    ]
  }

  /// The exit code of an audit, the rules of its findings, and what it did not check.
  func audit(_ path: String? = nil, holding: Bool = true) throws -> (
    code: Int32, rules: [String], unchecked: [String], errors: String
  ) {
    let outcome = rig.run(
      ["verify", path ?? store.path, "--json", "--jobs", "1"] + (holding ? trust : []))
    guard outcome.code != 2 else { return (2, [], [], outcome.errors) }
    let report = try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
    return (
      outcome.code, report.findings.map(\.rule), report.unchecked.map(\.subject), outcome.errors
    )
  }

  /// Files of a store, below it.
  func files(_ store: AuditedStore) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: store.path).sorted().filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(
        atPath: store.path + "/" + $0, isDirectory: &isFolder) && !isFolder.boolValue
    }
  }
}
