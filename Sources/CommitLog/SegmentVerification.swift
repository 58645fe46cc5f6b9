internal import ByteCoding
internal import LogFormat
internal import PlatformIO
internal import Quantities

/// Looks at every byte of one segment that means something.
struct SegmentVerification {
  let file: SegmentFile
  let stream: String?
  let limits: FormatLimits
  var scan: SegmentScan
  private(set) var findings: [VerificationFinding] = []
  private(set) var notes: [String] = []
  /// What intact recovery slots say about frame boundaries.
  private var slots: [(position: UInt64, slot: RecoverySlot)] = []

  /// Offsets walked between two calls for progress.
  private static let stepOffsetCount: UInt64 = 65_536

  init(
    file: SegmentFile, stream: String?, limits: FormatLimits, baseOffset: Offset,
    baseAppendTime: Timestamp
  ) {
    self.file = file
    self.stream = stream
    self.limits = limits
    scan = SegmentScan(
      baseOffset: baseOffset, baseAppendTime: baseAppendTime, provenPosition: 0,
      producerLimit: limits.producerCountLimit)
  }

  /// What the header of a segment must say.
  ///
  /// Not the store's identity: a copy that was adopted has a new one, and its older segments do not.
  struct Identity {
    let streamID: UInt64
    /// `nil` where nothing else tells.
    var baseOffset: Offset?
    var previousSegmentID: UInt64?
  }

  /// Looks at a segment of a stream.
  ///
  /// - Parameters:
  ///   - visible: Where a living writer's readers stop; `nil` without one.
  ///   - step: Called with the position reached; returning false ends the walk.
  /// - Returns: Whether the walk came to its end.
  mutating func run(
    _ segment: ManifestState.Segment, of stream: ManifestState.Stream, visible: UInt64?,
    producers: ProducerTable?, _ step: (UInt64) -> Bool
  ) -> Bool {
    if file.byteCount != segment.definition.capacity {
      add(
        from: min(file.byteCount, segment.definition.capacity), to: segment.definition.capacity,
        "the file has \(file.byteCount) bytes instead of \(segment.definition.capacity)")
    }
    if let producers { scan.producers = producers }
    let begins = UInt64(SegmentLayout.preambleByteCount)
    // A segment whose first group failed to be written ends where it begins.
    let isUnused =
      segment.end.map { $0.endPosition.rawValue == begins }
      ?? (segment.durable == nil
        && visible.map { $0 <= segment.baseOffset.rawValue } ?? isBlank(at: begins))
    if !isUnused {
      verifyPreamble(
        of: Identity(
          streamID: file.streamID, baseOffset: segment.baseOffset,
          previousSegmentID: segment.activation.previousSegmentID),
        isSettled: segment.end != nil || visible == nil)
    }
    let slot = slots.map(\.slot).max { $0.sequence < $1.sequence }
    let limit = min(segment.end?.endPosition.rawValue ?? file.byteCount, file.byteCount)
    scan.provenPosition =
      segment.end?.endPosition.rawValue
      ?? slot.flatMap { $0.flags.contains(.unsynced) ? nil : $0.durablePosition.rawValue } ?? begins
    if let slot, !slot.flags.contains(.unsynced) { scan.note(slot) }
    if let durable = segment.durable { scan.note(durable) }
    let end = visible.map { Offset(rawValue: $0) } ?? .maximum
    guard walk(to: limit, before: end, step) else { return false }
    judgeEnd(segment, visible: visible, slot: slot)
    if segment.end?.reason == .sealed { verifySeal(segment, checksProducers: producers != nil) }
    if file.wasTruncated {
      add(from: 0, to: file.byteCount, "pages of the file were lost while it was read")
    }
    return true
  }

  private func isBlank(at position: UInt64) -> Bool {
    file.bytes.littleEndianUnsigned64(at: Int(position)) == 0
  }

  // MARK: Preamble

