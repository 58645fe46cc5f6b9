internal import CommitLog
internal import Cryptography
internal import LogFormat
internal import PlatformIO
internal import Quantities
internal import SimulatedIO

/// Restarts, and what must hold after them.
extension Session {
  /// Opens what a crash left and compares it with the ledger, which is then cut to what survived:
  /// from here on everything that was shown is promised.
  public func reopen(after crash: Crash) throws {
    ledger = ledger.after(crash)
    if random.seed % 4 == 0, !hasPlannedFault { try checkReaders() }
    try openStore()
    for stream in ledger.streams { try reopen(stream, after: crash) }
    noteWatermarks()
    try checkSigned()
  }

  /// A reader that comes before recovery sees everything that is promised, too. It may sync what it
  /// shows, so it gets a disk of its own.
  private func checkReaders() throws {
    guard ledger.isStoreCreated else { return }
    var environment = environment
    environment.fileSystem = disk.crashImage(.processKill)
    do {
      let store = try StoreReader.open(
        at: Self.path, options: storeOptions, environment: environment)
      for stream in ledger.streams where stream.visible > stream.logStart {
        let reader = try store.makeReader(of: StreamName(stream.name), from: .earliest)
        guard reader.visibleOffset.rawValue >= stream.visible else {
          throw Violation(
            "stream '\(stream.name)': a reader sees \(reader.visibleOffset), \(stream.visible) were "
              + "acknowledged or shown")
        }
      }
    } catch let error as Violation {
      throw error
    } catch {
      throw Violation("a reader that comes before recovery: \(error)")
    }
  }

  private func openStore() throws {
    do {
      try open()
    } catch let error as OpenError {
      if hasPlannedFault { throw error }
      guard !ledger.isStoreCreated, isUnfinished(error) else {
        throw Violation("the store does not open: \(error)")
      }
      do {
        try Store.create(at: Self.path, options: storeOptions, environment: environment)
        ledger.isStoreCreated = true
        try open()
      } catch {
        throw Violation("an unfinished creation stands in the way: \(error)")
      }
    }
    ledger.isStoreCreated = true
  }

  /// Whether the disk may be failing now, so that the engine may say so.
  private var hasPlannedFault: Bool { isTolerant && !disk.faultPlan.faults.isEmpty }

  private func isFileSystemError(_ error: any Error) -> Bool {
    if case ReadError.fileSystem = error { return true }
    return false
  }

  /// Whether an error says that there is no store yet.
  private func isUnfinished(_ error: OpenError) -> Bool {
    switch error {
    case .notAStore: true
    case .fileSystem(let cause): cause.reason == .notFound
    default: false
    }
  }

  private func reopen(_ stream: StreamLedger, after crash: Crash) throws {
    guard let store else { return }
    let log: StreamLog
    do {
      log = try store.stream(StreamName(stream.name))
    } catch {
      if case .streamNotFound = error, !stream.isCreated, stream.entries.isEmpty {
        ledger[stream.name] = nil
        return
      }
      if hasPlannedFault { throw error }
      throw Violation("stream '\(stream.name)' does not open: \(error)")
    }
    logs[stream.name] = log
    edit(stream.name) { $0.isCreated = true }
    try checkBounds(stream, log, after: crash)
    try checkProducers(stream, log)
    let end = log.logEndOffset.rawValue
    edit(stream.name) { stream in
      stream.cut(to: end)
      stream.durable = end
      stream.visible = end
      stream.logStart = log.logStartOffset.rawValue
    }
    try checkRecords(stream.name, log, mayMiss: crash == .powerCut && isMemory(stream))
    try checkEvidence(stream.name, log, isOpened: true)
  }

