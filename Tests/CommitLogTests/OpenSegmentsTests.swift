import LogFormat
import PlatformIO
import Quantities
import SimulatedIO
import Testing

@testable import CommitLog

@Suite struct OpenSegmentsTests {
  /// Far more than a process keeps open.
  static let segmentCount = 700
  static let handleLimit = 600

  @Test(arguments: [Durability.disk, .memory])
  func `a log of many segments needs few descriptors, to write and to read`(
    _ durability: Durability
  ) throws {
    var options = small(durability)
    options.rollRecordCount = 1
    try withStream(options) { machine, log in
      for index in 0..<Self.segmentCount {
        try log.append(bytes("record \(index)"))
        try log.flush()
      }
      func expectFew(sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(machine.disk.openHandleCount < Self.handleLimit, sourceLocation: sourceLocation)
        #expect(machine.disk.mappedRegionCount < Self.handleLimit, sourceLocation: sourceLocation)
      }
      #expect(log.segments.all.count == Self.segmentCount)
      expectFew()
      // A reader in the writer's process, there and back.
      let expected = (0..<Self.segmentCount).map { "record \($0)" }
      for _ in 0..<2 {
        #expect(try values(log) == expected)
        expectFew()
      }
      var reader = try log.makeReader()
      for index in stride(from: Self.segmentCount - 1, through: 0, by: -1) {
        try reader.seek(to: .offset(Offset(rawValue: UInt64(index))))
        #expect(try reader.next()?.value == bytes(expected[index]))
      }
      expectFew()
      // One beside the writer, which has descriptors of its own.
      let store = try StoreReader.open(
        at: "/data/s", options: machine.options, environment: machine.environment)
      var other = try store.makeReader(of: StreamName("s"))
      var count = 0
      _ = try other.read { _ in
        count += 1
        if count % 100 == 0 { expectFew() }
      }
      #expect(count >= Self.segmentCount - 1)
      expectFew()
    }
  }

  @Test func `a segment that is read stays open, and is opened once`() throws {
    try withStream(StreamLogCloseTests.rolling(.disk)) { machine, log in
      for index in 0..<25 { try log.append(bytes("record \(index)")) }
      try log.flush()
      let entry = try #require(log.segments.all.first)
      let file = try entry.file()
      // Two looks: used lately, then not.
      #expect(!entry.release())
      #expect(entry.release())
      #expect(try entry.file() === file)
      // The segment that takes the appends is kept in any case.
      let last = try #require(log.segments.all.last)
      for _ in 0..<3 { #expect(!last.release()) }
    }
  }
}
