internal import ByteCoding
internal import CommitLog
public import LogFormat
internal import Quantities
internal import SimulatedIO

/// Steps that append, acknowledge and remove.
extension Session {
  /// Appends one record after another.
  public func append(
    _ name: String, _ count: Int = 1, size: Int = 100, shape: RecordContent.Shape = .plain,
    acknowledged: Bool = false
  ) throws {
    for _ in 0..<count {
      try step("append") {
        guard let log = logs[name] else { return }
        let content = RecordContent(serial: nextSerial(), valueByteCount: size, shape: shape)
        try insert(name, [content], stamp: nil) { expected in
          if shape == .plain { return try log.append(content.value).rawValue }
          let receipt = try log.append(
            copying: content.value, key: content.key, type: content.type,
            headers: content.headers.isEmpty ? nil : content.headers,
            eventTime: content.eventTime, isTombstone: content.isTombstone,
            expecting: expected % 2 == 0 ? Offset(rawValue: expected) : nil)
          return receipt.offset.rawValue
        }
        if acknowledged { try acknowledge(name, log) }
      }
    }
  }

  /// Appends a batch.
  public func appendBatch(
    _ name: String, records: Int, size: Int = 80, shape: RecordContent.Shape = .plain,
    stamp: ProducerStamp? = nil
  ) throws {
    try step("append batch") {
      guard let log = logs[name] else { return }
      let contents = (0..<records).map { _ in
        RecordContent(serial: nextSerial(), valueByteCount: size, shape: shape)
      }
      try insert(name, contents, stamp: stamp) { _ in
        let receipt = try log.append(Self.batch(contents), producer: stamp)
        if receipt.isDuplicate {
          throw Violation("a new append of '\(name)' taken for a repeated one")
        }
        return receipt.offset.rawValue
      }
    }
  }

  static func batch(_ contents: [RecordContent]) throws -> BatchBuilder {
    var batch = BatchBuilder(capacity: 1_024)
    for content in contents {
      let none: [UInt8] = []
      let key = content.key ?? none
      let type = content.type ?? none
      try batch.append(
        RecordInput(
          content.value.rawSpan, key: content.key == nil ? nil : key.rawSpan,
          type: content.type == nil ? nil : type.rawSpan,
          headers: content.headers.isEmpty ? nil : content.headers.rawSpan,
          eventTime: content.eventTime, isTombstone: content.isTombstone))
    }
    return batch
  }

  /// Appends a record of an idempotent producer, with the next sequence number.
  public func appendStamped(
    _ name: String, producer: UInt64, records: Int = 1, size: Int = 90, newEpoch: Bool = false
  ) throws {
    let known = ledger[name].flatMap { $0.producers(before: $0.end)[producer] }
    var stamp = ProducerStamp(id: producer, epoch: known?.epoch ?? 1, sequence: 0)
    if let known { stamp.sequence = known.lastSequence + 1 }
    if newEpoch { stamp = ProducerStamp(id: producer, epoch: stamp.epoch + 1, sequence: 0) }
    if records > 1 {
      return try appendBatch(name, records: records, size: size, stamp: stamp)
    }
    try step("append stamped") {
      guard let log = logs[name] else { return }
      let content = RecordContent(serial: nextSerial(), valueByteCount: size)
      try insert(name, [content], stamp: stamp) { _ in
        let receipt = try log.append(copying: content.value, producer: stamp)
        if receipt.isDuplicate {
          throw Violation("a new append of '\(name)' taken for a repeated one")
        }
        return receipt.offset.rawValue
      }
    }
  }

  /// Sends the last append of every producer again: it must be recognised.
  public func resendAll(_ name: String) throws {
    try step("resend") {
      guard let log = logs[name], log.failure == nil, let stream = ledger[name] else { return }
      for (id, producer) in stream.producers(before: stream.end).sorted(by: { $0.key < $1.key }) {
        let contents = (0..<producer.lastCount).map { _ in
          RecordContent(serial: 1, valueByteCount: 10)
        }
        let receipt =
          producer.lastCount == 1
          ? try log.append(copying: contents[0].value, producer: producer.lastStamp)
          : try log.append(Self.batch(contents), producer: producer.lastStamp)
        guard receipt.isDuplicate, receipt.offset.rawValue == producer.lastOffset else {
          throw Violation(
            "stream '\(name)': the last append of producer \(id) (sequence "
              + "\(producer.lastStamp.sequence), offset \(producer.lastOffset)) sent again went to "
              + "offset \(receipt.offset)")
        }
      }
    }
  }

