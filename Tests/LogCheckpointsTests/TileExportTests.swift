import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import Quantities
import SimulatedIO
import Testing

@Suite struct TileExportTests {
  private func rootOfBundles(_ rig: CheckpointRig, _ size: UInt64) throws -> Digest {
    var tree = StoredTree()
    for path in TileSet(size: size) where path.kind == .entries {
      let bytes = try rig.disk.readFile("/tiles/\(path.text)")
      let entries = try #require(TileSet.entries(ofBundle: bytes, width: path.width))
      tree.append(entries.map { MerkleTree.leafHash($0) })
    }
    return tree.root
  }

  @Test func `exported tiles are those of the tree, and grow`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    var expected = StoredTree()
    var fullCount: UInt64 = 0
    for count in [1, 255, 300, 1_000, 44] {
      try CheckpointRig.append(count, to: log)
      let signer = Checkpointer(
        store, .stream(log), origin: CheckpointRig.origin, key: rig.key, file: try rig.file())
      let note = try signer.checkpoint()
      let checkpoint = try Checkpoint(text: note.text)
      let tree = try store.tree(of: log)
      var export = try TileExport(tree, to: "/tiles", rig.disk)
      var calls = 0
      try export.export(note) { _, _ in calls += 1 }
      #expect(calls > 0)
      let all = TileSet(size: checkpoint.size).reduce(into: UInt64(0)) { count, _ in count += 1 }
      #expect(export.skippedCount + export.writtenCount == all)
      // What was full before stays as it is.
      #expect(export.skippedCount >= fullCount)
      fullCount = TileSet(size: checkpoint.size).reduce(into: UInt64(0)) { $0 += $1.isFull ? 1 : 0 }
      #expect(try rootOfBundles(rig, checkpoint.size) == checkpoint.root)
      let leaves = try tree.leaves(.zero..<Offset(rawValue: checkpoint.size))
      expected = StoredTree()
      expected.append(leaves.map { MerkleTree.leafHash($0.encoded) })
      #expect(expected.root == checkpoint.root)
      for path in TileSet(size: checkpoint.size) where path.kind != .entries {
        #expect(try rig.disk.readFile("/tiles/\(path.text)") == expected.tile(path))
      }
      #expect(try rig.disk.readFile("/tiles/checkpoint") == note.encoded)
    }
    // Under a checkpoint of another log nothing is written.
    var note = try SignedNote(
      text: Checkpoint(origin: "x", size: 5, root: Digest()).text)
    try note.sign(with: rig.key)
    var export = try TileExport(try store.tree(of: log), to: "/tiles", rig.disk)
    #expect(throws: TileExportError.self) { try export.export(note) }
    store.close()
  }

  @Test func `what was removed is pruned, the rest is written`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    let signer = Checkpointer(
      store, .stream(log), origin: CheckpointRig.origin, key: rig.key, file: try rig.file())
    for _ in 0..<4 {
      try CheckpointRig.append(900, to: log)
      _ = try signer.checkpoint()
    }
    #expect(try log.removeSegments(before: log.logEndOffset).removed > 0)
    let note = try signer.checkpoint()
    var export = try TileExport(try store.tree(of: log), to: "/tiles", rig.disk)
    try export.export(note)
    #expect(export.skippedCount > 0 && export.writtenCount > 0)
    let top = try #require(TilePath(.hashes(level: 1), index: 0, width: 14))
    #expect(try rig.disk.readFile("/tiles/\(top.text)").count == 14 * 32)
    store.close()
  }
}
