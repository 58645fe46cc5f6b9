import Cryptography
import Foundation
import Integrity
import Testing

/// `piperoll-audit verify --seals`.
@Suite struct VerifySealsTests {
  private let sealed: SealedStore
  private let plan: SealPlan
  private var rig: AuditRig { sealed.rig }

  init() throws {
    sealed = try SealedStore()
    plan = try sealed.makeSealKey()
    // A moment on which all seals are made.
    rig.now = .max
    try sealed.store.append(10)
    try sealed.seal(plan)
  }

  private func verify(_ words: String..., seals: String? = "verifier") -> AuditRig.Outcome {
    rig.run(
      ["verify", sealed.store.path, "--origin", SealedStore.origin]
        + (seals.map { ["--seals", rig.path($0)] } ?? []) + words)
  }

  @Test func `seals that hold are a part of every report`() throws {
    let text = verify()
    #expect(text.code == 0, "\(text.output)\(text.errors)")
    #expect(text.output.contains("1 of 1 seals hold; epoch 0; none missing; statements 0 to "))
    #expect(!text.output.contains("  seals in"))
    struct Report: Decodable {
      struct Seals: Decodable {
        let count: UInt64
        let verified: UInt64
        let firstEpoch: UInt64?
        let nextOffset: UInt64
      }
      let seals: Seals?
    }
    let report = try JSONDecoder().decode(Report.self, from: Data(verify("--json").output.utf8))
    let seals = try #require(report.seals)
    #expect(
      seals.count == 1 && seals.verified == 1 && seals.firstEpoch == 0 && seals.nextOffset > 0)
    #expect(verify("-r", "sarif").output.contains("\"seals\":{\"count\":1"))
    #expect(verify("-r", "junit").output.contains("seals fit their data and their neighbours"))
    #expect(verify("--html", rig.path("page.html")).code == 0)
    #expect(String(decoding: try rig.read("page.html"), as: UTF8.self).contains("<h2>Seals</h2>"))
  }

  @Test func `without the verifier's file seals are listed as not checked`() throws {
    let text = verify(seals: nil)
    #expect(text.code == 0 && text.output.contains("seals in 'piperoll.evidence'"))
    #expect(text.output.contains("1 seal") && text.output.contains("piperoll seal generate"))
    #expect(verify("--json", seals: nil).output.contains("\"seals\":null"))
  }

  @Test func `a seal that does not hold breaks the verdict, in every report`() throws {
    let other = SealPlan(schedule: plan.schedule, key: SealKey(SecretKey(from: { 6 })))
    try sealed.writeSecret("other", other.text)
    let text = verify(seals: "other")
    #expect(text.code == 1 && text.output.contains("wrong-seal (broken"), "\(text.output)")
    #expect(text.output.contains("epoch 0"))
    for format in ["json", "sarif", "junit"] {
      let outcome = verify("-r", format, seals: "other")
      #expect(outcome.code == 1 && outcome.output.contains("wrong-seal"))
    }
    let named = rig.run([
      "verify", sealed.store.path, "--origin", "example.com/other", "--seals",
      rig.path("verifier"),
    ])
    #expect(named.code == 1 && named.output.contains("a seal of log"))
    rig.now = 0
    #expect(verify().code == 1)
  }

  @Test func `seals that cannot be verified leave the audit incomplete`() throws {
    let words = ["verify", sealed.store.path, "--seals", rig.path("verifier")]
    let nameless = rig.run(words)
    #expect(nameless.code == 3 && nameless.output.contains("(asked for)"))
    let named = rig.run(words + ["--key", sealed.signer.verifier.text])
    #expect(named.code == 0, "\(named.output)")
  }

  @Test func `a verifier's file that is none, or not secret, is refused and never shown`() throws {
    try sealed.writeSecret("shown", plan.text, mode: 0o644)
    try sealed.writeSecret("empty", "")
    try sealed.writeSecret("cut", String(plan.text.dropLast(3)))
    try sealed.writeSecret("plan", SealPlan(schedule: plan.schedule).text)
    try FileManager.default.createSymbolicLink(
      atPath: rig.path("link"), withDestinationPath: rig.path("verifier"))
    let secret = try #require(plan.text.split(separator: " ").last).dropLast()
    for name in ["shown", "empty", "cut", "plan", "link", "absent"] {
      let result = verify(seals: name)
      #expect(result.isClearError && !result.errors.contains(secret), "\(name): \(result.errors)")
    }
    for format in ["text", "json", "sarif", "junit"] {
      #expect(!verify("-r", format).output.contains(secret))
    }
  }
}
