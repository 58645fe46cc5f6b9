internal import ByteCoding
internal import Cryptography
internal import Integrity

/// Leaves that wait for their group, in the order of their offsets; some may be missing.
struct LeafQueue {
  /// Leaves one behind the other; without hashes where there are no records.
  struct Run {
    var offsets: Range<UInt64>
    var leaves: [Digest]
    var times: [Int64]
    var isGap: Bool { leaves.isEmpty }
  }

  /// A part of a group.
  enum Part {
    case records(ArraySlice<Digest>, ArraySlice<Int64>)
    case gap(Range<UInt64>)
    /// The leaf that a statement keeps of a record.
    case kept(RecordLeaf)
    case missing(Range<UInt64>)
  }

  private var runs: [Run] = []
  private var front = 0
  /// Leaves of records whose content was taken out, by offset.
  let redacted: [UInt64: RecordLeaf]

  init(redacted: [UInt64: RecordLeaf]) { self.redacted = redacted }

  /// Offset behind the last leaf.
  private(set) var nextOffset: UInt64 = 0

  mutating func append(_ run: Run) {
    var run = run
    // What is there twice was reported; the first counts.
    if run.offsets.lowerBound < nextOffset {
      guard run.offsets.upperBound > nextOffset else { return }
      let surplus = Int(nextOffset - run.offsets.lowerBound)
      run.offsets = nextOffset..<run.offsets.upperBound
      if !run.isGap {
        run.leaves.removeFirst(surplus)
        run.times.removeFirst(surplus)
      }
    }
    guard !run.offsets.isEmpty else { return }
    nextOffset = run.offsets.upperBound
    runs.append(run)
  }

  /// Forgets leaves before an offset.
  mutating func drop(before offset: UInt64) {
    while front < runs.count, runs[front].offsets.upperBound <= offset { front += 1 }
    if front > 64 {
      runs.removeFirst(front)
      front = 0
    }
  }

  /// The parts of a range of offsets, without a hole; what is not there is said.
  func parts(_ range: Range<UInt64>) -> [Part] {
    var parts: [Part] = []
    var next = range.lowerBound
    var index = front
    while next < range.upperBound, index < runs.count {
      let run = runs[index]
      index += 1
      guard run.offsets.upperBound > next else { continue }
      if run.offsets.lowerBound >= range.upperBound { break }
      if run.offsets.lowerBound > next {
        appendAbsent(next..<run.offsets.lowerBound, isGap: false, to: &parts)
        next = run.offsets.lowerBound
      }
      let end = min(run.offsets.upperBound, range.upperBound)
      if run.isGap {
        appendAbsent(next..<end, isGap: true, to: &parts)
      } else {
        let places = Int(next - run.offsets.lowerBound)..<Int(end - run.offsets.lowerBound)
        parts.append(.records(run.leaves[places], run.times[places]))
      }
      next = end
    }
    if next < range.upperBound {
      appendAbsent(next..<range.upperBound, isGap: false, to: &parts)
    }
    return parts
  }

  /// Offsets whose records are not there: some may have been redacted.
  private func appendAbsent(_ range: Range<UInt64>, isGap: Bool, to parts: inout [Part]) {
    var next = range.lowerBound
    for offset in redacted.keys.filter(range.contains).sorted() {
      if next < offset { parts.append(isGap ? .gap(next..<offset) : .missing(next..<offset)) }
      if let leaf = redacted[offset] { parts.append(.kept(leaf)) }
      next = offset + 1
    }
    guard next < range.upperBound else { return }
    parts.append(isGap ? .gap(next..<range.upperBound) : .missing(next..<range.upperBound))
  }
}

extension LeafQueue.Part {
  /// Leaves without records that are made at a time.
  private static let pieceCount: UInt64 = 65_536

  /// Calls a body with the leaves, some at a time.
  ///
  /// - Parameter lost: What stands for offsets that are not there; `nil` to leave them out.
  func forLeaves(
    lost: RecordLeaf.Kind? = nil,
    _ body: (_ leaves: [Digest], _ recordCount: Int, _ times: (first: Int64, last: Int64)) -> Void
  ) {
    switch self {
    case .records(let leaves, let times):
      body(Array(leaves), leaves.count, (times.first ?? 0, times.last ?? 0))
    case .kept(let leaf):
      let isRecord = leaf.kind == .record
      body(
        [MerkleTree.leafHash(leaf.encoded)], isRecord ? 1 : 0, (leaf.appendTime, leaf.appendTime))
    case .gap(let range): Self.forEmpty(range, .gap, body)
    case .missing(let range): if let lost { Self.forEmpty(range, lost, body) }
    }
  }

  private static func forEmpty(
    _ range: Range<UInt64>, _ kind: RecordLeaf.Kind,
    _ body: ([Digest], Int, (first: Int64, last: Int64)) -> Void
  ) {
    var next = range.lowerBound
    while next < range.upperBound {
      let end = min(next + pieceCount, range.upperBound)
      var hasher = LeafHasher()
      for offset in next..<end { hasher.addEmpty(offset: offset, kind: kind) }
      let none: [UInt8] = []
      body(hasher.finish(in: none.rawSpan), 0, (0, 0))
      next = end
    }
  }
}
