public import ByteCoding
internal import Cryptography
public import Integrity
public import LogFormat
internal import Quantities

extension IntegrityFrame {
  /// A group as it stands in the log.
  public init(_ group: EvidenceGroup, storeID: UniqueIdentifier) {
    let header = group.header
    let isTree = group.state.frontier.size > 0
    self.init(
      sequence: header.sequence, firstOffset: Offset(rawValue: header.firstOffset),
      nextOffset: Offset(rawValue: header.nextOffset),
      firstAppendTime: Timestamp(rawValue: header.firstAppendTime),
      lastAppendTime: Timestamp(rawValue: header.lastAppendTime),
      recordCount: header.recordCount, treeSize: header.treeSize, root: header.root.bytes,
      previousHead: group.previousHead.bytes, head: group.head.bytes,
      evidence: isTree ? .tree : .chain, storeID: storeID,
      frontier: group.state.frontier.hashes.flatMap(\.bytes),
      nodes: group.nodes.flatMap { $0.hashes.flatMap(\.bytes) })
  }

  /// What goes on behind the group; `nil` when its hashes contradict each other, or it is of another
  /// stream.
  public func state(_ definition: ManifestEdit.StreamDefinition) -> EvidenceState? {
    guard evidence == definition.evidence, let root = Digest(root), let head = Digest(head),
      let previousHead = Digest(previousHead)
    else { return nil }
    let hashes = stride(from: 0, to: frontier.count, by: Self.hashByteCount).compactMap {
      Digest(Array(frontier[$0..<($0 + Self.hashByteCount)]))
    }
    let size = evidence == .tree ? treeSize : 0
    guard let edge = TreeFrontier(size: size, hashes: hashes) else { return nil }
    if evidence == .tree { guard edge.root == root else { return nil } }
    let header = GroupHeader(
      storeID: storeID.bytes, streamID: definition.streamID, sequence: sequence,
      firstOffset: firstOffset.rawValue, nextOffset: nextOffset.rawValue,
      firstAppendTime: firstAppendTime.rawValue, lastAppendTime: lastAppendTime.rawValue,
      recordCount: recordCount, treeSize: treeSize, root: root)
    guard HashChain.link(header, after: previousHead) == head else { return nil }
    return EvidenceState(
      chain: HashChain(count: sequence, head: head), frontier: edge,
      nextOffset: nextOffset.rawValue)
  }
}
