import CommandLineInterface
import CommitLog
import Cryptography
import EvidenceFiles
import Foundation
import Integrity
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct SealCommandTests {
  private static let origin = "log.example/x"
  private let rig: Rig
  private let time: ManualTime

  /// A store with a stream of a hundred records, and a clock that is moved by hand.
  init() throws {
    rig = try Rig()
    time = ManualTime(advancePerReadingNanoseconds: 1_000)
    rig.environment.time = time
    rig.initialise()
    #expect(rig.run("create", rig.store, "a", "--evidence", "tree").code == .success)
    let lines = (0..<100).map { "record \($0)\n" }.joined()
    #expect(rig.run("append", rig.store, "a", input: Array(lines.utf8)).code == .success)
  }

  private func generate(_ words: String...) -> Outcome {
    rig.run(
      [
        "seal", "generate", "--key", rig.path("seal.key"), "--plan", rig.path("seal.plan"),
        "--verifier", rig.path("verifier"),
      ] + words, input: PieceSource([]))
  }

  private func make(_ words: String..., key: String = "seal.key", plan: String = "seal.plan")
    -> Outcome
  {
    rig.run(
      [
        "seal", "make", rig.store, "--key", rig.path(key), "--plan", rig.path(plan), "--origin",
        Self.origin,
      ] + words, input: PieceSource([]))
  }

  private func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: rig.path(name))[.posixPermissions] as? Int
  }

  /// The seals that the store states, oldest first.
  private func seals() throws -> [EpochSeal] {
    let result = rig.run("read", rig.store, "piperoll.evidence", "--format", "length-prefixed")
    #expect(result.code == .success, "\(result.errors)")
    var seals: [EpochSeal] = []
    var rest = result.output[...]
    while rest.count >= 4 {
      let count = rest.prefix(4).enumerated().reduce(0) { $0 + Int($1.element) << (8 * $1.offset) }
      let value = Array(rest.dropFirst(4).prefix(count))
      rest = rest.dropFirst(4 + count)
      if case .seal(let seal) = try Statement(value.span.bytes).content { seals.append(seal) }
    }
    return seals
  }

  @Test func `a key for seals is made once, and each of its files is for its owner alone`() throws {
    let result = generate("--epoch", "60s")
    #expect(result.code == .success && result.lines.count == 1 && result.errors.isEmpty)
    #expect(result.text.contains("off this machine"))
    for name in ["seal.key", "seal.plan", "verifier"] { #expect(try mode(name) == 0o600) }
    let verifier = try SealVerifierFile.read(rig.path("verifier"))
    let plan = try #require(SealPlan(String(decoding: rig.read("seal.plan"), as: UTF8.self)))
    #expect(plan.key == nil && plan.schedule == verifier.schedule)
    #expect(plan.schedule.epochSeconds == 60 && plan.schedule.graceSeconds == 60)
    #expect(
      !result.text.contains(String(decoding: try rig.read("verifier"), as: UTF8.self).suffix(65)))
    // A key that is in use is not written over, and what verifies it stays.
    let before = try rig.read("verifier")
    #expect(generate().isClearError)
    #expect(try rig.read("verifier") == before)
    let quiet = rig.run(
      "seal", "generate", "--key", rig.path("k"), "--plan", rig.path("p"), "--verifier",
      rig.path("v"), "--json")
    #expect(quiet.code == .success && quiet.output.isEmpty)
  }

  @Test func `seals of a store verify with the file that left the machine`() throws {
    #expect(generate("--epoch", "60s").code == .success)
    for epoch in 0..<3 {
      let result = make()
      #expect(result.code == .success, "\(result.errors)")
      #expect(result.text.hasPrefix("sealed in epoch \(epoch), statement "))
      time.advance(byNanoseconds: 60_000_000_000)
    }
    let json = make("--json")
    #expect(json.lines.count == 1 && json.text.hasPrefix("{\"epoch\":3,\"groups\":"))
    let plan = try SealVerifierFile.read(rig.path("verifier"))
    let key = try #require(plan.key)
    var verifier = SealVerifier(
      key: key, logID: SHA256.digest(Array(Self.origin.utf8)), schedule: plan.schedule, now: .max)
    let seals = try seals()
    #expect(seals.map(\.epoch) == [0, 1, 2, 3])
    for seal in seals { try verifier.verify(seal, covering: nil) }
  }

  @Test func `what is missing from a command line about seals is said in one line`() throws {
    #expect(generate().code == .success)
    try rig.write("empty", [])
    try rig.write("half", Array(try rig.read("seal.plan").dropLast(7)))
    try rig.write("halfkey", Array(try rig.read("seal.key").dropLast(7)))
    try rig.write("long", [UInt8](repeating: 0x20, count: 5_000))
    let bad: [Outcome] = [
      rig.run("seal", "generate", "--key", rig.path("k")),
      rig.run("seal", "generate", "--key", rig.path("k"), "--plan", rig.path("p")),
      rig.run(
        "seal", "generate", "--key", rig.path("k"), "--plan", rig.path("p"), "--verifier",
        rig.path("p")),
      rig.run(
        "seal", "generate", "--key", rig.path("k"), "--plan", rig.path("p"), "--verifier",
        rig.path("./k")),
      rig.run(
        "seal", "generate", "--key", rig.path("no/k"), "--plan", rig.path("p"), "--verifier",
        rig.path("v")),
      rig.run("seal", "make", rig.store, "--key", rig.path("seal.key")),
      rig.run(
        "seal", "make", "--key", rig.path("seal.key"), "--plan", rig.path("seal.plan"),
        "--origin", "x"),
      make(plan: "absent"), make(plan: "empty"), make(plan: "half"), make(plan: "long"),
      make(key: "absent"), make(key: "empty"), make(key: "halfkey"), make(key: "long"),
      generate("--epoch", "0s"), rig.run("seal", "burn", "--key", rig.path("k")),
    ]
    for (number, result) in bad.enumerated() {
      #expect(result.isClearError && result.output.isEmpty, "\(number): \(result.errors)")
    }
    #expect(make(plan: "long").errors.contains("too large for a plan of seals"))
    #expect(try seals().isEmpty)
  }

  @Test func `a store with nothing to seal, or none at all, is not sealed`() throws {
    #expect(generate().code == .success)
    let bare = rig.path("bare")
    #expect(rig.run("init", bare).code == .success)
    let words = [
      "--key", rig.path("seal.key"), "--plan", rig.path("seal.plan"), "--origin", "x",
    ]
    let nothing = rig.run(["seal", "make", bare] + words, input: PieceSource([]))
    #expect(nothing.isClearError && nothing.errors.contains("nothing to seal"))
    let absent = rig.run(["seal", "make", rig.path("no")] + words, input: PieceSource([]))
    #expect(absent.isClearError)
  }

  @Test func `a clock that was set back makes no seal of an epoch that is over`() throws {
    #expect(generate("--epoch", "60s").code == .success)
    time.advance(byNanoseconds: 200_000_000_000)
    #expect(make().code == .success)
    time.setWallClock(Timestamp(rawValue: time.now().rawValue - 150_000_000_000))
    let result = make()
    #expect(result.isClearError && result.errors.contains("correct the clock"))
    #expect(try seals().count == 1)
  }
}
