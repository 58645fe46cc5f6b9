import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct ManifestLogTests {
  /// A store with one stream, and edits of its manifest that no sync has proven yet.
  private func withManifest(_ body: (Machine, ManifestLog) throws -> Void) throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    _ = try store.createStream(StreamName("s"), options: small())
    try body(machine, store.core.manifest)
  }

  /// Syncs of the manifest's files fail the given time, and what they should have synced is lost.
  private func failingSync(_ index: Int) -> FaultPlan {
    .failing(
      .synchronizeData, occurrence: index, paths: .matching { $0.hasPrefix("/data/s/meta/") },
      dropsDirtyPages: true)
  }

  @Test(arguments: 1...4, [false, true])
  func `after a sync that failed the manifest goes on in fresh files`(
    _ occurrence: Int, _ slotFirst: Bool
  ) throws {
    try withManifest { machine, manifest in
      try manifest.apply([.segmentIntent(streamID: 1, segmentID: 1_000)], durably: false)
      // Two files are synced for what was written before, and two for the slot.
      machine.disk.faultPlan = failingSync(occurrence)
      #expect(throws: FileSystemError.self) { try manifest.writeSlot(clean: false) }
      machine.disk.faultPlan = .none
      // No later sync of the same files proves anything: an edit or a slot goes into fresh ones.
      let before = manifest.place.segmentID
      if slotFirst { try manifest.writeSlot(clean: true) }
      try manifest.apply([.segmentIntent(streamID: 1, segmentID: 1_001)], durably: true)
      #expect(manifest.place.segmentID != before)
      let fresh = manifest.place.segmentID
      try manifest.writeSlot(clean: false)
      try manifest.apply([.segmentIntent(streamID: 1, segmentID: 1_002)], durably: true)
      #expect(manifest.place.segmentID == fresh)
      let state = manifest.state
      let cut = machine.crashed(.loseAll)
      let reader = try StoreReader.open(
        at: "/data/s", options: cut.options, environment: cut.environment)
      #expect(reader.manifest == state)
      #expect(Set(1_000...1_002).isSubset(of: reader.manifest.intents.keys))
      try expectSound(cut)
    }
  }

  @Test func `a closed manifest takes no edits`() throws {
    try withManifest { machine, manifest in
      manifest.close()
      let before = machine.disk.contentDigest
      let failure = #expect(throws: ManifestFailure.self) {
        try manifest.apply([.segmentIntent(streamID: 1, segmentID: 1_000)], durably: true)
      }
      guard case .closed = failure?.openError else {
        Issue.record("not said to be closed: \(String(describing: failure))")
        return
      }
      #expect(throws: FileSystemError.self) { try manifest.writeSlot(clean: true) }
      #expect(machine.disk.contentDigest == before)
    }
  }
}
