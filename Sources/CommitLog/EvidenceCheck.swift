internal import ByteCoding
internal import Cryptography
internal import Integrity
internal import LogEvidence
internal import LogFormat
internal import PlatformIO
public import Quantities

/// What a look at chain and tree of a stream came to: every group made again from the records.
public struct EvidenceCheck: Hashable, Sendable {
  /// Groups that were made again and are the same.
  public internal(set) var verifiedCount: UInt64 = 0
  /// Groups of which not all records are there: they were removed, or are damaged.
  public internal(set) var unverifiableCount: UInt64 = 0
  /// Offset behind the last group.
  public internal(set) var nextOffset = Offset.zero
  /// The first thing that is wrong; `nil` when nothing is.
  public internal(set) var problem: String?
}

extension StreamLog {
  /// Makes every group of chain and tree again from the records that are visible.
  ///
  /// - Throws: ``ReadError`` for what keeps files from being read.
  public func checkEvidence() throws(ReadError) -> EvidenceCheck {
    let redactions: [RecordRedaction]
    do throws(EvidenceError) {
      redactions = try core.statements.redactions(of: definition.streamID)
    } catch {
      // Of a stream of statements that cannot be read, its own check tells.
      redactions = []
    }
    guard
      var walk = EvidenceWalk(definition, core.options.limits, redactions: redactions)
    else { return EvidenceCheck() }
    for entry in segments.all {
      let file = try entry.file()
      walk.enter(baseOffset: entry.baseOffset.rawValue, logStart: logStartOffset)
      walk.walk(file, to: entry.end?.endPosition.rawValue ?? .max, visible: visible)
      if walk.check.problem != nil { break }
    }
    return walk.check
  }

  /// Its segments as this process sees them, for messages of tests.
  package var segmentSummary: String {
    segments.all.map { entry in
      let end = entry.end.map { "\($0.nextOffset) \($0.reason)" } ?? "open"
      return "\(entry.id): \(entry.baseOffset) to \(end)"
    }.joined(separator: ", ") + "; log start \(logStartOffset)"
  }
}

/// Goes through the frames of a stream's segments, one after the other, and makes its groups again.
struct EvidenceWalk {
  let coverage: EvidenceCoverage
  let definition: ManifestEdit.StreamDefinition
  let limits: FormatLimits
  private(set) var check = EvidenceCheck()

  /// `nil` while it is not known what the records behind the last group go on from.
  private var state: EvidenceState?
  /// Records that no group has had yet.
  private var records: [Leaf] = []
  private var piece = LeafPiece()
  private var isBegun = false

  /// A leaf that waits for its group.
  private struct Leaf {
    let offset: UInt64
    let hash: Digest
    /// `nil` where there is no record.
    let appendTime: Int64?
  }

  /// Leaves of records that were taken out, by offset.
  private let redacted: [UInt64: RecordLeaf]

  /// `nil` for a stream without evidence.
  ///
  /// - Parameters:
  ///   - definition: The stream.
  ///   - limits: Bounds for what is read.
  ///   - redactions: What is stated of records that were taken out.
  init?(
    _ definition: ManifestEdit.StreamDefinition, _ limits: FormatLimits,
    redactions: [RecordRedaction]
  ) {
    guard let coverage = EvidenceCoverage(rawValue: definition.evidence.rawValue) else {
      return nil
    }
    (self.coverage, self.definition, self.limits) = (coverage, definition, limits)
    redacted = redactions.byOffset
  }

  /// Goes on with a segment.
  ///
  /// - Parameter logStart: First offset kept: a segment of which nothing counts may be older than that.
  mutating func enter(baseOffset: UInt64, logStart: Offset) {
    if !isBegun, baseOffset == 0, logStart == .zero { state = .initial }
    isBegun = true
    piece.nextOffset = baseOffset
  }