  /// Every group of chain and tree follows from the records, and the next goes on from the last.
  ///
  /// - Parameter isOpened: Whether nothing was appended since the opening: later groups may be on their
  ///   way into the file.
  private func checkEvidence(_ name: String, _ log: StreamLog, isOpened: Bool = false) throws {
    guard let stream = ledger[name], stream.options.evidence != .none else { return }
    let check: EvidenceCheck
    do throws(ReadError) { check = try log.checkEvidence() } catch {
      if hasPlannedFault { throw error }
      throw Violation("stream '\(name)': chain and tree: \(error)")
    }
    if let problem = check.problem {
      throw Violation("stream '\(name)': \(problem) (segments \(log.segmentSummary))")
    }
    let isMissing = stream.entries.contains { $0.mayBeMissing }
    guard check.unverifiableCount == 0 || isMissing || log.logStartOffset > .zero else {
      throw Violation("stream '\(name)': \(check.unverifiableCount) groups cannot be made again")
    }
    try checkTree(stream, log)
    guard
      log.evidencedOffset == check.nextOffset || !isOpened && log.evidencedOffset > check.nextOffset
    else {
      throw Violation(
        "stream '\(name)': goes on from \(log.evidencedOffset), its last group ends at "
          + "\(check.nextOffset)")
    }
  }

  /// The store's tree goes on from what might have been signed, whatever the crash took.
  private func checkSigned() throws {
    guard let store, let signed = ledger.signed else { return }
    do throws(EvidenceError) {
      guard let log = try store.evidenceStream() else {
        throw .notCovered(signed.size)
      }
      let root = try store.tree(of: log).root(size: signed.size.rawValue)
      if root.bytes != signed.root { throw .contradiction(.zero..<signed.size) }
    } catch {
      if hasPlannedFault { throw error }
      throw Violation("the store contradicts its signature over size \(signed.size): \(error)")
    }
  }

  /// The root of a stream's tree follows from its records, and from the statements about those that are
  /// gone.
  private func checkTree(_ stream: StreamLedger, _ log: StreamLog) throws {
    guard stream.options.evidence == .tree, let store, let head = log.evidenceHead,
      !stream.entries.contains(where: { $0.mayBeMissing })
    else { return }
    do throws(EvidenceError) {
      let root = try store.tree(of: log).root(size: head.nextOffset.rawValue)
      if root.bytes != head.root { throw .contradiction(.zero..<head.nextOffset) }
    } catch {
      if hasPlannedFault { throw error }
      throw Violation("stream '\(stream.name)': its tree: \(error)")
    }
  }

  private func isMemory(_ stream: StreamLedger) -> Bool { stream.options.durability == .memory }

  private func checkBounds(_ stream: StreamLedger, _ log: StreamLog, after crash: Crash) throws {
    let end = log.logEndOffset.rawValue
    func violation(_ text: String) -> Violation { Violation("stream '\(stream.name)': \(text)") }
    guard end <= stream.end else {
      throw violation("ends at \(end), only \(stream.end) were appended")
    }
    guard end >= stream.visible else {
      throw violation("ends at \(end), \(stream.visible) were acknowledged or shown")
    }
    guard end == 0 || stream.entries[Int(end) - 1].endsFrame else {
      throw violation("ends at \(end), inside a batch")
    }
    guard log.visibleOffset.rawValue == end, log.durableOffset.rawValue == end else {
      throw violation(
        "opened at \(end) with visible \(log.visibleOffset), durable \(log.durableOffset)")
    }
    let start = log.logStartOffset.rawValue
    guard start >= stream.logStart, start <= max(stream.logStart, stream.logStartLimit) else {
      throw violation("starts at \(start), asked for \(stream.logStart)...\(stream.logStartLimit)")
    }
    if case .async(_, let byteCount) = stream.options.durability, crash == .powerCut {
      let lost = stream.payloadByteCount(from: end)
      // A frame that is larger than the bound is let in when nothing else is at risk.
      guard lost <= max(Int(byteCount), stream.largestFrame) else {
        throw violation("a power cut took \(lost) bytes, the bound is \(byteCount)")
      }
    }
    if !log.recovery.damaged.isEmpty, !(crash == .powerCut && isMemory(stream)) {
      throw violation("a crash was reported as damage: \(log.recovery.damaged[0])")
    }
  }

