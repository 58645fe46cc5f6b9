import CommitLog
import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@Suite struct LogReaderTests {
  /// A closed store whose stream has batches of ten records, and the reader of a damaged copy.
  private func batches(_ count: Int, damaging position: Int? = nil) throws -> LogReader {
    let machine = Machine()
    try machine.create()
    let store = try machine.open()
    let log = try store.createStream(StreamName("s"), options: small())
    for number in 0..<count {
      var batch = BatchBuilder(limits: FormatLimits())
      for index in 0..<10 {
        let value = bytes("batch \(number) record \(index)")
        try batch.append(value.span.bytes)
      }
      _ = try log.append(batch)
      try log.flush()
    }
    store.close()
    if let position {
      let path = try #require(StreamLogCloseTests.segments(machine).first)
      try machine.disk.flipBit(path, byte: SegmentLayout.preambleByteCount + position, bit: 1)
    }
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment)
    return try reader.makeReader(of: StreamName("s"))
  }

  @Test func `sound records in front of damage are delivered before it is reported`() throws {
    // Somewhere in the first batches of five.
    var reader = try batches(5, damaging: 800)
    let first = try reader.records(max: 50)
    #expect(first.count % 10 == 0 && (10..<40).contains(first.count), "\(first.count)")
    #expect(first.enumerated().allSatisfy { $1.offset.rawValue == UInt64($0) })
    do throws(ReadError) {
      _ = try reader.records(max: 50)
      Issue.record("the damage was not reported")
    } catch {
      guard case .damaged(let report) = error else { throw error }
      #expect(report.firstOffset.rawValue == UInt64(first.count))
      #expect(report.nextOffset.rawValue == UInt64(first.count + 10))
    }
    let rest = try reader.records(max: 50)
    #expect(rest.count == 40 - first.count && rest.last?.offset.rawValue == 49)
  }

  @Test func `a batch is read whole, whatever stands between batches`() throws {
    var reader = try batches(4)
    var counts: [Int] = []
    while true {
      let count = try reader.readBatch { _ in }
      if count == 0 { break }
      counts.append(count)
    }
    #expect(counts == [10, 10, 10, 10])
  }

  @Test func `reading by batches crosses segments`() throws {
    try withStream(StreamLogCloseTests.rolling(.disk)) { machine, log in
      for index in 0..<35 { try log.append(bytes("record \(index)")) }
      try log.flush()
      var reader = try log.makeReader()
      var total = 0
      while true {
        let count = try reader.readBatch { _ in }
        if count == 0 { break }
        total += count
      }
      #expect(total == 35)
    }
  }

  @Test func `a slot of an earlier closing does not end the stream`() throws {
    let machine = Machine()
    try machine.create()
    var count: UInt64 = 0
    for isLast in [false, true] {
      let store = try machine.open()
      let log = try store.createStream(StreamName("s"), options: small(.disk))
      for _ in 0..<3 { try log.append([1, 2, 3]) }
      try log.flush()
      count = log.logEndOffset.rawValue
      isLast ? store.abandon() : store.close()
    }
    // The slot that says that the segment is in use again is destroyed, as a power cut may do when it is
    // written anew.
    let path = try #require(
      machine.disk.paths.first { $0.contains("/s/0") && $0.hasSuffix(".seg") })
    try machine.disk.flipBit(path, byte: Int(SegmentLayout.slotPositions[1]) + 9, bit: 3)
    let reader = try StoreReader.open(
      at: "/data/s", options: machine.options, environment: machine.environment
    ).makeReader(of: StreamName("s"))
    #expect(reader.visibleOffset.rawValue == count)
  }
}
