import CommitLog
import Foundation
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

/// Options of small streams, so that a test rolls often; without evidence, whose effects on files have tests
/// of their own.
func small(_ durability: Durability = .disk) -> StreamOptions {
  var options = StreamOptions()
  options.evidence = .none
  options.durability = durability
  options.firstSegmentByteCount = 64 << 10
  options.segmentByteCount = 64 << 10
  return options
}

let everyClass: [Durability] = [
  .disk, .memory, .async(maxDelayNanoseconds: 1_000_000, maxByteCount: 1 << 20),
]

/// Opens a fresh store with one stream on a simulated machine.
func withStream<Result>(
  _ options: StreamOptions = small(), _ body: (Machine, StreamLog) throws -> Result
) throws -> Result {
  let machine = Machine()
  try machine.create()
  let store = try machine.open()
  defer { store.close() }
  return try body(machine, store.createStream(StreamName("s"), options: options))
}

func values(_ log: StreamLog, from start: StartPosition = .earliest) throws -> [String] {
  var reader = try log.makeReader(from: start)
  var result: [String] = []
  _ = try reader.read { result.append(String(decoding: $0.copyValue(), as: UTF8.self)) }
  return result
}

@Suite struct StreamLogTests {
  @Test(arguments: everyClass)
  func `every part of a record comes back`(_ durability: Durability) throws {
    try withStream(small(durability)) { _, log in
      let headers = try RecordHeaders.encoded([.init(name: "trace", value: [1, 2, 3])])
      let time = Timestamp(rawValue: 1_600_000_000_123_456_789)
      _ = try log.append(
        copying: bytes("value"), key: bytes("key"), type: bytes("type"), headers: headers,
        eventTime: time)
      _ = try log.append(copying: [], key: bytes("gone"), isTombstone: true)
      _ = try log.append(copying: [], key: [])
      try log.flush()
      var reader = try log.makeReader()
      let records = try reader.records(max: 10)
      #expect(records.count == 3)
      #expect(records[0].value == bytes("value"))
      #expect(records[0].key == bytes("key"))
      #expect(records[0].type == bytes("type"))
      let block = records[0].headers
      let decoded = try RecordHeaders.decoded(block.span.bytes)
      #expect(decoded.first?.name == "trace")
      #expect(records[0].eventTime == time)
      #expect(records[1].isTombstone)
      #expect(records[1].key == bytes("gone"))
      #expect(records[2].key == [])
      #expect(records[2].type == nil)
    }
  }

