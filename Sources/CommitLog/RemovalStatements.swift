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
  /// Leaves of records that were taken out, by offset.
  let redacted: [UInt64: RecordLeaf]
  let time: Timestamp
  let cause: RecordRemoval.Cause
  let reason: String

  /// Blocks of one statement at most.
  private static let blockCountLimit: UInt64 = 1 << 13

  /// The statement about the first part of a range, as large as one can be.
  ///
  /// - Parameters:
  ///   - first: Where the range begins: what is stated already ends there.
  ///   - next: Where it ends, behind it.
  func statement(from first: UInt64, to next: UInt64) throws(EvidenceError) -> RecordRemoval {
    guard log.definition.evidence == .tree else { return try whole(from: first, to: next) }
    let size = RecordRemoval.blockLeafCount
    var end = min(next, (first / size + Self.blockCountLimit) * size)
    var removal = try whole(from: first, to: end)
    // With leaves of many blocks a statement holds fewer of them.
    while removal.hashes.count > RecordRemoval.hashCountLimit {
      let half = (first / size + max(1, (end - first) / (2 * size))) * size
      end = min(end - 1, max(first + 1, half))
      removal = try whole(from: first, to: end)
    }
    return removal
  }

  /// The same without hashes: for a disk that has no room for them.
  func brief(from first: UInt64, to next: UInt64) throws(EvidenceError) -> RecordRemoval {
    var removal = try bare(from: first, to: next)
    removal.coverage = nil
    return removal
  }

  private func whole(from first: UInt64, to next: UInt64) throws(EvidenceError) -> RecordRemoval {
    var removal = try bare(from: first, to: next)
    let size = RecordRemoval.blockLeafCount
    switch removal.coverage {
    case nil: break
    case .chain:
      let start = max(first, removal.groupedOffset)
      removal.hashes = try leaves(start..<next)
    case .tree:
      for block in RecordRemoval.blocks(from: first, to: next) {
        let offsets = max(first, block * size)..<min(next, (block + 1) * size)
        let isWhole = UInt64(offsets.count) == size
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
      return try LeafSource.leavesAndData(
        log, from: offsets.lowerBound, to: offsets.upperBound, redacted: redacted
      ).leaves
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
    do throws(ReadError) { group = try log.group(covering: next - 1) } catch {
      throw .read(error)
    }
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
}

extension StoreStatements {
  /// States, durably, that records of a stream go: before they do. One removal of a stream at a time.
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
      redacted: isTree ? [:] : try redactions(of: log.definition.streamID).byOffset,
      time: log.core.time.now(), cause: cause, reason: reason)
    let id = log.definition.streamID
    var start = first.rawValue
    while start < next.rawValue {
      let removal = try statements.statement(from: start, to: next.rawValue)
      do throws(EvidenceError) { try append([(id, .removal(removal))]) } catch {
        // Removing must make room on a full disk, if there is any for a few bytes.
        guard case .append(.full) = error else { throw error }
        let brief = try statements.brief(from: start, to: next.rawValue)
        try append([(id, .removal(brief))])
        return
      }
      start = removal.nextOffset
    }
  }
}
