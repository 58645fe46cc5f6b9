import ByteCoding
import Cryptography
import Integrity
import LogEvidence
import LogFormat
import Quantities
import TestSupport
import Testing

@Suite struct IntegrityFrameGroupTests {
  private static let storeID = UniqueIdentifier(
    high: 0x0011_2233_4455_6677, low: 0x8899_aabb_ccdd_eeff)

  private static func definition(_ evidence: EvidenceClass, streamID: UInt64 = 7)
    -> ManifestEdit.StreamDefinition
  {
    .init(
      streamID: streamID, name: "orders", durability: .disk, maxDelayNanoseconds: 0,
      maxByteCount: 0, firstSegmentByteCount: 1 << 20, segmentByteCount: 1 << 20,
      rollRecordCount: 0, rollNanoseconds: 0, maximumReaderLag: 0, evidence: evidence)
  }

  /// Groups of a stream that end at the sizes given.
  private static func groups(_ coverage: EvidenceCoverage, _ sizes: [UInt64]) -> [EvidenceGroup] {
    var builder = EvidenceBuilder(
      storeID: storeID.bytes, streamID: 7, coverage: coverage)
    var groups: [EvidenceGroup] = []
    var offset: UInt64 = 0
    for size in sizes {
      let leaves = (offset..<size).map {
        MerkleTree.leafHash(RecordLeaf(kind: .gap, offset: $0, appendTime: 0).encoded)
      }
      builder.append(leaves, recordCount: leaves.count, appendTimes: (5, 6))
      if let group = builder.endGroup() { groups.append(group) }
      offset = size
    }
    return groups
  }

  @Test(arguments: [EvidenceCoverage.chain, .tree])
  func `a group's frame holds all that the group says, and what goes on behind it`(
    _ coverage: EvidenceCoverage
  ) throws {
    for group in Self.groups(coverage, [3, 700, 1_024, 1_025]) {
      let frame = IntegrityFrame(group, storeID: Self.storeID)
      #expect(frame.sequence == group.header.sequence)
      #expect(frame.firstOffset.rawValue == group.header.firstOffset)
      #expect(frame.nextOffset.rawValue == group.header.nextOffset)
      #expect(frame.recordCount == group.header.recordCount)
      #expect(frame.treeSize == group.header.treeSize)
      #expect(frame.root == group.header.root.bytes)
      #expect(frame.previousHead == group.previousHead.bytes)
      #expect(frame.head == group.head.bytes)
      let evidence: EvidenceClass = coverage == .tree ? .tree : .chain
      #expect(frame.evidence == evidence)
      let bytes = frame.encoded(salt: 1, at: 16_384)
      #expect(bytes.count >= frame.byteCount)
      let read = try IntegrityFrame(bytes.rawSpan.extracting(0..<frame.byteCount))
      #expect(read == frame)
      #expect(read.state(Self.definition(evidence)) == group.state)
    }
  }

  @Test(arguments: [EvidenceCoverage.chain, .tree])
  func `a frame whose hashes contradict each other is not gone on from`(
    _ coverage: EvidenceCoverage
  ) throws {
    let evidence: EvidenceClass = coverage == .tree ? .tree : .chain
    let group = try #require(Self.groups(coverage, [3, 700]).last)
    let frame = IntegrityFrame(group, storeID: Self.storeID)
    let bytes = frame.encoded(salt: 1, at: 16_384)
    // Nodes are compared with the tree when it is made again: nothing in the frame covers them.
    let covered = frame.byteCount - frame.nodes.count
    for bit in (8 * FrameHead.byteCount)..<(8 * covered) {
      var other = bytes
      other[bit / 8] ^= 1 << UInt8(bit % 8)
      guard let read = try? IntegrityFrame(other.rawSpan.extracting(0..<frame.byteCount)) else {
        continue
      }
      #expect(read.state(Self.definition(evidence)) == nil, "bit \(bit)")
    }
  }

  @Test func `a group of another stream, or of other evidence, is not gone on from`() throws {
    let group = try #require(Self.groups(.tree, [9]).first)
    let frame = IntegrityFrame(group, storeID: Self.storeID)
    #expect(frame.state(Self.definition(.tree)) != nil)
    #expect(frame.state(Self.definition(.tree, streamID: 8)) == nil)
    #expect(frame.state(Self.definition(.chain)) == nil)
    #expect(frame.state(Self.definition(.none)) == nil)
  }
}