  @Test(arguments: everyClass)
  func `batches and single records share one offset space`(_ durability: Durability) throws {
    try withStream(small(durability)) { _, log in
      var expected: [String] = []
      for round in 0..<40 {
        var batch = BatchBuilder()
        for index in 0..<(round % 7 + 1) {
          let text = "batch \(round) \(index)"
          let value = bytes(text)
          try batch.append(value.span.bytes)
          expected.append(text)
        }
        let receipt = try log.append(batch)
        #expect(receipt.offset.rawValue == UInt64(expected.count - round % 7 - 1))
        try log.append(bytes("single \(round)"))
        expected.append("single \(round)")
      }
      try log.flush()
      #expect(try values(log) == expected)
      for offset in stride(from: 0, to: expected.count, by: 13) {
        #expect(
          try values(log, from: .offset(Offset(rawValue: UInt64(offset))))
            == Array(expected[offset...]))
      }
    }
  }

  @Test func `an append on condition is refused when the log has moved`() throws {
    try withStream { _, log in
      _ = try log.append(copying: bytes("a"), expecting: .zero)
      let error = #expect(throws: AppendError.self) {
        try log.append(copying: bytes("b"), expecting: .zero)
      }
      guard case .conflict(let expected, let actual) = error else {
        Issue.record("wrong error: \(String(describing: error))")
        return
      }
      #expect(expected == .zero)
      #expect(actual.rawValue == 1)
      _ = try log.append(copying: bytes("b"), expecting: Offset(rawValue: 1))
    }
  }

  @Test(arguments: everyClass)
  func `a repeated append of a producer is recognised, also after restart`(
    _ durability: Durability
  ) throws {
    let machine = Machine()
    try machine.create()
    func stamp(_ sequence: UInt32, epoch: UInt16 = 1) -> ProducerStamp {
      ProducerStamp(id: 42, epoch: epoch, sequence: sequence)
    }
    var offsets: [Offset] = []
    for round in 0..<5 {
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: small(durability))
      if round > 0 {
        let again = try log.append(
          copying: bytes("again"), producer: stamp(UInt32(round * 300 - 1)))
        #expect(again.isDuplicate)
        #expect(again.offset == offsets.last)
        #expect(log.producerState(42)?.lastSequence == UInt32(round * 300 - 1))
      }
      for index in 0..<300 {
        let receipt = try log.append(
          copying: Array(repeating: UInt8(round), count: 200),
          producer: stamp(UInt32(round * 300 + index)))
        #expect(!receipt.isDuplicate)
        offsets.append(receipt.offset)
      }
      #expect(throws: AppendError.self) {
        try log.append(copying: [], producer: stamp(UInt32(round * 300 + 302)))
      }
      try log.flush()
      if round % 2 == 0 { store.close() } else { store.abandon() }
    }
    #expect(offsets.map(\.rawValue) == (0..<1500).map { UInt64($0) })
    let store = try machine.open()
    let log = try store.stream(StreamName("s"))
    _ = try log.append(copying: bytes("new epoch"), producer: stamp(0, epoch: 2))
    #expect(throws: AppendError.self) {
      try log.append(copying: bytes("fenced"), producer: stamp(1500))
    }
    store.close()
  }

  @Test(arguments: everyClass)
  func `a reservation is written in place, an abandoned one leaves a gap`(
    _ durability: Durability
  ) throws {
    struct Refused: Error {}
    try withStream(small(durability)) { _, log in
      try log.append(bytes("before"))
      let offset = try log.appendReserving(byteCount: 5) { buffer in
        buffer.copyBytes(from: bytes("hello"))
      }
      #expect(offset.rawValue == 1)
      #expect(throws: ReservationError<Refused>.self) {
        try log.appendReserving(byteCount: 100) { _ throws(Refused) in throw Refused() }
      }
      try log.append(bytes("after"))
      try log.flush()
      #expect(try values(log) == ["before", "hello", "after"])
      #expect(log.logEndOffset.rawValue == 4)
    }
  }

  @Test(arguments: everyClass)
  func `removed segments move the log start and give a typed error to late readers`(
    _ durability: Durability
  ) throws {
    try withStream(small(durability)) { machine, log in
      for index in 0..<2_000 {
        try log.append(bytes("record number \(index) with some more bytes"))
      }
      try log.flush()
      let before = StreamLogCloseTests.segments(machine).count
      let removed = try log.removeSegments(before: Offset(rawValue: 1_500))
      #expect(removed.removed > 0)
      #expect(StreamLogCloseTests.segments(machine).count < before)
      let start = log.logStartOffset
      #expect(start.rawValue > 0 && start.rawValue <= 1_500)
      let error = #expect(throws: ReadError.self) { _ = try log.makeReader(from: .offset(.zero)) }
      guard case .expired(_, let first) = error else {
        Issue.record("wrong error: \(String(describing: error))")
        return
      }
      #expect(first == start)
      #expect(try values(log).count == 2_000 - Int(start.rawValue))
      for index in 0..<2_000 { try log.append(bytes("second life \(index) of recycled files")) }
      try log.flush()
      #expect(try values(log).count == 4_000 - Int(start.rawValue))
    }
  }

  @Test func `a second writer is refused, whoever asks`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let error = #expect(throws: OpenError.self) { try machine.open() }
    guard case .locked = error else {
      Issue.record("wrong error: \(String(describing: error))")
      return
    }
    store.close()
    try machine.open().close()
  }

  @Test(arguments: everyClass)
  func `a time finds the first record appended at or after it`(_ durability: Durability) throws {
    try withStream(small(durability)) { machine, log in
      var times: [Timestamp] = []
      for index in 0..<1_500 {
        machine.time.advance(byNanoseconds: 1_000_000)
        try log.append(bytes("record \(index) padded to make the log roll a few times"))
        times.append(machine.time.now())
      }
      try log.flush()
      for index in stride(from: 0, to: 1_500, by: 97) {
        var reader = try log.makeReader(from: .time(times[index]))
        #expect(try reader.next()?.offset.rawValue == UInt64(index + 1) || index == 1_499)
      }
      var late = try log.makeReader(from: .time(Timestamp(rawValue: .max)))
      #expect(try late.next() == nil)
    }
  }

  @Test func `a store without its files says what it is not`() throws {
    let machine = Machine()
    let error = #expect(throws: OpenError.self) { try machine.open() }
    if case .fileSystem(let cause)? = error { #expect(cause.reason == .notFound) }
    try machine.create()
    let again = #expect(throws: OpenError.self) { try machine.create() }
    guard case .alreadyExists = again else {
      Issue.record("wrong error: \(String(describing: again))")
      return
    }
  }

  @Test func `a failed sync is answered with a fresh segment, once`() throws {
    try withStream { machine, log in
      for index in 0..<10 { try log.append(bytes("safe \(index)")) }
      try log.flush()
      machine.disk.failNext(.writeDurably)
      for index in 0..<10 { try log.append(bytes("rescued \(index)")) }
      try log.flush()
      #expect(log.failure == nil)
      #expect(log.durableOffset.rawValue == 20)
      #expect(try values(log).count == 20)
      try log.append(bytes("and on"))
      try log.flush()
      #expect(try values(log).last == "and on")
    }
  }

  @Test func `a disk that fails for good stops the stream with the exact durable offset`() throws {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small())
    for index in 0..<10 { try log.append(bytes("safe \(index)")) }
    try log.flush()
    machine.disk.faultPlan = FaultPlan(
      FaultPlan.failing(.writeDurably, forever: true).faults
        + FaultPlan.failing(.synchronizeData, forever: true).faults)
    try log.append(bytes("lost"))
    let error = #expect(throws: AppendError.self) { try log.flush() }
    guard case .streamFailed(let failure)? = error else {
      Issue.record("wrong error: \(String(describing: error))")
      return
    }
    #expect(failure.durableOffset.rawValue == 10)
    #expect(throws: AppendError.self) { try log.append(bytes("refused")) }
    #expect(try values(log).count == 10)
    machine.disk.faultPlan = .none
    store.close()
    let again = try machine.open()
    #expect(try values(again.stream(StreamName("s"))).prefix(10).count == 10)
    again.close()
  }

  @Test(arguments: everyClass)
  func `a batch over the limits of the store is refused, whatever its builder allows`(
    _ durability: Durability
  ) throws {
    var machine = Machine()
    machine.options.limits = FormatLimits(
      batchByteCountLimit: 64 << 10, batchRecordCountLimit: 100)
    try machine.create()
    let store = try machine.open()
    defer { store.close() }
    let log = try store.createStream(StreamName("s"), options: small(durability))
    for (count, byteCount) in [(101, 1), (10, 7_000)] {
      var batch = BatchBuilder(limits: FormatLimits())
      let value = [UInt8](repeating: 5, count: byteCount)
      for _ in 0..<count { try batch.append(value.span.bytes) }
      var refusal: FormatError?
      do throws(AppendError) { try log.append(batch) } catch {
        if case .invalid(let cause) = error { refusal = cause }
      }
      guard case .overLimit(.batch, let found, let limit)? = refusal else {
        Issue.record("not refused: \(count) records of \(byteCount) bytes")
        continue
      }
      #expect(found > limit)
    }
    var batch = BatchBuilder(limits: FormatLimits())
    for _ in 0..<100 { try batch.append([UInt8](repeating: 6, count: 600).span.bytes) }
    #expect(try log.append(batch).offset == .zero)
    try log.flush()
    #expect(try values(log).count == 100)
  }

  @Test func `stream names that could leave the store are refused`() {
    for name in [
      "", ".", "..", "a/b", "../x", "/x", "a\\b", "-x", " x", "x.", "x ", "a\u{0}b",
      "a\nb", "\u{1b}[31m", "\u{202e}x", String(repeating: "x", count: 256),
    ] {
      #expect(throws: OpenError.self) { try StreamName(name) }
    }
    for name in ["orders", "é", "a.b", "agent 7", String(repeating: "x", count: 255)] {
      #expect(throws: Never.self) { try StreamName(name) }
    }
  }
}

