internal import LogFormat
internal import Quantities

/// What a stream remembers of its idempotent producers; pure.
struct ProducerTable: Equatable {
  private(set) var entries: [UInt64: ProducerEntry] = [:]
  let limit: Int

  init(limit: Int, entries: [ProducerEntry] = []) {
    self.limit = limit
    for entry in entries { self.entries[entry.id] = entry }
  }

  /// What a stamped append is to the table.
  enum Verdict: Equatable {
    /// The next in order: append it.
    case next
    /// Appended before, at this offset.
    case duplicate(Offset)
  }

  var isEmpty: Bool { entries.isEmpty }
  var count: Int { entries.count }

  /// Entries by ascending id, as they are written.
  var sorted: [ProducerEntry] { entries.values.sorted { $0.id < $1.id } }

  /// Judges an append of `count` records.
  func judge(_ stamp: ProducerStamp, count: Int) throws(AppendError) -> Verdict {
    guard stamp.id != 0 else { throw .invalid(.damaged(.frame, .identity)) }
    guard UInt64(stamp.sequence) + UInt64(count) <= UInt64(UInt32.max) + 1 else {
      throw .producerExhausted(id: stamp.id)
    }
    guard let entry = entries[stamp.id] else {
      guard entries.count < limit else { throw .tooManyProducers(limit: limit) }
      return .next
    }
    if stamp.epoch < entry.epoch {
      throw .producerFenced(id: stamp.id, epoch: stamp.epoch, current: entry.epoch)
    }
    if stamp.epoch > entry.epoch {
      guard stamp.sequence == 0 else {
        throw .producerOutOfOrder(id: stamp.id, expected: 0, actual: stamp.sequence)
      }
      return .next
    }
    for range in entry.ranges
    where range.baseSequence == stamp.sequence && Int(range.count) == count {
      return .duplicate(range.baseOffset)
    }
    guard entry.lastSequence < UInt32.max else { throw .producerExhausted(id: stamp.id) }
    guard stamp.sequence == entry.lastSequence + 1 else {
      throw .producerOutOfOrder(
        id: stamp.id, expected: entry.lastSequence + 1, actual: stamp.sequence)
    }
    return .next
  }

  /// Remembers an append that was judged `.next`, or one found in the log.
  mutating func note(_ stamp: ProducerStamp, count: Int, at offset: Offset, time: Timestamp) {
    let range = ProducerEntry.Range(
      baseSequence: stamp.sequence, count: UInt32(clamping: count), baseOffset: offset)
    guard var entry = entries[stamp.id], entry.epoch == stamp.epoch else {
      entries[stamp.id] = ProducerEntry(
        id: stamp.id, epoch: stamp.epoch, appendTime: time, ranges: [range])
      return
    }
    entry.appendTime = time
    if entry.ranges.count == ProducerEntry.rangeCountLimit { entry.ranges.removeFirst() }
    entry.ranges.append(range)
    entries[stamp.id] = entry
  }
}
