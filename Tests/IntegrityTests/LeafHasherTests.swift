import ByteCoding
import Cryptography
import Integrity
import TestSupport
import Testing

@Suite struct LeafHasherTests {
  /// What stands at one offset.
  private struct Entry {
    var parts: LeafHasher.Parts?
    var content: [UInt8] = []
    var isTombstone = false
  }

  private static func entries(seed: UInt64, count: Int, gapRate: Int) -> [Entry] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      if gapRate > 0, random.next() % UInt64(gapRate) == 0 { return Entry() }
      var parts = LeafHasher.Parts()
      // Mostly alike, as in a real stream.
      if random.next() % 4 == 0 {
        parts.keyByteCount = random.next() % 2 == 0 ? nil : Int(random.next() % 200)
        parts.typeByteCount = random.next() % 2 == 0 ? nil : Int(random.next() % 20)
        parts.headersByteCount = Int(random.next() % 300)
        parts.eventTime = random.next() % 2 == 0 ? nil : Int64(bitPattern: random.next())
      }
      let size =
        (parts.keyByteCount ?? 0) + (parts.typeByteCount ?? 0) + parts.headersByteCount
        + Int(random.next() % 150)
      return Entry(
        parts: parts, content: (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next()) },
        isTombstone: random.next() % 8 == 0)
    }
  }

  /// The same by the slow way: an object for each.
  private static func expected(_ entry: Entry, offset: UInt64, time: Int64) -> Digest {
    guard let parts = entry.parts else {
      return MerkleTree.leafHash(
        RecordLeaf(kind: offset % 3 == 0 ? .lost : .gap, offset: offset, appendTime: 0).encoded)
    }
    var rest = entry.content[...]
    func take(_ count: Int) -> [UInt8] {
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    let key = parts.keyByteCount.map { take($0) }
    let type = parts.typeByteCount.map { take($0) }
    let headers = take(parts.headersByteCount)
    let flags: RecordLeaf.Flags = entry.isTombstone ? .tombstone : []
    let commitment = RecordContent.commitment(
      eventTime: parts.eventTime, key: key, type: type, headers: headers, value: Array(rest))
    return MerkleTree.leafHash(
      RecordLeaf(
        kind: .record, flags: flags, offset: offset, appendTime: time, commitment: commitment
      ).encoded)
  }

  @Test(arguments: [0, 2, 20], SHA256.Kernel.allCases.filter(\.isSupported))
  func `leaves made together are those made one by one`(gapRate: Int, kernel: SHA256.Kernel) {
    var hasher = LeafHasher()
    for round in 0..<12 as Range<UInt64> {
      let entries = Self.entries(
        seed: 31 * round + UInt64(gapRate), count: Int(round * round), gapRate: gapRate)
      // Something in front and between: contents are where their ranges say.
      var memory: [UInt8] = [1, 2, 3]
      for (index, entry) in entries.enumerated() {
        let (offset, time) = (1_000 * round + UInt64(index), Int64(index) - 5)
        guard let parts = entry.parts else {
          hasher.addEmpty(offset: offset, kind: offset % 3 == 0 ? .lost : .gap)
          continue
        }
        memory.append(7)
        let isAlone = parts == LeafHasher.Parts() && !entry.isTombstone
        if isAlone, index % 3 != 0 {
          hasher.addValue(
            offset: offset, appendTime: time,
            content: memory.count..<(memory.count + entry.content.count))
          memory += entry.content
          continue
        }
        hasher.addRecord(
          offset: offset, appendTime: time, isTombstone: entry.isTombstone, parts: parts,
          content: memory.count..<(memory.count + entry.content.count))
        memory += entry.content
      }
      #expect(hasher.count == entries.count)
      #expect(hasher.recordCount == entries.count { $0.parts != nil })
      let leaves = hasher.finish(in: memory.rawSpan, kernel: kernel)
      let expected = entries.enumerated().map { index, entry in
        Self.expected(entry, offset: 1_000 * round + UInt64(index), time: Int64(index) - 5)
      }
      #expect(leaves == expected, "round \(round)")
      #expect(hasher.count == 0 && hasher.recordCount == 0)
    }
  }
}