  /// Looks at the header's copies and the recovery slots.
  ///
  /// - Parameter isSettled: Whether nobody writes there any more.
  mutating func verifyPreamble(of identity: Identity, isSettled: Bool) {
    for position in SegmentLayout.headerPositions { verifyHeader(at: position, identity) }
    slots = []
    let file = file
    var unreadable: [(position: UInt64, cause: FormatError)] = []
    for position in SegmentLayout.slotPositions {
      let start = Int(position)
      let sector = file.bytes.extracting(start..<(start + RecoverySlot.byteCount))
      do throws(FormatError) {
        let slot = try RecoverySlot(sector, salt: file.salt, at: position)
        slots.append((position, slot))
      } catch {
        if error != .damaged(.recoverySlot, .empty) { unreadable.append((position, error)) }
      }
      let rest = (start + RecoverySlot.byteCount)..<(start + SegmentLayout.pageByteCount)
      if !file.bytes.extracting(rest).isAllZero {
        add(
          from: UInt64(rest.lowerBound), to: UInt64(rest.upperBound),
          "the bytes behind the recovery slot are not zero")
      }
    }
    for (position, slot) in slots where slot.durablePosition.rawValue > file.byteCount {
      add(from: position, to: position + 512, "\(FormatError.damaged(.recoverySlot, .position))")
    }
    for (position, cause) in unreadable {
      // A file that was used before may show what is left of its former life; a slot that stood here
      // is known by its successor.
      let other = slots.first?.slot
      let wasWritten = other.map { $0.sequence > 1 } ?? false
      let isFinal = other.map { !$0.flags.isDisjoint(with: [.clean, .sealed]) } ?? false
      if wasWritten && (isFinal || !isSettled) {
        add(from: position, to: position + 512, "\(cause)")
      } else {
        notes.append(
          "segment '\(escapedForTerminal(file.path))', position \(position): the recovery slot is "
            + "not readable; the next opening does without it")
      }
    }
  }

  private mutating func verifyHeader(at position: UInt64, _ identity: Identity) {
    let start = Int(position)
    let file = file
    let page = file.bytes.extracting(start..<(start + SegmentHeader.byteCount))
    let end = position + UInt64(SegmentHeader.byteCount)
    do throws(FormatError) {
      let header = try SegmentHeader(page, at: position)
      let isOurs =
        header.streamID == identity.streamID && header.segmentID == file.segmentID
        && header.salt == file.salt
        && header.capacity == file.byteCount
        && identity.baseOffset.map { $0 == header.baseOffset } ?? true
        && identity.previousSegmentID.map { $0 == header.previousSegmentID } ?? true
      if !isOurs {
        add(from: position, to: end, "\(FormatError.damaged(.segmentHeader, .identity))")
      }
    } catch {
      add(from: position, to: end, "\(error)")
    }
  }

  // MARK: Frames

  /// Walks frames and the free bytes between them; false when `step` ended it.
  @discardableResult
  mutating func walk(to limit: UInt64, before end: Offset, _ step: (UInt64) -> Bool) -> Bool {
    let file = file
    let reader = FrameReader(file.bytes, salt: file.salt, limits: limits)
    while true {
      let from = scan.position
      let fromOffset = scan.nextOffset
      let next = fromOffset.map { $0.advanced(by: Self.stepOffsetCount) } ?? end
      scan.walk(reader, to: limit, before: min(end, next))
      walkBetween(from, fromOffset, reader)
      guard step(scan.position) else { return false }
      let isDone =
        scan.position >= limit || scan.isSealed || scan.problem != nil || scan.position == from
        || scan.nextOffset.map { $0 >= end } ?? false
      if isDone { break }
    }
    for damage in scan.damaged {
      add(
        from: damage.from, to: damage.to, first: damage.firstOffset, next: damage.nextOffset,
        "\(damage.cause)")
    }
    return true
  }

  /// Looks at the bytes between frames, and at what recovery slots say of the places between them.
  private mutating func walkBetween(
    _ start: UInt64, _ firstOffset: Offset?, _ reader: FrameReader
  ) {
    var place = start
    var offset = firstOffset
    while place < scan.position {
      if let damage = scan.damaged.first(where: { $0.from == place }) {
        place = damage.to
        offset = damage.nextOffset
        continue
      }
      do throws(FormatError) {
        let frame = try reader.frame(at: place, verifying: false)
        let covered = Frame.coveredByteCount(frame.head.kind, length: Int(frame.head.length))
        let isGap = frame.head.kind == .gap
        let from = isGap ? Int(frame.end) : Int(place) + covered
        let stop = min(Int(frame.end), file.bytes.byteCount)
        if from < stop, !file.bytes.extracting(from..<stop).isAllZero {
          add(
            from: UInt64(from), to: UInt64(stop), first: offset ?? .zero, next: offset ?? .zero,
            "the padding is not zero")
        }
        if let behind = try LogReader.endOffset(of: frame, limits) { offset = behind }
        place = frame.end
        if let offset { compareSlots(at: place, offset) }
      } catch {
        return
      }
    }
  }

  private mutating func compareSlots(at place: UInt64, _ offset: Offset) {
    for (position, slot) in slots
    where slot.durablePosition.rawValue == place && slot.nextOffset != offset {
      add(
        from: position, to: position + 512,
        "the recovery slot says offset \(slot.nextOffset) comes at position \(place), but "
          + "\(offset) does")
    }
  }

  // MARK: End

