internal import Integrity
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Goes through a stream: puts together what was found in its segments, names what is wrong with them, and
/// hands leaves and groups to whoever judges chain and tree.
struct StreamWalk: ChunkStage {
  let stream: StoreMap.Stream
  let limits: FormatLimits
  /// Called with bytes that were walked; ends the walk with `false`.
  let progress: @Sendable (UInt64) -> Bool
  /// Prepares a segment that a killed writer had gone on to; `nil` when there is none.
  let successor: @Sendable (_ segmentID: UInt64) -> PlannedSegment?
  var coverage: StreamCoverage
  var findings: [Finding] = []
  var search: BitSearch
  var judge: EvidenceJudge?
  /// Takes the values of records, in the evidence stream.
  var book: StatementBook?
  var unchecked: [Unchecked] = []
  var ledger: SegmentLedger?
  /// Offset of the next record; `nil` before the first segment.
  var expected: UInt64?
  var openDamage: OpenDamage?
  var isCancelled = false
  /// What stands in frames that were changed back, until it is their turn.
  var mendedEvents: [ChunkAccount.Event] = []
  var mendedMarks: [ChunkAccount.Mark] = []
  /// The stretch whose account is taken.
  private var source: LeafQueue.Source?
  /// A file that could not be read for a reason that is not its own.
  var failure: FileSystemError?
  /// Whether one file is walked, and not a stream.
  var isAlone = false

  /// Bytes that were lost, before it is known which offsets they had.
  struct OpenDamage {
    var from: UInt64
    var to: UInt64
    var file: String
    var firstOffset: UInt64?
    var cause: String
    /// Whether each of the bits was changed back in vain.
    var isSearched: Bool
  }

  /// Most findings of a stream; more of the same kind say nothing new.
  static let findingCountLimit = 1_000

  init(
    _ stream: StoreMap.Stream, limits: FormatLimits, judge: EvidenceJudge?, search: BitSearch,
    progress: @escaping @Sendable (UInt64) -> Bool,
    successor: @escaping @Sendable (UInt64) -> PlannedSegment?
  ) {
    (self.stream, self.limits, self.judge, self.search) = (stream, limits, judge, search)
    (self.progress, self.successor) = (progress, successor)
    coverage = StreamCoverage(
      streamID: stream.id, name: stream.name,
      coverage: EvidenceCoverage(rawValue: stream.definition.evidence.rawValue))
  }

  // MARK: Stretches

  mutating func take(
    _ account: consuming ChunkAccount, _ request: ChunkSource.Request,
    _ segments: inout [PlannedSegment]
  ) -> ChunkSource.Cut? {
    let index = request.cut.segment
    let next = ChunkSource.Cut.beginning(of: index + 1)
    if ledger?.index != index, !enter(request, segments[index]) {
      return end(failure == nil && next.segment < segments.count ? next : nil)
    }
    guard progress(account.end - account.start) else {
      isCancelled = true
      return nil
    }
    coverage.byteCount += account.end - account.start
    source = request.file.map {
      LeafQueue.Source(file: $0, task: request.task, positions: account.start..<account.end)
    }
    takeItems(&account)
    source = nil
    switch account.stop {
    case .more:
      // A frame that is cut off by the end of the file.
      if account.end == account.start, request.next == nil {
        return resolve(
          .truncated(.frame, needed: account.end + 16, available: account.end),
          at: account.end, request, &segments)
      }
      return ChunkSource.Cut(segment: index, position: account.end)
    case .limit, .sealed: return finish(at: account.end, &segments)
    case .damaged(let error):
      return resolve(error, at: account.end, request, &segments)
    case .refused(let error):
      add(.newer, at: place(position: account.end), "what stands there cannot be read: \(error)")
      ledger?.isDamaged = true
      return finish(at: account.end, &segments)
    case .failed(let error):
      if error.isAboutTheFile {
        lose(from: account.end, to: account.end, "it cannot be read: \(error.reason.explanation)")
        return finish(at: account.end, &segments)
      }
      failure = error
      return nil
    }
  }

  /// Does something with what the file does not hold any more.
  mutating func withoutSource(_ body: (inout StreamWalk) -> Void) {
    let kept = source
    source = nil
    body(&self)
    source = kept
  }

  private mutating func end(_ next: ChunkSource.Cut?) -> ChunkSource.Cut? {
    ledger = nil
    return next
  }

  /// Takes what was found in a stretch: records first, then what is said of them.
  mutating func takeItems(_ account: inout ChunkAccount) {
    takeRecords(account)
    // Frames that were changed back in memory stand among the others.
    let isMended = !mendedEvents.isEmpty || !mendedMarks.isEmpty
    account.events += mendedEvents
    account.marks += mendedMarks
    (mendedEvents, mendedMarks) = ([], [])
    if isMended {
      account.events.sort { $0.position < $1.position }
      account.marks.sort { $0.position < $1.position }
    }
    var cursor = 0
    for event in account.events {
      switch event {
      case .rows(let rows, let position):
        ledger?.makeRows(account.marks, &cursor, upTo: position)
        compare(rows, at: position)
      case .integrity(let group, let position, let byteCount):
        take(group, at: position, byteCount)
      case .seal(let block, let position, let byteCount):
        ledger?.seal = (block, position, byteCount)
      }
    }
    ledger?.makeRows(account.marks, &cursor, upTo: .max)
    if let time = account.lastTime { ledger?.note(lastTime: time) }
    for position in account.padding {
      add(
        .unexpectedBytes, .warning, at: place(position: position),
        "bytes between two frames are not zero")
    }
  }

