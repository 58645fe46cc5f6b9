import CommitLog
import Foundation
import Testing

@Suite struct DiffCommandTests {
  private let rig: AuditRig
  private let store: AuditedStore

  init() throws {
    rig = try AuditRig()
    store = try AuditedStore(in: rig)
    try store.copy(to: rig.path("copy"))
  }

  private func diff(_ words: String...) -> AuditRig.Outcome {
    rig.run(["diff", store.path, rig.path("copy")] + words)
  }

  @Test func `a copy is the same`() {
    let outcome = diff()
    #expect(outcome.code == 0 && outcome.output.hasPrefix("SAME: "), "\(outcome)")
    #expect(outcome.output.contains("  orders: the same"))
    let json = diff("--json")
    #expect(
      json.code == 0
        && json.output.hasPrefix("{\"onlyInFirst\":[],\"onlyInSecond\":[],\"same\":true,"))
  }

  @Test func `a store that goes on is told from one that has other records`() throws {
    try store.append(100)
    let longer = diff()
    #expect(
      longer.code == 1 && longer.output.contains("orders: only the first goes on at offset 3000"))
    // The same count, other words in them.
    let other = AuditedStore(path: rig.path("copy"))
    try other.append(50, isAdopted: true)
    let conflict = diff()
    #expect(
      conflict.code == 1 && conflict.output.contains("orders: different records at offset 3000"))
    #expect(diff("--json").output.contains("\"conflicting\":true"))
  }

  @Test func `streams that only one has are named`() throws {
    let log = try Store.open(at: store.path)
    _ = try log.createStream(StreamName("more"))
    log.close()
    #expect(diff().output.contains("  more: only the first has it\n"))
    #expect(
      rig.run(["diff", rig.path("copy"), store.path]).output.contains("only the second has it"))
  }

  @Test func `what is no store is one line and exit code 2`() {
    #expect(rig.run(["diff", store.path, rig.path("nowhere")]).isClearError)
    #expect(rig.run(["diff", store.path]).isClearError)
  }
}