@Suite struct RollTests {
  @Test func `a segment is rolled by records and by age`() throws {
    var options = small()
    options.rollRecordCount = 10
    try withStream(options) { machine, log in
      for index in 0..<35 { try log.append(bytes("\(index)")) }
      try log.flush()
      #expect(machine.disk.paths.filter { $0.contains("/s/") && $0.hasSuffix(".seg") }.count >= 4)
      #expect(try values(log).count == 35)
    }
    options = small()
    options.rollNanoseconds = 1_000_000_000
    try withStream(options) { machine, log in
      for index in 0..<5 {
        try log.append(bytes("\(index)"))
        machine.time.advance(byNanoseconds: 2_000_000_000)
        try log.append(bytes("late \(index)"))
        try log.flush()
      }
      #expect(try values(log).count == 10)
    }
  }

  @Test(arguments: everyClass)
  func `a wall clock set back leaves offsets and times in order`(_ durability: Durability) throws {
    try withStream(small(durability)) { machine, log in
      try log.append(bytes("before"))
      try log.flush()
      machine.time.setWallClock(Timestamp(rawValue: 1_000_000_000))
      try log.append(bytes("after"))
      try log.flush()
      machine.time.setWallClock(Timestamp(rawValue: 4_000_000_000_000_000_000))
      try log.append(bytes("future"))
      try log.flush()
      var reader = try log.makeReader()
      let records = try reader.records(max: 10)
      #expect(records.count == 3)
      #expect(records[0].appendTime < records[1].appendTime)
      #expect(records[1].appendTime < records[2].appendTime)
    }
  }
}