  /// Takes records and what is wrong with them.
  mutating func takeRecords(_ account: borrowing ChunkAccount) {
    ledger?.count(account)
    coverage.recordCount += account.recordCount
    for value in account.values {
      let place = Finding.Place(streamID: stream.id, streamName: stream.name)
      book?.take(value.bytes, at: value.offset, time: value.time, place)
    }
    for item in account.items {
      switch item {
      case .run(let run): take(run, account)
      case .tell(let nextOffset, let position, let kind):
        tell(nextOffset, at: position, "a \(kind) frame")
      case .damage(let from, let to, let error): mend(from: from, to: to, error)
      case .contradiction(let from, let to, let error):
        add(.contradiction, at: place(position: from, byteCount: to - from), "\(error)")
        ledger?.isDamaged = true
      }
    }
  }

  private mutating func take(_ run: ChunkAccount.Run, _ account: borrowing ChunkAccount) {
    guard tell(run.first, at: run.position, "a frame", isRecord: true) else { return }
    expected = run.next
    if run.isGap {
      judge?.addGap(run.first..<run.next)
    } else {
      source?.positions = run.position..<run.end
      judge?.add(run, account, from: source)
    }
  }

  /// Compares an offset that something tells with the one that is expected.
  ///
  /// - Returns: Whether it fits, or records before it are missing.
  @discardableResult
  private mutating func tell(
    _ offset: UInt64, at position: UInt64, _ what: String, isRecord: Bool = false
  ) -> Bool {
    if openDamage != nil { closeDamage(at: offset) }
    guard let expected else {
      self.expected = offset
      return true
    }
    if offset == expected { return true }
    if offset > expected {
      add(
        .missingRecords,
        at: place(position: position, offsets: expected..<offset),
        "\(what) says that offset \(offset) comes next, and offsets \(expected) to \(offset - 1) "
          + "stand nowhere before it")
      judge?.noteLoss(expected..<offset)
      self.expected = offset
      return true
    }
    add(
      .contradiction, at: place(position: position),
      "\(what) says that offset \(offset) comes next, where \(expected) is to come")
    return false
  }

  private mutating func take(_ group: IntegrityFrame, at position: UInt64, _ byteCount: Int) {
    let next = group.nextOffset.rawValue
    if let expected, next > expected {
      if openDamage != nil {
        closeDamage(at: next)
        self.expected = max(self.expected ?? 0, next)
      }
    }
    ledger?.lastIntegrityPosition = position
    let place = place(
      position: position, byteCount: UInt64(byteCount),
      offsets: group.firstOffset.rawValue..<next)
    book?.seals.take(group)
    judge?.take(group, at: place)
  }

  // MARK: Findings

  func place(
    position: UInt64? = nil, byteCount: UInt64? = nil, offsets: Range<UInt64>? = nil,
    bit: Int? = nil, file: String? = nil
  ) -> Finding.Place {
    Finding.Place(
      streamID: stream.id, streamName: stream.name, offsets: offsets,
      file: file ?? ledger?.segment.fileName, position: position, byteCount: byteCount, bit: bit)
  }

  mutating func add(
    _ rule: Finding.Rule, _ severity: Finding.Severity = .broken,
    _ origin: Finding.Origin = .unknown, at place: Finding.Place, _ what: String
  ) {
    guard findings.count < Self.findingCountLimit else { return }
    findings.append(.at(place, rule, severity, origin, what))
  }
}

extension Finding {
  /// A finding whose message begins with the place.
  static func at(_ place: Place, _ rule: Rule, _ what: String) -> Finding {
    at(place, rule, .broken, .unknown, what)
  }

  /// A finding whose message begins with the place.
  static func at(
    _ place: Place, _ rule: Rule, _ severity: Severity, _ origin: Origin, _ what: String
  ) -> Finding {
    var parts: [String] = []
    if let name = place.streamName { parts.append("stream '\(escapedForTerminal(name))'") }
    if let offsets = place.offsets, let last = offsets.last {
      parts.append(
        last == offsets.lowerBound ? "offset \(last)" : "offsets \(offsets.lowerBound) to \(last)")
    }
    if let file = place.file { parts.append("file '\(escapedForTerminal(file))'") }
    if let position = place.position { parts.append("position \(position)") }
    if let bit = place.bit { parts.append("bit \(bit)") }
    let front = parts.isEmpty ? "" : parts.joined(separator: ", ") + ": "
    return Finding(rule, severity, origin, at: place, front + what)
  }
}
