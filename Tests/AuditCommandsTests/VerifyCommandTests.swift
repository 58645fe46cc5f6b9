import ByteCoding
import Cryptography
import Foundation
import Integrity
import Testing

@Suite struct VerifyCommandTests {
  private let rig: AuditRig
  private let store: AuditedStore

  init() throws {
    rig = try AuditRig()
    store = try AuditedStore(in: rig)
  }

  private func verify(_ words: String..., isTerminal: Bool = false) -> AuditRig.Outcome {
    rig.run(["verify", store.path] + words, isTerminal: isTerminal)
  }

  private static func key(_ name: String = "example.com/log") throws -> NoteSignerKey {
    try NoteSignerKey(name: #require(KeyName(name)), seed: [UInt8](repeating: 9, count: 32))
  }

  private struct Report: Decodable {
    struct Stream: Decodable {
      let name: String
      let root: String
      let nextOffset: UInt64
      let evidencedOffset: UInt64
      let resumedOffset: UInt64
    }
    struct Finding: Decodable {
      struct Place: Decodable {
        let streamName: String?
        let bit: Int?
      }
      let rule: String
      let origin: String
      let place: Place
    }
    let verdict: String
    let streams: [Stream]
    let findings: [Finding]
  }

  private func report(_ words: String...) throws -> Report {
    let outcome = rig.run(["verify", store.path, "--json"] + words)
    return try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8))
  }

  /// Signs a checkpoint of stream `orders` as it is now.
  private func keepCheckpoint(_ name: String) throws {
    let orders = try #require(try report().streams.first { $0.name == "orders" })
    let root = try #require(Hexadecimal.bytes(orders.root).flatMap { Digest($0) })
    let checkpoint = try Checkpoint(
      origin: "example.com/log/streams/orders", size: orders.evidencedOffset, root: root)
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: Self.key())
    try rig.write(name, note.encoded)
  }

  @Test func `a sound store is proven in every format`() throws {
    let text = verify()
    #expect(text.code == 0 && text.output.hasPrefix("PROVEN: ") && text.errors.isEmpty)
    for (format, start) in [
      ("json", "{\"checkpoints\":[]"), ("sarif", "{\"$schema\":"), ("junit", "<?xml version"),
    ] {
      let outcome = verify("--report", format)
      #expect(outcome.code == 0 && outcome.output.hasPrefix(start))
    }
    #expect(verify("--json").output == verify("--report", "json").output)
    #expect(verify("--jobs", "1", "--json").output == verify("--jobs", "7", "--json").output)
  }

  @Test func `whoever appends goes first, unless that is not wanted`() {
    #expect(verify().niceness == 10)
    #expect(verify("--nice", "0").niceness == 0)
    #expect(verify("--nice", "20").isClearError && verify("--nice", "-1").isClearError)
  }

  @Test func `a page is written beside the report`() throws {
    #expect(verify("--html", rig.path("page.html")).code == 0)
    let page = String(decoding: try rig.read("page.html"), as: UTF8.self)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("<bdi>orders</bdi>"))
    let refused = verify("--html", rig.path("no/where.html"))
    #expect(refused.code == 2 && refused.output.hasPrefix("PROVEN: "))
  }

  @Test func `a flipped bit is named, and is rot`() throws {
    try store.flip("order 1500,")
    let broken = verify("--html", rig.path("page.html"), "--state-out", rig.path("state"))
    #expect(broken.code == 1 && broken.output.hasPrefix("BROKEN: 1 finding contradicts"))
    let finding = try #require(try report().findings.first)
    #expect(
      finding.origin == "rot" && finding.place.bit == 2 && finding.place.streamName == "orders")
    let page = String(decoding: try rig.read("page.html"), as: UTF8.self)
    #expect(page.contains("class=\"tag rot\""))
    // Nobody should go on from a log that is broken.
    #expect(throws: (any Error).self) { try rig.read("state") }
  }

  @Test func `a checkpoint that was kept is confirmed, and shows that the tail was cut`() throws {
    try store.copy(to: rig.path("earlier"))
    try store.append(2_000)
    try keepCheckpoint("monday")
    let trust = ["--checkpoint", rig.path("monday"), "--key", try Self.key().verifier.text]
    let whole = rig.run(["verify", store.path] + trust)
    #expect(whole.code == 0 && whole.output.contains("confirmed; signed by example.com/log"))
    let cut = rig.run(["verify", rig.path("earlier"), "--report", "sarif"] + trust)
    #expect(cut.code == 1 && cut.output.contains("\"ruleId\":\"truncated\""))
    let alone = rig.run(["verify", rig.path("earlier")])
    #expect(alone.code == 0 && alone.output.contains("\n  history: "))
    let other = rig.run(
      ["verify", store.path, "--checkpoint", rig.path("monday"), "--key"]
        + [try Self.key("example.org/other").verifier.text])
    #expect(other.code == 1)
  }

  @Test func `an audit goes on from the state of an earlier one`() throws {
    #expect(verify("--state-out", rig.path("state")).code == 0)
    #expect(try rig.read("state").count <= 4_096)
    try store.append(500)
    let resumed = try report("--since", rig.path("state"))
    #expect(resumed.verdict == "proven")
    #expect(resumed.streams.contains { $0.name == "orders" && $0.resumedOffset > 0 })
    var state = try rig.read("state")
    state[20] ^= 1
    try rig.write("state", state)
    #expect(verify("--since", rig.path("state")).isClearError)
  }

  @Test func `what cannot be read is one line and exit code 2`() throws {
    try rig.write("policy", Array("quorum all of them\n".utf8))
    try rig.write("huge", [UInt8](repeating: 0x61, count: 1 << 20 + 1))
    #expect(rig.run(["verify", rig.path("nowhere")]).isClearError)
    #expect(rig.run(["verify"]).isClearError)
    #expect(verify("--report", "xml").isClearError)
    #expect(verify("--checkpoint", rig.path("nowhere")).isClearError)
    #expect(verify("--checkpoint", rig.path("huge")).isClearError)
    #expect(verify("--policy", rig.path("policy")).isClearError)
    #expect(verify("--key", "\u{1b}[31m").isClearError)
  }

  @Test func `progress is drawn on a terminal, unless it is not wanted`() {
    #expect(verify("--no-progress", isTerminal: true).errors.isEmpty)
    let shown = verify(isTerminal: true)
    #expect(shown.errors.hasPrefix("\raudit: ") && shown.errors.hasSuffix("   \r"))
    #expect(shown.output.hasPrefix("\u{1b}[1;32mPROVEN"))
  }

  @Test func `an audit that somebody stops ends with 130 and says nothing`() {
    let outcome = rig.run(["verify", store.path], isInterrupted: true)
    #expect(outcome.code == 130 && outcome.output.isEmpty && outcome.errors.isEmpty)
  }
}
