internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Says of records that are about to go what is left of their part of chain and tree.
struct RemovalStatements {
  let log: StreamLog
  let tree: StreamTree?
  /// Sizes that were stated, ascending: the leaves of their blocks are kept.
  let statedOffsets: [UInt64]
  let time: Timestamp
  let cause: RecordRemoval.Cause
  let reason: String

  /// Blocks of one statement at most.
  private static let blockCountLimit: UInt64 = 1 << 13

  /// The statements about a range that begins where the log begins now.
  func statements(from first: UInt64, to next: UInt64) throws(EvidenceError) -> [RecordRemoval] {
    guard let coverage = EvidenceCoverage(rawValue: log.definition.evidence.rawValue) else {
      return []
    }
    guard coverage == .tree else { return [try statement(from: first, to: next, coverage)] }
    var all: [RecordRemoval] = []
    var start = first
    while start < next {
      var end = min(next, (start / RecordRemoval.blockLeafCount + Self.blockCountLimit) * 256)
      var removal = try statement(from: start, to: end, coverage)
      // With leaves of many blocks a statement holds fewer of them.
      while removal.hashes.count > RecordRemoval.hashCountLimit {
        let half = (start / 256 + max(1, (end - start) / 512)) * 256
        end = min(end - 1, max(start + 1, half))
        removal = try statement(from: start, to: end, coverage)
      }
      all.append(removal)
      start = end
    }
    return all
  }

  /// The same without hashes: for a disk that has no room for them.
  func brief(from first: UInt64, to next: UInt64) throws(EvidenceError) -> RecordRemoval {
    var removal = try bare(from: first, to: next)
    removal.coverage = nil
    return removal
  }

  private func statement(
    from first: UInt64, to next: UInt64, _ coverage: EvidenceCoverage
  ) throws(EvidenceError) -> RecordRemoval {
    var removal = try bare(from: first, to: next)
    switch coverage {
    case .chain:
      let start = max(first, removal.groupedOffset)
      removal.hashes = try leaves(start..<next)
    case .tree:
      for block in RecordRemoval.blocks(from: first, to: next) {
        let offsets = max(first, block * 256)..<min(next, (block + 1) * 256)
        let isWhole = offsets.count == Int(RecordRemoval.blockLeafCount)
        let hasLeaves = !isWhole || isStated(within: block)
        removal.hasLeaves.append(hasLeaves)
        if hasLeaves {
          removal.hashes += try leaves(offsets)
        } else {
          removal.hashes.append(
            try known { () throws(EvidenceError) in
              try tree?.hash(level: IntegrityFrame.keptLevel, index: block)
            })
        }
      }
    }
    return removal
  }

  /// Whether a size that was stated ends inside a block.
  private func isStated(within block: UInt64) -> Bool {
    let start = block * RecordRemoval.blockLeafCount
    let next = statedOffsets.partitionPoint { $0 <= start }
    return next < statedOffsets.count
      && statedOffsets[next] < start + RecordRemoval.blockLeafCount
  }

  private func leaves(_ offsets: Range<UInt64>) throws(EvidenceError) -> [Digest] {
    if let tree {
      var leaves: [Digest] = []
      for offset in offsets {
        leaves.append(
          try known { () throws(EvidenceError) in try tree.hash(level: 0, index: offset) })
      }
      return leaves
    }
    do throws(ReadError) {
      return try LeafSource.leaves(log, from: offsets.lowerBound, to: offsets.upperBound)
    } catch {
      throw .read(error)
    }
  }

  /// A hash, or zeros where damage keeps anybody from knowing it.
  private func known(_ hash: () throws(EvidenceError) -> Digest?) throws(EvidenceError) -> Digest {
    do throws(EvidenceError) { return try hash() ?? Digest() } catch {
      switch error {
      case .contradiction, .removed: return Digest()
      default: throw error
      }
    }
  }

  private func bare(from first: UInt64, to next: UInt64) throws(EvidenceError) -> RecordRemoval {
    let group: IntegrityFrame?
    do throws(ReadError) { group = try lastGroup(with: next - 1) } catch { throw .read(error) }
    guard let group else { throw .notCovered(Offset(rawValue: next - 1)) }
    let isWhole = group.nextOffset.rawValue == next
    return RecordRemoval(
      firstOffset: first, nextOffset: next, time: time.rawValue,
      groupCount: isWhole ? group.sequence : group.sequence - 1,
      groupedOffset: isWhole ? next : group.firstOffset.rawValue,
      head: Digest(isWhole ? group.head : group.previousHead) ?? Digest(),
      coverage: EvidenceCoverage(rawValue: log.definition.evidence.rawValue), cause: cause,
      reason: reason)
  }

  /// The group that an offset is part of.
  private func lastGroup(with offset: UInt64) throws(ReadError) -> IntegrityFrame? {
    let entries = log.segments.all
    let first = entries.lastIndex { $0.baseOffset.rawValue <= offset } ?? 0
    for entry in entries[min(first, entries.count)...] {
      if let group = try entry.group(covering: offset, visible: log.visible) { return group }
    }
    return nil
  }
}

extension StoreStatements {
  /// States, durably, that records of a stream go: before they do.
  ///
  /// - Throws: ``EvidenceError``, for a stream with chain or tree.
  func stateRemoval(
    of log: StreamLog, from first: Offset, to next: Offset, cause: RecordRemoval.Cause,
    reason: String
  ) throws(EvidenceError) {
    guard log.definition.evidence != .none else { return }
    guard reason.utf8.count <= Statement.reasonByteCountLimit else {
      throw .reasonTooLong(byteCount: reason.utf8.count, limit: Statement.reasonByteCountLimit)
    }
    let stated = try stream(log.definition.streamID)
    // A crash may have come between a statement and the removal.
    let first = Offset(rawValue: max(first.rawValue, stated.removedOffset))
    guard first < next else { return }
    let isTree = log.definition.evidence == .tree
    let statements = RemovalStatements(
      log: log, tree: isTree ? try tree(of: log) : nil, statedOffsets: stated.statedOffsets,
      time: log.core.time.now(), cause: cause, reason: reason)
    let id = log.definition.streamID
    do throws(EvidenceError) {
      try append(
        try statements.statements(from: first.rawValue, to: next.rawValue).map {
          (id, .removal($0))
        })
    } catch {
      // Removing must make room on a full disk, if there is any for a few bytes.
      guard case .append(.full) = error else { throw error }
      try append([(id, .removal(try statements.brief(from: first.rawValue, to: next.rawValue)))])
    }
  }
}
