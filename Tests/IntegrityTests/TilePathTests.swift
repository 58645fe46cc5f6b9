import Integrity
import TestSupport
import Testing

@Suite struct TilePathTests {
  @Test func `the names of the text`() throws {
    let names: [(TilePath.Kind, UInt64, Int, String)] = [
      (.hashes(level: 0), 1_234_067, 256, "tile/0/x001/x234/067"),
      (.hashes(level: 0), 0, 256, "tile/0/000"),
      (.hashes(level: 1), 5, 17, "tile/1/005.p/17"),
      (.hashes(level: 63), 999, 1, "tile/63/999.p/1"),
      (.hashes(level: 2), 1_000, 255, "tile/2/x001/000.p/255"),
      (.entries, 273, 112, "tile/entries/273.p/112"),
      (.entries, .max, 256, "tile/entries/x018/x446/x744/x073/x709/x551/615"),
    ]
    for (kind, index, width, text) in names {
      let path = try #require(TilePath(kind, index: index, width: width))
      #expect(path.text == text)
      #expect(TilePath(text) == path)
    }
  }

  @Test func `only names as they are written are read`() {
    let others = [
      "", "tile", "tile/0", "tile/0/", "tile/0/00", "tile/0/0000", "tile/0/x000/001", "tile/00/000",
      "tile/64/000", "tile/-1/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01",
      "tile/0/000.p/", "tile/0/000.p", "tile/0/x001", "tile/0/001/000", "tile/0/x1/000",
      "tile/0/x001/x234/067/", "/tile/0/000", "tile/0/000/../001", "tile/entries/x000/000",
      "tile/0/x018/x446/x744/x073/x709/x551/616", "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
      "tile/e/000", "tile//000", "tile/0/x٠٠١/000",
    ]
    for text in others { #expect(TilePath(text) == nil, "\(text)") }
  }

  @Test func `every name is read as what it names`() {
    var random = SeededGenerator()
    for _ in 0..<5_000 {
      let index = random.next() >> UInt64(random.below(64))
      let path = TilePath(
        random.below(4) == 0 ? .entries : .hashes(level: random.below(64)), index: index,
        width: 1 + random.below(256))
      #expect(path.flatMap { TilePath($0.text) } == path && path != nil)
    }
  }

  @Test func `the tiles of trees of some sizes`() {
    #expect(TilePath.tileCount(level: 0, size: 70_000) == (273, 112))
    #expect(TilePath.tileCount(level: 1, size: 70_000) == (1, 17))
    #expect(TilePath.tileCount(level: 2, size: 70_000) == (0, 1))
    #expect(TilePath.tileCount(level: 3, size: 70_000) == (0, 0))
    #expect(TilePath.tileCount(level: 0, size: 256) == (1, 0))
    #expect(TilePath.tileCount(level: 1, size: 256) == (0, 1))
    #expect(TilePath.tileCount(level: 63, size: .max) == (0, 0))
  }
}
