import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

/// Streams whose table of producers is as large as their smallest segments.
@Suite struct WriterStateTests {
  static let producerCount: UInt64 = 500

  /// Appends one record of each producer, which says whose it is and when it came.
  private func appendRound(_ round: UInt32, to log: StreamLog) throws {
    for producer in 0..<Self.producerCount {
      _ = try log.append(
        copying: bytes("producer \(producer), round \(round)"),
        producer: ProducerStamp(id: 1_000 + producer, epoch: 1, sequence: round))
    }
  }

  /// Expects all records of some rounds, in order, and that the last of each producer is known.
  private func expect(_ roundCount: UInt32, in log: StreamLog) throws {
    let expected = (0..<roundCount).flatMap { round in
      (0..<Self.producerCount).map { "producer \($0), round \(round)" }
    }
    #expect(try values(log) == expected)
    let known = (0..<Self.producerCount).map { log.producerState(1_000 + $0)?.lastSequence }
    #expect(known.allSatisfy { $0 == roundCount - 1 })
  }

  private func expectWhole(_ machine: Machine) throws {
    try expectSound(machine)
    try expectCapacities(machine)
  }

  @Test(arguments: everyClass)
  func `segments have room for the table of producers they begin with`(_ durability: Durability)
    throws
  {
    var machine = Machine()
    try machine.create()
    var store = try machine.open()
    var options = small(durability)
    options.rollRecordCount = 100
    var log = try store.createStream(StreamName("s"), options: options)
    var round: UInt32 = 0
    for opening in 0..<3 {
      // Several segments each time.
      try appendRound(round, to: log)
      round += 1
      try log.flush()
      try expect(round, in: log)
      if opening == 1 {
        store.close()
        try expectWhole(machine)
      } else {
        if durability != .disk {
          // What is not synced survives its process.
          try appendRound(round, to: log)
          round += 1
        }
        let killed = machine.crashed(.processKill)
        store.abandon()
        machine.disk = killed.disk
      }
      store = try machine.open()
      log = try opened(store)
      #expect(log.logEndOffset.rawValue == UInt64(round) * Self.producerCount)
      try expect(round, in: log)
    }
    #expect(try machine.segmentPaths().count > 8)
    store.close()
    try expectWhole(machine)
    let lost = machine.crashed(.loseAll)
    store = try lost.open()
    try expect(round, in: opened(store))
    store.close()
  }

  @Test(arguments: everyClass)
  func `a stamped batch larger than the next segment gets one in which it fits`(
    _ durability: Durability
  ) throws {
    try withStream(small(durability)) { machine, log in
      try appendRound(0, to: log)
      try log.flush()
      // One segment after the other of the usual size, and in between a batch that needs more.
      var count = Int(Self.producerCount)
      for number in 0..<4 {
        try log.provideSuccessor(minimumByteCount: 0)
        var batch = BatchBuilder()
        let value = [UInt8](repeating: UInt8(number), count: 1_000)
        for _ in 0..<(100 + number * 30) { try batch.append(value.span.bytes) }
        let first = try log.append(
          batch, producer: ProducerStamp(id: UInt64(number + 1), epoch: 1, sequence: 0))
        #expect(first.offset.rawValue == UInt64(count))
        count += batch.count
        try log.append(bytes("small"))
        count += 1
        if number % 2 == 0 { try log.flush() }
      }
      try log.flush()
      #expect(try values(log).count == count)
      try expectWhole(machine)
      let killed = machine.crashed(.processKill)
      let store = try killed.open()
      #expect(try values(opened(store)).count == count)
      #expect(try store.stream(StreamName("s")).producerState(4)?.lastSequence == 189)
      store.close()
      try expectWhole(killed)
    }
  }

  @Test func `a segment that was entered in vain is left when a frame and the table do not fit`()
    throws
  {
    try withStream { machine, log in
      try appendRound(0, to: log)
      try log.flush()
      let least = WriterState.leastByteCount(producerCount: Int(Self.producerCount))
      try log.provideSuccessor(minimumByteCount: least + 1_000)
      // The table is larger than a staging buffer, and there is none left while the segment ends.
      log.state.withLock { $0.requestRoll() }
      #expect(throws: AppendError.self) {
        try log.append(copying: bytes("in vain"), waiting: false)
      }
      #expect(log.state.withLock { $0.position } == UInt64(SegmentLayout.preambleByteCount))
      var batch = BatchBuilder()
      let value = [UInt8](repeating: 1, count: 1_000)
      for _ in 0..<40 { try batch.append(value.span.bytes) }
      _ = try log.append(batch, producer: ProducerStamp(id: 1, epoch: 1, sequence: 0))
      // What the segment's end needs is left over.
      #expect(log.state.withLock { $0.position <= $0.segment.byteCount - $0.endReserve })
      try log.flush()
      #expect(try values(log).count == Int(Self.producerCount) + 40)
      try expectWhole(machine)
      let killed = machine.crashed(.processKill)
      let store = try killed.open()
      #expect(try values(opened(store)).count == Int(Self.producerCount) + 40)
      store.close()
      try expectWhole(killed)
    }
  }
}