  /// The table of producers says what the surviving records say, no more and no less.
  private func checkProducers(_ stream: StreamLedger, _ log: StreamLog) throws {
    let expected = stream.producers(before: log.logEndOffset.rawValue)
    let all = stream.producers(before: stream.end)
    for id in all.keys.sorted() {
      let found = log.producerState(id)
      guard found?.epoch == expected[id]?.epoch, found?.lastSequence == expected[id]?.lastSequence
      else {
        throw Violation(
          "stream '\(stream.name)': producer \(id) is at \(String(describing: found)), not at "
            + "\(String(describing: expected[id]))")
      }
    }
  }

  /// Reads everything a reader may see and compares it, byte for byte.
  func checkRecords(_ name: String, _ log: StreamLog, mayMiss: Bool = false) throws {
    guard let stream = ledger[name] else { return }
    let start = log.logStartOffset.rawValue
    let end = log.visibleOffset.rawValue
    var next = start
    var problem: String?
    var missing: [Range<UInt64>] = []
    do {
      var reader = try log.makeReader(from: .earliest)
      while next < end, problem == nil {
        do throws(ReadError) {
          let count = try reader.read { record in
            if problem == nil { problem = stream.mismatch(record, &next, &missing) }
          }
          if count == 0 { break }
        } catch {
          // Nothing was promised there, and the reader goes on behind the damage.
          guard case .damaged(let damage) = error,
            mayMiss || stream.isMissing(damage.firstOffset.rawValue)
          else { throw error }
        }
      }
    } catch {
      if hasPlannedFault, isFileSystemError(error) { throw error }
      throw Violation("stream '\(name)': reading at offset \(next): \(error)")
    }
    if problem == nil { stream.pass(to: end, &next, &missing) }
    if let problem { throw Violation("stream '\(name)': \(problem)") }
    for range in missing {
      for offset in range where !mayMiss && !stream.entries[Int(offset)].mayBeMissing {
        throw Violation("stream '\(name)': record \(offset) of \(start)..<\(end) is not there")
      }
      edit(name) { stream in
        for offset in range { stream.entries[Int(offset)].mayBeMissing = true }
      }
    }
  }

  /// Compares everything that can be read now.
  public func checkAll() throws {
    try step("check") {
      for (name, log) in logs.sorted(by: { $0.key < $1.key }) {
        try checkRecords(name, log)
        try checkEvidence(name, log)
      }
    }
  }
}

extension StreamLedger {
  /// Whether an earlier reader was told that a record is lost.
  fileprivate func isMissing(_ offset: UInt64) -> Bool {
    offset < end && entries[Int(offset)].mayBeMissing
  }

  /// Why a record cannot stand where it was found; notes the offsets that were passed over.
  fileprivate func mismatch(
    _ record: borrowing RecordView, _ next: inout UInt64, _ missing: inout [Range<UInt64>]
  ) -> String? {
    let offset = record.offset.rawValue
    guard offset >= next, offset < end else {
      return "offset \(offset) read where \(next) was next, log end \(end)"
    }
    pass(to: offset, &next, &missing)
    next = offset + 1
    guard let content = entries[Int(offset)].content else {
      return "offset \(offset) holds a record that was given up"
    }
    return content.matches(record) ? nil : "offset \(offset) holds bytes that were never appended"
  }

  /// Steps over offsets without records: given up, or missing.
  fileprivate func pass(
    to offset: UInt64, _ next: inout UInt64, _ missing: inout [Range<UInt64>]
  ) {
    while next < offset {
      if entries[Int(next)].content != nil {
        if let last = missing.last, last.upperBound == next {
          missing[missing.count - 1] = last.lowerBound..<(next + 1)
        } else {
          missing.append(next..<(next + 1))
        }
      }
      next += 1
    }
  }
}
