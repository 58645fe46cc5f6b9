internal import ByteCoding
internal import Integrity
internal import LogFormat
public import PlatformIO
public import Quantities

extension Store {
  /// Takes the content of one record out of the store, and keeps its leaf: every proof and checkpoint of before
  /// holds, and the offset reads as one without a record.
  ///
  /// First the redaction is stated durably, with the record's leaf; then the record's segment is written again
  /// without it, and the old file is unlinked. A record in the segment that takes the appends ends that
  /// segment, which gives up an offset. After a crash or an error in between, calling it again goes on.
  ///
  /// The leaf has a hash of the content without a salt. Who knows all of a record but a few bits can find those
  /// by trying; payloads that must withstand that belong into an erasable stream. Copies, snapshots and
  /// readers that still have the old file open keep what they have.
  ///
  /// - Parameters:
  ///   - offset: The record's offset.
  ///   - log: Its stream, open in this store.
  ///   - reason: Why, for whoever reads the statement: at most 1,024 bytes.
  /// - Returns: Where the redaction stands in the evidence stream; `nil` in a stream without evidence.
  /// - Throws: ``RedactionError``.
  @discardableResult
  public func redact(_ offset: Offset, in log: StreamLog, reason: String = "")
    throws(RedactionError) -> Offset?
  {
    guard !log.definition.name.utf8.starts(with: StreamName.reservedPrefix.utf8) else {
      throw .reserved(stream: log.definition.name)
    }
    guard log.core === core else { throw .otherStore(stream: log.definition.name) }
    guard reason.utf8.count <= Statement.reasonByteCountLimit else {
      throw .evidence(
        .reasonTooLong(byteCount: reason.utf8.count, limit: Statement.reasonByteCountLimit))
    }
    return try log.removing.withLock { _ throws(RedactionError) in
      guard offset >= log.logStartOffset, offset < log.logEndOffset else {
        throw .noRecord(offset)
      }
      do throws(AppendError) { try log.flush() } catch { throw .append(error) }
      let isThere = try log.isRecord(at: offset)
      return try core.holding.withLock { _ throws(RedactionError) in
        if let hold = log.hold(on: offset) { throw .held(offset, hold: hold.name) }
        let stated = try stateRedaction(of: offset, in: log, isThere: isThere, reason)
        guard isThere else { return stated }
        try log.rewrite(try log.endedSegment(with: offset), leavingOut: [offset])
        return stated
      }
    }
  }

  /// States the redaction, unless it is stated already.
  ///
  /// - Parameter isThere: Whether the record has its content still.
  private func stateRedaction(
    of offset: Offset, in log: StreamLog, isThere: Bool, _ reason: String
  ) throws(RedactionError) -> Offset? {
    let id = log.definition.streamID
    do throws(EvidenceError) {
      if let place = try core.statements.redaction(of: offset, streamID: id) { return place }
    } catch {
      throw .evidence(error)
    }
    guard isThere else { throw .noRecord(offset) }
    guard log.hasEvidence else { return nil }
    do throws(AppendError) { _ = try log.durableEvidence() } catch { throw .append(error) }
    let offsets = offset..<offset.advanced(by: 1)
    do throws(EvidenceError) {
      let leaf =
        log.definition.evidence == .tree
        ? try tree(of: log).leaves(offsets).first : try LeafSource.leaf(log, offset)
      guard let leaf else { throw EvidenceError.notCovered(offset) }
      let redaction = RecordRedaction(
        time: core.time.now().rawValue, leaf: leaf, reason: reason)
      return try state(.redaction(redaction), streamID: id)
    } catch {
      throw .evidence(error)
    }
  }
}

extension StreamLog {
  /// Whether a record with its content stands at an offset.
  fileprivate func isRecord(at offset: Offset) throws(RedactionError) -> Bool {
    do throws(EvidenceError) {
      return try LeafSource.leaf(self, offset)?.kind == .record
    } catch {
      throw .evidence(error)
    }
  }

  /// The segment with an offset, ended if it took the appends.
  fileprivate func endedSegment(with offset: Offset) throws(RedactionError) -> SegmentEntry {
    for isLast in [false, true] {
      guard let entry = segments.all.last(where: { $0.baseOffset <= offset }) else { break }
      let known = core.manifest.stream(definition.streamID)?.segments.first { $0.id == entry.id }
      if known?.end != nil { return entry }
      if isLast { throw .notEnded(path: entry.path) }
      do throws(AppendError) { try endSegment() } catch { throw .append(error) }
    }
    throw .noRecord(offset)
  }

  /// Ends the segment that takes the appends, and goes on in the next with an offset that is given up.
  func endSegment() throws(AppendError) {
    struct GivenUp: Error {}
    state.withLock { $0.requestRoll() }
    do throws(ReservationError<GivenUp>) {
      // Safety: nothing is stored into the value's memory, and none of it counts.
      _ = try unsafe appendReserving(byteCount: 0) { _ throws(GivenUp) in throw GivenUp() }
    } catch {
      if case .append(let error) = error { throw error }
    }
    try flush()
  }
}

/// Why a record could not be taken out.
public enum RedactionError: Error, Sendable {
  /// The stream is the engine's own.
  case reserved(stream: String)
  /// The stream was opened in another store, or an earlier opening of this one.
  case otherStore(stream: String)
  /// There is no record at the offset.
  case noRecord(Offset)
  /// A hold keeps the record as it is.
  case held(Offset, hold: String)
  /// Bytes of the record's segment are damaged.
  case damaged(path: String)
  /// The segment could not be ended.
  case notEnded(path: String)
  /// The log cannot be appended to.
  case append(AppendError)
  /// The redaction cannot be stated.
  case evidence(EvidenceError)
  /// The segment cannot be read.
  case read(ReadError)
  /// The new file cannot be made.
  case fileSystem(FileSystemError)
}

extension RedactionError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .reserved(let stream):
      "stream '\(escapedForTerminal(stream))' is the engine's own: nothing in it can be redacted"
    case .otherStore(let stream):
      "stream '\(escapedForTerminal(stream))' was opened elsewhere; open it in the store that redacts"
    case .noRecord(let offset):
      "there is no record at offset \(offset): it was removed or given up, or is not appended yet"
    case .held(let offset, let hold):
      "record \(offset) is held by '\(escapedForTerminal(hold))'; it can go when that is released"
    case .damaged(let path):
      "segment '\(escapedForTerminal(path))' is damaged, and a copy without the record would hide that; "
        + "see piperoll verify"
    case .notEnded(let path):
      "segment '\(escapedForTerminal(path))' still takes appends; try again"
    case .append(let error): "\(error)"
    case .evidence(let error): "\(error)"
    case .read(let error): "\(error)"
    case .fileSystem(let error):
      "the segment could not be written again, and the record is still there: \(error)"
    }
  }
}
