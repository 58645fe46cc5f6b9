import ByteCoding
import CommitLog
import Cryptography
import Integrity
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import AuditVerification

/// What tests state about streams, made from the records by the text, one at a time.
extension AuditRig {
  /// Leaves of a stream from its first offset on.
  static func leaves(_ log: StreamLog) throws -> [RecordLeaf] {
    var leaves: [RecordLeaf] = []
    var reader = try log.makeReader()
    func gaps(to offset: UInt64) {
      while UInt64(leaves.count) < offset {
        leaves.append(RecordLeaf(kind: .gap, offset: UInt64(leaves.count), appendTime: 0))
      }
    }
    while let record = try reader.next() {
      gaps(to: record.offset.rawValue)
      leaves.append(
        RecordLeaf(
          kind: .record, flags: record.isTombstone ? .tombstone : [],
          offset: record.offset.rawValue, appendTime: record.appendTime.rawValue,
          commitment: RecordContent.commitment(
            eventTime: record.eventTime?.rawValue, key: record.key, type: record.type,
            headers: record.headers, value: record.value)))
    }
    gaps(to: log.visibleOffset.rawValue)
    return leaves
  }

  /// Groups that stand in the segments of a stream.
  func groups(ofStream streamID: UInt64) throws -> [IntegrityFrame] {
    var groups: [IntegrityFrame] = []
    for file in segments(ofStream: streamID) {
      let bytes = try bytes(file)
      guard
        let header = try? SegmentHeader(
          bytes.rawSpan.extracting(0..<SegmentHeader.byteCount), at: 0)
      else { continue }
      let reader = FrameReader(bytes.rawSpan, salt: header.salt, limits: FormatLimits())
      var position = UInt64(SegmentLayout.preambleByteCount)
      while let frame = try? reader.frame(at: position, verifying: true) {
        if frame.head.kind == .integrity { groups.append(try IntegrityFrame(frame.bytes)) }
        position = frame.end
      }
    }
    return groups.sorted { $0.sequence < $1.sequence }
  }

  /// What a stream's chain and tree are at one of its groups.
  static func heads(_ group: IntegrityFrame, name: String) -> StreamHeads {
    StreamHeads(
      groupCount: group.sequence, nextOffset: group.nextOffset.rawValue,
      coverage: group.evidence == .tree ? .tree : .chain, head: Digest(group.head) ?? Digest(),
      root: Digest(group.root) ?? Digest(), name: name)
  }

  /// What a removal of all before an offset states.
  static func removal(
    _ range: Range<UInt64>, leaves: [Digest], groups: [IntegrityFrame],
    coverage: EvidenceCoverage, statedSizes: Set<UInt64> = []
  ) -> RecordRemoval {
    let last = groups.last { $0.nextOffset.rawValue <= range.upperBound }
    var removal = RecordRemoval(
      firstOffset: range.lowerBound, nextOffset: range.upperBound, time: 5,
      groupCount: last?.sequence ?? 0, groupedOffset: last?.nextOffset.rawValue ?? 0,
      head: last.flatMap { Digest($0.head) } ?? Digest(), coverage: coverage, cause: .age,
      reason: "older than a year")
    if coverage == .chain {
      let first = max(range.lowerBound, removal.groupedOffset)
      removal.hashes = Array(leaves[Int(first)..<Int(range.upperBound)])
      return removal
    }
    for block in RecordRemoval.blocks(from: range.lowerBound, to: range.upperBound) {
      let start = block * 256
      let part = max(start, range.lowerBound)..<min(start + 256, range.upperBound)
      let isWhole =
        part.count == 256
        && !statedSizes.contains { part.contains($0 - 1) && $0 != part.upperBound }
      removal.hasLeaves.append(!isWhole)
      let hashes = Array(leaves[Int(part.lowerBound)..<Int(part.upperBound)])
      if isWhole {
        var tree = TreeFrontier()
        tree.append(hashes)
        removal.hashes.append(tree.root)
      } else {
        removal.hashes += hashes
      }
    }
    return removal
  }

  /// Appends statements to the evidence stream.
  func state(_ contents: [(streamID: UInt64, content: Statement.Content)]) throws {
    try writing { store in
      let name = try StreamName(Statement.streamName)
      // The engine may have made it already.
      let log =
        try store.evidenceStream()
        ?? store.createAnyStream(name, options: Self.streamOptions(.tree))
      for entry in contents {
        let statement = Statement(
          storeID: store.id.bytes, streamID: entry.streamID, content: entry.content)
        _ = try log.append(
          copying: statement.encoded, type: Array(entry.content.typeName.utf8))
      }
      try log.flush()
    }
  }

  // MARK: Checkpoints

  static let logName = "example.org/log"

  static func signer(_ name: String = logName, _ seed: UInt8 = 1) throws -> NoteSignerKey {
    try NoteSignerKey(
      name: try #require(KeyName(name)), seed: [UInt8](repeating: seed, count: 32))
  }

  /// A signed checkpoint.
  static func checkpoint(
    _ origin: String, _ size: UInt64, _ root: Digest, by key: NoteSignerKey
  ) throws -> AuditOptions.Checkpoint {
    let checkpoint = try Checkpoint(origin: origin, size: size, root: root)
    var note = try SignedNote(text: checkpoint.text)
    try note.sign(with: key)
    return AuditOptions.Checkpoint(path: "held-\(size)", bytes: note.encoded)
  }
}