  /// Decides whether the walk ended where it should.
  private mutating func judgeEnd(
    _ segment: ManifestState.Segment, visible: UInt64?, slot: RecoverySlot?
  ) {
    let next = scan.nextOffset ?? segment.baseOffset
    if let end = segment.end {
      let isWhole = scan.position == end.endPosition.rawValue && scan.problem == nil
      let last = scan.damaged.last?.to ?? 0
      if !isWhole, last < end.endPosition.rawValue {
        add(
          from: scan.position, to: end.endPosition.rawValue, first: next, next: end.nextOffset,
          scan.problem.map { "\($0)" } ?? "its frames end at position \(scan.position)")
      } else if next != end.nextOffset, scan.damaged.isEmpty {
        add(
          from: scan.position, to: scan.position, first: min(next, end.nextOffset),
          next: max(next, end.nextOffset),
          "its frames end at offset \(next), the manifest says \(end.nextOffset)")
      }
      return
    }
    if let visible {
      if next.rawValue < visible {
        add(
          from: scan.position, to: scan.position, first: next, next: Offset(rawValue: visible),
          scan.problem.map { "\($0)" } ?? "its frames end before what is visible")
      }
      return
    }
    switch scan.problem {
    case .newer?, .overLimit?:
      // Nothing is known of what stands there and behind it.
      add(
        from: scan.position, to: file.byteCount, first: next, next: next,
        scan.problem.map { "\($0)" } ?? "")
      return
    default: break
    }
    if let slot, slot.flags.contains(.clean), scan.position != slot.durablePosition.rawValue {
      add(
        from: scan.position, to: slot.durablePosition.rawValue, first: min(next, slot.nextOffset),
        next: slot.nextOffset,
        "the store was closed with the segment's end at position \(slot.durablePosition)")
    } else if let range = scan.undecidable {
      notes.append(
        "segment '\(escapedForTerminal(file.path))': positions \(range.lowerBound) to "
          + "\(range.upperBound) were written last and are not intact; the next opening for "
          + "writing keeps them aside")
    }
  }

  /// Compares the seal block with what the walk found.
  private mutating func verifySeal(_ segment: ManifestState.Segment, checksProducers: Bool) {
    guard let end = segment.end?.endPosition.rawValue else { return }
    guard let seal = SegmentEntry.seal(file, end: end, limits) else {
      if scan.damaged.isEmpty || scan.position == end {
        let size = UInt64(SealTrailer.byteCount)
        add(from: end - min(end, size), to: end, "the seal block at its end is not intact")
      }
      return
    }
    // Behind damage the account is not whole, so there is nothing to compare with.
    guard scan.damaged.isEmpty, scan.isSealed else { return }
    // The writer counted reservations that were given up later, with times nothing else holds.
    let isExact = scan.gapCount == 0
    let counted = scan.progress.statistics.recordCount
    let differences: [(String, Bool)] = [
      ("base offset", seal.baseOffset != segment.baseOffset),
      ("segment before it", seal.previousSegmentID != segment.activation.previousSegmentID),
      (
        "last append time",
        isExact
          ? seal.lastAppendTime != scan.progress.lastAppendTime
          : seal.lastAppendTime < scan.progress.lastAppendTime
      ),
      (
        "record count",
        seal.statistics.recordCount < counted
          || seal.statistics.recordCount - counted > scan.gapCount
      ),
      ("statistics", isExact && seal.statistics != scan.progress.statistics),
      (
        "index rows",
        isExact
          ? seal.rows != scan.progress.rows : !Self.areSamePlaces(seal.rows, scan.progress.rows)
      ),
      ("producers", checksProducers && seal.producers != scan.producers.sorted),
    ]
    if let difference = differences.first(where: { $0.1 }) {
      add(
        from: end - min(end, UInt64(SealTrailer.byteCount)), to: end,
        "the \(difference.0) of the seal block is not what the frames say")
    }
  }

  private static func areSamePlaces(_ rows: [IndexRow], _ others: [IndexRow]) -> Bool {
    rows.elementsEqual(others) {
      $0.positionInWords == $1.positionInWords && $0.relativeOffset == $1.relativeOffset
    }
  }

  private mutating func add(
    from: UInt64, to: UInt64, first: Offset? = nil, next: Offset? = nil, _ problem: String
  ) {
    let offset = first ?? scan.nextOffset ?? scan.progress.baseOffset
    findings.append(
      VerificationFinding(
        stream: stream, segmentID: file.segmentID, path: file.path,
        from: FilePosition(rawValue: from), to: FilePosition(rawValue: max(from, to)),
        firstOffset: offset, nextOffset: next ?? offset, problem: problem))
  }
}
