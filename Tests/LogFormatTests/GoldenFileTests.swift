import ByteCoding
import LogFormat
import Quantities
import TestSupport
import Testing

@Suite struct GoldenFileTests {
  @Test func `the golden files are what the code writes, byte for byte`() throws {
    for (path, bytes) in try Golden().files {
      let stored = try RepositoryFile("Fixtures/format-v1/" + path).read()
      let isSame = stored == bytes
      #expect(isSame, "\(path) differs; regenerate it only for a format not released yet")
    }
  }

  @Test func `the sealed golden segment has every kind of frame and every column`() throws {
    let golden = try Golden()
    var columns: ColumnSet = []
    let file = golden.sealed.file()
    let reader = FrameReader(
      file.rawSpan, salt: golden.sealed.header.salt, limits: FormatLimits())
    for (position, _) in golden.sealed.frames {
      let frame = try reader.frame(at: position, verifying: true)
      if frame.head.kind == .batch { columns.formUnion(frame.head.columns) }
    }
    #expect(columns == .known)
    let kinds = Set(golden.sealed.frames.map(\.kind))
    #expect(kinds.isSuperset(of: FrameKind.allCases.map(\.rawValue)))
  }

  @Test func `the trailer of the sealed golden file leads to its seal block`() throws {
    let golden = try Golden()
    let file = golden.sealed.file()
    let trailer = try SealTrailer(file.rawSpan.extracting(last: SealTrailer.byteCount))
    let reader = FrameReader(file.rawSpan, salt: trailer.salt, limits: FormatLimits())
    let frame = try reader.frame(at: trailer.blockPosition.rawValue, verifying: true)
    #expect(frame.bytes.byteCount == Int(trailer.blockByteCount))
    let block = try SealBlock(frame.bytes, at: frame.position, limits: FormatLimits())
    #expect(block.nextOffset == trailer.nextOffset)
    #expect(block.statistics.recordCount == UInt64(golden.sealed.records.count))
  }

  @Test func `rot stops a walk and a later commit frame convicts it`() throws {
    let golden = try Golden()
    let path = "Fixtures/format-v1/s/0000000000000007/000000000000002b.seg"
    let file = try RepositoryFile(path).read()
    let salt = golden.rotten.header.salt
    let before = SegmentWalk(file, salt: salt)
    #expect(before.end == golden.damage.from.rawValue)
    let after = SegmentWalk(file, salt: salt, from: golden.damage.to.rawValue)
    #expect(before.records + after.records == golden.rotten.records.filter { !golden.isLost($0) })
    #expect(after.commits.contains { $0.durablePosition > golden.damage.from })
    #expect(after.end == golden.rotten.position)
  }

  @Test func `a torn tail ends a walk and no commit frame stands behind it`() throws {
    let golden = try Golden()
    let path = "Fixtures/format-v1/s/0000000000000007/000000000000002c.seg"
    let file = try RepositoryFile(path).read()
    let walk = SegmentWalk(file, salt: golden.torn.header.salt)
    #expect(walk.end == golden.tornEnd.position)
    #expect(walk.records == golden.tornEnd.records)
    var position = walk.end + 8
    while position < UInt64(file.count) {
      #expect(SegmentWalk(file, salt: golden.torn.header.salt, from: position).frames.isEmpty)
      position += 8
    }
  }

  @Test func `the golden manifest gives back every edit`() throws {
    let golden = try Golden()
    let walk = SegmentWalk(golden.manifest.file(), salt: golden.manifest.header.salt)
    let edits = try walk.records.compactMap { try ManifestEdit.decoded($0.value.rawSpan) }
    #expect(edits == golden.edits.flatMap { $0 })
    #expect(Set(edits.map(\.kind)) == Set(1...16))
    #expect(walk.records.count == edits.count + 1)
  }
}
