import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct StreamLogInsertTests {
  struct Refused: Error {}

  /// Gives up a reservation: its offset holds no record.
  private func abandon(_ log: StreamLog, byteCount: Int = 100) {
    #expect(throws: ReservationError<Refused>.self) {
      try log.appendReserving(byteCount: byteCount) { _ throws(Refused) in throw Refused() }
    }
  }

  @Test(arguments: everyClass)
  func `segments with reservations that were given up are sound`(_ durability: Durability) throws {
    var machine = Machine()
    try machine.create()
    var options = small(durability)
    options.rollRecordCount = 400
    var expected: [String] = []
    for round in 0..<4 {
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: options)
      // The first frame of a segment is one in the first round.
      for index in 0..<1_000 {
        if index % 7 == 0 { abandon(log, byteCount: index) }
        machine.time.advance(byNanoseconds: 1_000)
        let text = "record \(index) of round \(round)"
        if index % 5 == 0 {
          _ = try log.append(
            copying: bytes(text), eventTime: Timestamp(rawValue: Int64(index) - 500))
        } else {
          try log.append(bytes(text))
        }
        expected.append(text)
        if index % 90 == 0 { try log.flush() }
      }
      // The last one too, and alone in its group.
      try log.flush()
      abandon(log)
      try log.flush()
      #expect(try values(log) == expected)
      try expectSound(machine)
      if round % 2 == 0 {
        let killed = machine.crashed(.processKill)
        store.abandon()
        machine.disk = killed.disk
      } else {
        store.close()
      }
      try expectSound(machine)
    }
    let store = try machine.open()
    let log = try opened(store)
    #expect(try values(log) == expected)
    #expect(try machine.segmentPaths().count >= 8)
    #expect(try log.removeSegments(before: log.logEndOffset).removed >= 7)
    store.close()
    try expectSound(machine)
  }

  @Test(arguments: everyClass)
  func `a segment of nothing but given up reservations can be followed by others`(
    _ durability: Durability
  ) throws {
    try withStream(small(durability)) { machine, log in
      for _ in 0..<3 { abandon(log) }
      try log.flush()
      log.state.withLock { $0.requestRoll() }
      try log.append(bytes("record"))
      try log.flush()
      #expect(try values(log) == ["record"])
      try expectSound(machine)
      let killed = machine.crashed(.processKill)
      let store = try killed.open()
      #expect(try values(opened(store)) == ["record"])
      store.close()
      try expectSound(killed)
    }
  }
}