  /// Walks the frames of a segment.
  mutating func walk(_ file: SegmentFile, to end: UInt64, visible: UInt64) {
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    var position = UInt64(SegmentLayout.preambleByteCount)
    while position < end, check.problem == nil {
      do throws(FormatError) {
        let frame = try reader.frame(at: position, verifying: true)
        try take(frame, visible: visible)
        position = frame.end
        if frame.head.kind == .seal { break }
      } catch {
        if case .damaged(.frame, .empty) = error { break }
        let next = FrameSearch(reader).nextIntact(
          after: position, to: min(end, file.byteCount))
        if next >= min(end, file.byteCount) { break }
        position = next
      }
    }
    move()
  }

  private mutating func take(_ frame: borrowing Frame, visible: UInt64) throws(FormatError) {
    switch frame.head.kind {
    case .soloRecord:
      take(try SoloRecord.view(frame.bytes, head: frame.head), visible: visible)
    case .batch:
      let batch = try BatchView(frame.bytes, frameHead: frame.head, place: nil, limits: limits)
      for index in 0..<batch.count { take(try batch.record(at: index), visible: visible) }
    case .gap:
      let gap = try GapFrame(frame.bytes)
      move()
      for offset in gap.firstOffset.rawValue..<(gap.firstOffset.rawValue + UInt64(gap.count)) {
        let leaf = redacted[offset] ?? RecordLeaf(kind: .gap, offset: offset, appendTime: 0)
        records.append(
          Leaf(
            offset: offset, hash: MerkleTree.leafHash(leaf.encoded),
            appendTime: leaf.kind == .record ? leaf.appendTime : nil))
      }
    case .integrity:
      move()
      judge(try IntegrityFrame(frame.bytes))
    default: break
    }
  }

  private mutating func take(_ view: borrowing RecordView, visible: UInt64) {
    guard view.offset.rawValue < visible else { return }
    if piece.nextOffset != view.offset.rawValue { move() }
    piece.nextOffset = view.offset.rawValue
    piece.add(view)
    times.append(view.appendTime.rawValue)
    offsets.append(view.offset.rawValue)
    if offsets.count >= StreamEvidence.pieceOffsetCount { move() }
  }

  private var times: [Int64] = []
  private var offsets: [UInt64] = []

  /// Hashes what was read.
  private mutating func move() {
    guard !offsets.isEmpty else { return }
    let leaves = piece.finish().leaves
    for (index, hash) in leaves.enumerated() {
      records.append(Leaf(offset: offsets[index], hash: hash, appendTime: times[index]))
    }
    times = []
    offsets = []
  }

  private mutating func judge(_ group: IntegrityFrame) {
    let (first, next) = (group.firstOffset.rawValue, group.nextOffset.rawValue)
    guard let after = group.state(definition) else {
      check.problem = "group \(group.sequence) contradicts itself"
      return
    }
    check.nextOffset = group.nextOffset
    let leaves = records.prefix { $0.offset < next }
    records.removeFirst(leaves.count)
    defer { state = after }
    guard let state else {
      check.unverifiableCount += 1
      return
    }
    guard group.sequence == state.chain.count + 1, first == state.nextOffset else {
      check.problem =
        "group \(group.sequence) from offset \(first) stands where group "
        + "\(state.chain.count + 1) from \(state.nextOffset) was to come"
      return
    }
    guard group.previousHead == state.chain.head.bytes else {
      check.problem = "group \(group.sequence) does not go on from the one before it"
      return
    }
    let isWhole =
      UInt64(leaves.count) == next - first
      && leaves.enumerated().allSatisfy { $0.element.offset == first + UInt64($0.offset) }
    guard isWhole else {
      check.unverifiableCount += 1
      return
    }
    var builder = EvidenceBuilder(
      storeID: group.storeID.bytes, streamID: definition.streamID, coverage: coverage,
      state: state)
    let appendTimes = leaves.compactMap(\.appendTime)
    builder.append(
      leaves.map(\.hash), recordCount: appendTimes.count,
      appendTimes: (appendTimes.first ?? 0, appendTimes.last ?? 0))
    guard let again = builder.endGroup(), IntegrityFrame(again, storeID: group.storeID) == group
    else {
      check.problem =
        "group \(group.sequence), offsets \(first) to \(next), does not fit its records"
      return
    }
    check.verifiedCount += 1
  }
}
