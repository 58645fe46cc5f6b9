import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct TileSetTests {
  @Test func `the resources of logs of some sizes`() {
    #expect(TileSet(size: 0).map(\.text).isEmpty)
    #expect(TileSet(size: 1).map(\.text) == ["tile/entries/000.p/1", "tile/0/000.p/1"])
    #expect(
      TileSet(size: 256).map(\.text) == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"])
    let large = TileSet(size: 70_000).map(\.text)
    #expect(large.count == 274 + 274 + 2 + 1)
    #expect(
      large.suffix(4) == ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"])
    #expect(Set(large).count == large.count)
  }

  @Test func `every tile is proven by the tile above it`() throws {
    var tree = StoredTree()
    tree.append(
      (0..<70_000).map { MerkleTree.leafHash([UInt8($0 & 0xff), UInt8($0 >> 8 & 0xff)]) })
    for path in TileSet(size: tree.size) {
      guard case .hashes(let level) = path.kind else { continue }
      let bytes = tree.tile(path)
      #expect(bytes.count == 32 * path.width)
      guard path.isFull else { continue }
      var below = TreeFrontier()
      for start in stride(from: 0, to: bytes.count, by: 32) {
        below.append(try #require(Digest(Array(bytes[start..<(start + 32)]))))
      }
      #expect(below.root == tree.hash(level: 8 * (level + 1), index: path.index), "\(path.text)")
    }
  }

  @Test func `bundles are read as they were written, and nothing else is`() {
    var random = SeededGenerator()
    for _ in 0..<300 {
      let entries = (0..<(1 + random.below(40))).map { _ in random.bytes(random.below(300)) }
      let bytes = TileSet.bundle(entries)
      #expect(TileSet.entries(ofBundle: bytes, width: entries.count) == entries)
      #expect(TileSet.entries(ofBundle: bytes, width: entries.count + 1) == nil)
      #expect(TileSet.entries(ofBundle: bytes, width: entries.count - 1) == nil)
      #expect(TileSet.entries(ofBundle: bytes + [0], width: entries.count) == nil)
      #expect(TileSet.entries(ofBundle: Array(bytes.dropLast()), width: entries.count) == nil)
    }
    let longest = [UInt8](repeating: 1, count: TileSet.entryByteCountLimit)
    #expect(TileSet.entries(ofBundle: TileSet.bundle([longest, []]), width: 2) == [longest, []])
  }
}
