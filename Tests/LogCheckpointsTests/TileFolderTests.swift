import CommitLog
import Cryptography
import EvidenceFiles
import Integrity
import LogCheckpoints
import Quantities
import SimulatedIO
import Testing

@Suite struct TileFolderTests {
  @Test func `proofs between all sizes are made from tiles, of an older export too`() throws {
    let rig = try CheckpointRig()
    let store = try rig.open()
    let log = try CheckpointRig.stream(store)
    var sizes: [UInt64] = []
    var roots: [UInt64: Digest] = [:]
    for count in [1, 254, 1, 44, 300, 700] {
      try CheckpointRig.append(count, to: log)
      let signer = Checkpointer(
        store, .stream(log), origin: CheckpointRig.origin, key: rig.key, file: try rig.file())
      let note = try signer.checkpoint()
      let checkpoint = try Checkpoint(text: note.text)
      var export = try TileExport(try store.tree(of: log), to: "/tiles", rig.disk)
      try export.export(note)
      #expect(try TileFolder.checkpoint("/tiles", rig.disk) == note)
      sizes.append(checkpoint.size)
      roots[checkpoint.size] = checkpoint.root
      let folder = TileFolder("/tiles", size: checkpoint.size, rig.disk)
      for old in sizes {
        let proof = try folder.consistencyProof(oldSize: old, size: checkpoint.size)
        try proof.verify(
          part: try #require(roots[old]), root: checkpoint.root)
      }
    }
    // What partial tiles were replaced by serves as well.
    for name in rig.disk.paths where name.contains(".p/") {
      let isNewest = TileSet(size: sizes[5]).contains { name.hasSuffix($0.text) }
      if !isNewest { try rig.disk.removeFile(name) }
    }
    let older = TileFolder("/tiles", size: sizes[5], rig.disk)
    let proof = try older.consistencyProof(oldSize: sizes[3], size: sizes[4])
    try proof.verify(part: try #require(roots[sizes[3]]), root: try #require(roots[sizes[4]]))
    store.close()
  }

  @Test func `a folder that is not whole says what is missing`() throws {
    let disk = SimulatedFileSystem(directories: ["/empty", "/bad/tile/0"])
    #expect(throws: TileFolderError.self) { try TileFolder.checkpoint("/none", disk) }
    #expect(throws: TileFolderError.self) { try TileFolder.checkpoint("/empty", disk) }
    try disk.replaceFile("/bad/checkpoint", with: Array("x\r\n".utf8))
    #expect(throws: TileFolderError.self) { try TileFolder.checkpoint("/bad", disk) }
    #expect(throws: TileFolderError.missing(path: "/empty", level: 0, index: 0)) {
      try TileFolder("/empty", size: 5, disk).consistencyProof(oldSize: 2, size: 5)
    }
    for count in [0, 31, 159, 161] {
      try disk.replaceFile("/bad/tile/0/000.p/5", with: [UInt8](repeating: 1, count: count))
      #expect(throws: TileFolderError.self) {
        try TileFolder("/bad", size: 5, disk).hash(level: 0, index: 0)
      }
    }
    try disk.placeSpecialFile(.symbolicLink(to: "/dev/zero"), at: "/bad/tile/0/000.p/5")
    #expect(throws: TileFolderError.self) {
      try TileFolder("/bad", size: 5, disk).hash(level: 0, index: 0)
    }
    #expect(disk.openHandleCount == 0)
  }
}