  /// Fills a reservation, or gives it up.
  public func reserve(_ name: String, size: Int, abandoning: Bool = false) throws {
    struct GivenUp: Error {}
    try step("reserve") {
      guard let log = logs[name] else { return }
      let content = RecordContent(serial: nextSerial(), valueByteCount: size)
      let offset = ledger[name]?.end ?? 0
      try insert(name, [abandoning ? nil : content], stamp: nil) { _ in
        do {
          return try unsafe log.appendReserving(byteCount: size) { buffer throws(GivenUp) in
            if abandoning { throw GivenUp() }
            // Safety: the buffer has as many bytes as the value.
            unsafe buffer.copyBytes(from: content.value)
          }.rawValue
        } catch ReservationError<GivenUp>.body {
          return offset
        } catch ReservationError<GivenUp>.append(let error) {
          throw error
        }
      }
    }
  }

  /// An append that expects another log end is refused.
  public func appendConflicting(_ name: String) throws {
    try step("conflicting append") {
      guard let log = logs[name], let end = ledger[name]?.end else { return }
      do throws(AppendError) {
        _ = try log.append(copying: [1], expecting: Offset(rawValue: end + 7))
        throw AppendError.abandoned
      } catch {
        if case .conflict = error { return }
        if case .streamFailed = error { throw error }
        throw Violation("stream '\(name)': an append that expects offset \(end + 7): \(error)")
      }
    }
  }

  /// Notes records, appends them, and takes them back when they were refused.
  private func insert(
    _ name: String, _ contents: [RecordContent?], stamp: ProducerStamp?,
    _ append: (_ expected: UInt64) throws -> UInt64
  ) throws {
    guard let expected = ledger[name]?.end else { return }
    edit(name) { $0.add(contents, stamp: stamp) }
    do {
      let offset = try append(expected)
      guard offset == expected else {
        throw Violation("stream '\(name)': record \(expected) was given offset \(offset)")
      }
    } catch {
      edit(name) { $0.cut(to: expected) }
      throw error
    }
  }

  /// Waits until everything appended is durable.
  public func flush(_ name: String) throws {
    try step("flush") {
      guard let log = logs[name] else { return }
      try log.flush()
      try note(name, log, isDurable: true)
      try evidence(name, log)
    }
  }

  /// Waits until the last record is what its class promises.
  func acknowledge(_ name: String, _ log: StreamLog) throws {
    guard let end = ledger[name]?.end, end > 0 else { return }
    try log.waitUntilAcknowledged(Offset(rawValue: end - 1))
    try note(name, log, isDurable: log.durability != .memory)
  }

  /// Has chain and tree catch up, sometimes.
  private func evidence(_ name: String, _ log: StreamLog) throws {
    guard let stream = ledger[name], stream.options.evidence != .none, stream.end > 0,
      random.below(2) == 0
    else { return }
    try log.waitUntilEvidenced(Offset(rawValue: stream.end - 1))
    guard log.evidencedOffset.rawValue == stream.end else {
      throw Violation(
        "stream '\(name)': chain and tree cover \(log.evidencedOffset) of \(stream.end) records")
    }
  }

  private func note(_ name: String, _ log: StreamLog, isDurable: Bool) throws {
    guard let end = ledger[name]?.end else { return }
    guard log.visibleOffset.rawValue == end, !isDurable || log.durableOffset.rawValue == end else {
      throw Violation(
        "stream '\(name)': acknowledged through \(end), but visible \(log.visibleOffset), durable "
          + "\(log.durableOffset)")
    }
    edit(name) { stream in
      stream.visible = end
      if isDurable { stream.durable = end }
    }
  }

  /// Removes segments; the ledger learns how far the log start may go and how far it went.
  public func remove(_ name: String, before offset: UInt64) throws {
    try step("remove") {
      guard let log = logs[name] else { return }
      edit(name) { $0.logStartLimit = max($0.logStartLimit, offset) }
      try log.removeSegments(before: Offset(rawValue: offset))
    }
  }
}
