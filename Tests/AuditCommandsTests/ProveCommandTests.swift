import ByteCoding
import Cryptography
import Foundation
import Integrity
import Testing

@Suite struct ProveCommandTests {
  private let sealed: SealedStore
  private var rig: AuditRig { sealed.rig }

  init() throws {
    sealed = try SealedStore()
    try sealed.sign("cp")
    try sealed.sign("stream.cp", isStream: true)
  }

  private func prove(_ words: String..., offset: String = "7", checkpoint: String = "cp")
    -> AuditRig.Outcome
  {
    rig.run(
      [
        "prove", sealed.store.path, "--stream", "orders", "--offset", offset, "--checkpoint",
        rig.path(checkpoint),
      ] + words)
  }

  private func check(_ name: String, _ words: String..., origin: String = SealedStore.origin)
    -> AuditRig.Outcome
  {
    rig.run(
      [
        "check-proof", rig.path(name), "--key", sealed.signer.verifier.text, "--origin", origin,
      ] + words)
  }

  @Test func `a proof is that of the engine, and check-proof takes it`() throws {
    for (checkpoint, origin) in [
      ("cp", SealedStore.origin), ("stream.cp", SealedStore.origin + "/streams/orders"),
    ] {
      for offset in [0, 7, 255, 256, 599] as [UInt64] {
        let made = prove(
          "--output", rig.path("proof"), offset: "\(offset)", checkpoint: checkpoint)
        #expect(made.code == 0 && made.output.isEmpty && made.errors.isEmpty, "\(made.errors)")
        let bytes = try rig.read("proof")
        #expect(bytes == (try sealed.engineProof(of: offset, under: checkpoint)))
        let printed = prove(offset: "\(offset)", checkpoint: checkpoint)
        #expect(Array(printed.output.utf8) == bytes)
        let extra = try #require(try ProofFile(bytes).extra)
        let leaf = try #require(RecordProof(extra)).leaf
        try rig.write("leaf", leaf.encoded)
        let proven = check("proof", "--entry", rig.path("leaf"), origin: origin)
        #expect(proven.code == 0 && proven.output.hasPrefix("PROVEN: "), "\(proven.output)")
        try rig.write("other", Array(leaf.encoded.dropLast()) + [0])
        #expect(check("proof", "--entry", rig.path("other"), origin: origin).code == 1)
      }
    }
  }

  @Test func `check-proof follows a proof by way of a statement, in all its parts`() throws {
    #expect(prove("-o", rig.path("proof")).code == 0)
    let file = try ProofFile(rig.read("proof"))
    let extra = try #require(file.extra)
    var record = try #require(RecordProof(extra))
    try rig.write("leaf", record.leaf.encoded)
    let proven = check("proof", "--entry", rig.path("leaf"))
    #expect(proven.output.contains("record 7 of stream 'orders', by statement \(file.index),"))
    let json = check("proof", "--entry", rig.path("leaf"), "--json")
    #expect(json.output.contains("\"recordOffset\":7,\"recordStream\":\"orders\""))
    // The statement's own leaf is proven as before.
    #expect(check("proof", "--leaf", "\(record.provenLeaf)").code == 0)
    record.inner?.path.removeLast()
    let short = ProofFile(
      index: file.index, path: file.path, note: file.note, extra: record.encoded)
    try rig.write("short", short.encoded)
    let refused = check("short", "--entry", rig.path("leaf"))
    #expect(refused.code == 1 && refused.output.contains("the way from the record"))
  }

  @Test func `a checkpoint that does not cover the record is refused with its size`() throws {
    for checkpoint in ["cp", "stream.cp"] {
      let result = prove(offset: "600", checkpoint: checkpoint)
      #expect(result.isClearError && result.errors.contains("give a later one"), "\(result.errors)")
    }
    #expect(prove(offset: "600", checkpoint: "stream.cp").errors.contains("600 records"))
  }

  @Test func `what no proof can be made from is said in one line`() throws {
    try rig.write("junk", Array("junk".utf8))
    try rig.write("empty", [])
    try rig.write("cut", Array(try rig.read("cp").dropLast(4)))
    for name in ["junk", "empty", "cut", "absent"] {
      #expect(prove(checkpoint: name).isClearError, "\(name)")
    }
    for offset in ["", "-1", "x", "18446744073709551615", "9223372036854775808"] {
      #expect(prove(offset: offset).isClearError, "\(offset)")
    }
    let bad = [
      ["prove", sealed.store.path, "--stream", "orders", "--offset", "7"],
      ["prove", rig.path("no"), "--stream", "orders", "--offset", "7", "-c", rig.path("cp")],
      ["prove", rig.folder, "--stream", "orders", "--offset", "7", "-c", rig.path("cp")],
      ["prove", sealed.store.path, "--stream", "plain", "--offset", "1", "-c", rig.path("cp")],
      ["prove", sealed.store.path, "--stream", "no", "--offset", "0", "-c", rig.path("cp")],
    ]
    for words in bad { #expect(rig.run(words).isClearError, "\(words)") }
    #expect(prove("-o", rig.path("no/where")).isClearError)
  }

  @Test func `a store that contradicts the checkpoint ends with 1`() throws {
    try sealed.store.flip("order 300, of")
    for checkpoint in ["cp", "stream.cp"] {
      let result = prove(checkpoint: checkpoint)
      #expect(result.code == 1 && result.output.isEmpty)
      #expect(result.errors.hasPrefix("piperoll-audit prove: "), "\(result.errors)")
    }
  }

  @Test func `a proof can be had as JSON`() throws {
    let result = prove("--json")
    struct Answer: Decodable {
      let index: UInt64
      let hasLeaf: Bool
      let proof: String
    }
    let answer = try JSONDecoder().decode(Answer.self, from: Data(result.output.utf8))
    #expect(Array(answer.proof.utf8) == (try sealed.engineProof(of: 7, under: "cp")))
    #expect(answer.hasLeaf && result.code == 0)
  }
}
